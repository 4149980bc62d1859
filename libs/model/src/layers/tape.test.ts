import { Runtime, type Tensor } from '@ringmaster/tensorflow';
import { afterEach, describe, expect, it } from 'vitest';

import { Tape, type Value } from './tape.js';

// Sums and doublings of small vectors: enough to say whose tensors live when.
const runtime = Runtime.open();
const add = (x: Tensor, y: Tensor) =>
  runtime.execute('AddV2', [x, y], [{ name: 'T', type: 4, value: 1 }]);
const vector = (...values: number[]) => runtime.upload(Float32Array.from(values), [values.length]);
const numbers = (tensor: Tensor) => [...runtime.download(tensor)];

const emitted: [string, number[]][] = [];
const recording = () => Tape.recording(runtime, (name, sum) => emitted.push([name, numbers(sum)]));
afterEach(() => {
  emitted.length = 0;
});

/** 2 x; `name`, if any, is a parameter whose gradient is dy. */
function doubled(tape: Tape, x: Value, name?: string): Value {
  const parameters = name === undefined ? [] : [name];
  const output = add(x.tensor, x.tensor);
  return tape.record(output, { inputs: [x], saved: [x.tensor, null], parameters }, (dy, give) => {
    if (name !== undefined) give.parameter(name, (sum) => (sum === null ? dy : add(sum, dy)));
    give(x, (sum) => {
      const share = add(dy, dy);
      return sum === null ? share : add(sum, share);
    });
  });
}

function summed(tape: Tape, x: Value, y: Value): Value {
  const output = add(x.tensor, y.tensor);
  return tape.record(output, { inputs: [x, y], saved: [], parameters: [] }, (dy, give) => {
    for (const input of [x, y]) give(input, (sum) => (sum === null ? dy : add(sum, dy)));
  });
}

describe('a tape', () => {
  it('sums the shares of every reader of a value', () => {
    const before = runtime.live;
    const tape = recording();
    const x = tape.input(vector(1, 2));
    const y = doubled(tape, doubled(tape, tape.fork(x)));
    const z = summed(tape, y, tape.fork(x));
    expect(numbers(z.tensor)).toEqual([5, 10]);
    const dy = vector(1, 10);
    tape.backward(z, dy);
    expect(numbers(tape.gradientOf(x))).toEqual([5, 50]);
    tape.dispose();
    runtime.free(dy);
    expect(runtime.live).toBe(before);
  });

  it('emits the gradient of a parameter once, with its last share', () => {
    const tape = recording();
    const x = doubled(tape, tape.input(vector(1)), 'first');
    const y = doubled(tape, doubled(tape, x, 'shared'), 'shared');
    tape.backward(y, vector(1));
    expect(emitted).toEqual([
      ['shared', [3]],
      ['first', [4]],
    ]);
    tape.dispose();
  });

  it('keeps and computes only what leads to a trained parameter', () => {
    const before = runtime.live;
    const tape = Tape.recording(runtime, (name, sum) => emitted.push([name, numbers(sum)]), {
      trains: (name) => name === 'trained',
    });
    const wentBack: string[] = [];
    const step = (on: Tape, x: Value, name: string) => {
      const output = add(x.tensor, x.tensor);
      const recorded = { inputs: [x], saved: [x.tensor], parameters: [name] };
      return on.record(output, recorded, (dy, give) => {
        wentBack.push(name);
        give.parameter(name, () => dy);
        give(x, () => {
          wentBack.push(`input of ${name}`);
          return add(dy, dy);
        });
      });
    };
    const below = step(tape, tape.input(vector(1), false), 'below');
    expect(below.requiresGradient).toBe(false);
    const kept = runtime.live;
    const again = tape.checkpoint([step(tape, below, 'below too')], (on, x) =>
      step(on, step(on, x, 'still below'), 'trained'),
    );
    expect([again.requiresGradient, runtime.live - kept]).toEqual([true, 1]);
    tape.backward(step(tape, again, 'above'), vector(1));
    expect(wentBack).toEqual(['above', 'input of above', 'trained']);
    expect(emitted).toEqual([['trained', [2]]]);
    tape.dispose();
    expect(runtime.live).toBe(before);
  });

  it('frees what nobody needs any more while it goes forward and back', () => {
    const tape = recording();
    const x = tape.input(vector(1));
    const y = doubled(tape, x);
    const z = doubled(tape, y);
    expect([x.tensor.alive, y.tensor.alive, z.tensor.alive]).toEqual([true, true, true]);
    tape.backward(z, vector(1));
    expect([y.tensor.alive, z.tensor.alive]).toEqual([false, false]);
    tape.dispose();

    const forward = Tape.forwardOnly(runtime);
    const start = forward.input(vector(1));
    const middle = doubled(forward, start);
    expect(start.tensor.alive).toBe(false);
    const end = doubled(forward, middle);
    expect([middle.tensor.alive, end.tensor.alive]).toEqual([false, true]);
    forward.release(end);
    expect(end.tensor.alive).toBe(false);
  });

  it('computes a checkpointed part again, with the same gradients and less that is kept', () => {
    const run = (part: (tape: Tape, x: Value) => Value) => {
      const tape = recording();
      const x = tape.input(vector(1, 2));
      const y = part(tape, tape.fork(x));
      const kept = runtime.live;
      tape.backward(summed(tape, y, tape.fork(x)), vector(1, 3));
      const dx = numbers(tape.gradientOf(x));
      tape.dispose();
      return { dx, kept, emissions: emitted.splice(0) };
    };
    const part = (tape: Tape, x: Value) =>
      doubled(tape, doubled(tape, doubled(tape, x, 'a'), 'b'), 'a');
    const plain = run(part);
    const again = run((tape, x) => tape.checkpoint([x], part));
    expect(again.dx).toEqual(plain.dx);
    expect(again.emissions).toEqual(plain.emissions);
    expect(again.kept).toBeLessThan(plain.kept);
  });

  it('gives every input of a checkpointed part its share, on top of the shares so far', () => {
    const tape = recording();
    const x = tape.input(vector(1, 2));
    const y = tape.input(vector(3, 5));
    const inputs = [tape.fork(x), tape.fork(y)] as const;
    const z = tape.checkpoint(inputs, (on, first, second) =>
      summed(on, doubled(on, doubled(on, first)), doubled(on, second, 'w')),
    );
    const end = summed(tape, summed(tape, z, tape.fork(x)), tape.fork(y));
    expect(numbers(end.tensor)).toEqual([14, 25]);
    tape.backward(end, vector(1, 10));
    expect(numbers(tape.gradientOf(x))).toEqual([5, 50]);
    expect(numbers(tape.gradientOf(y))).toEqual([3, 30]);
    expect(emitted).toEqual([['w', [1, 10]]]);
    const twice = [tape.fork(x), tape.fork(x)] as const;
    expect(() => tape.checkpoint(twice, (_, first) => first)).toThrow('twice');
    tape.dispose();
  });

  it('refuses a handle that was used, and a share that was not announced', () => {
    const tape = recording();
    const x = tape.input(vector(1));
    const y = doubled(tape, x);
    expect(() => doubled(tape, x)).toThrow('A handle is used twice');
    const z = tape.record(vector(1), { inputs: [y], saved: [], parameters: [] }, (dy, give) => {
      give.parameter('w', () => dy);
    });
    expect(() => {
      tape.backward(z, vector(1));
    }).toThrow('w has a share');
    tape.dispose();
  });

  it('refuses to write into a gradient that somebody else reads', () => {
    const tape = recording();
    const x = tape.input(vector(1));
    const y = summed(tape, tape.fork(x), tape.input(vector(1)));
    const z = tape.record(
      add(y.tensor, x.tensor),
      { inputs: [x, y], saved: [], parameters: [] },
      (dy, give) => {
        give(x, () => dy);
        give(x, (sum) => sum ?? dy);
      },
    );
    expect(() => {
      tape.backward(z, vector(1));
    }).toThrow('written into');
    tape.dispose();
  });

  it('leaves nothing behind of a pass that failed midway', () => {
    const before = runtime.live;
    const tape = recording();
    runtime.scope(() => {
      const x = doubled(tape, tape.input(vector(1)));
      const y = tape.record(vector(1), { inputs: [x], saved: [], parameters: [] }, () => {
        throw new Error('lost');
      });
      expect(() => {
        tape.backward(doubled(tape, y), vector(1));
      }).toThrow('lost');
    });
    tape.dispose();
    expect(runtime.live).toBe(before);
  });
});
