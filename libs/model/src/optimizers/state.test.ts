import { expect, test } from 'vitest';

import { Layout } from './layout.js';
import { ADAM_MOMENTS } from './elementwise.js';
import { perElement } from './moment.js';
import { frozenHash, State, stateHash, type StateOptions } from './state.js';

const layout = Layout.of([
  { name: 'weight', shape: [3, 7], group: 'decay' },
  { name: 'bias', shape: [7], group: 'no-decay' },
]);

function stateOf(given: Partial<StateOptions>): State {
  const options = { moments: ADAM_MOMENTS, ...given };
  const buffer = new SharedArrayBuffer(State.byteLength(layout, options));
  const state = State.create({ buffer }, 0, layout, options);
  state.parameters.set(state.parameters.map((_, at) => at / 8));
  return state;
}

test('the best parameters are part of the bytes and of the hash, and stay when the present ones change', () => {
  const state = stateOf({ keepsBest: true });
  const before = stateHash(state);
  state.keepBest('parameters');
  const kept = stateHash(state);
  expect(kept).not.toBe(before);
  const best = [...state.view('parameters', layout.tensor('bias'))];
  state.parameters.fill(-1);
  expect([...state.view('bestParameters', layout.tensor('bias'))]).toEqual(best);

  const copy = stateOf({ keepsBest: true });
  copy.parts[0]!.set(state.parts[0]!);
  copy.readHeader(state.header());
  expect(stateHash(copy)).toBe(stateHash(state));
  expect([...copy.view('bestParameters', layout.tensor('bias'))]).toEqual(best);
  state.clear();
  expect(new Set(state.parts[0])).toEqual(new Set([0]));
});

test('the average is part of the bytes and of the hash, and may be the best', () => {
  const state = stateOf({ keepsAverage: true, keepsBest: true });
  const before = stateHash(state);
  state.beginAverage();
  expect(stateHash(state)).not.toBe(before);
  const weight = layout.tensor('weight');
  const average = [...state.view('averageParameters', weight)];
  expect(average).toEqual([...state.view('parameters', weight)]);
  state.parameters.fill(-1);
  state.keepBest('averageParameters');
  expect([...state.view('bestParameters', weight)]).toEqual(average);
  expect(() => {
    stateOf({ keepsBest: true }).readHeader(state.header());
  }).toThrow('another layout');
});

test('a moment lies by the lengths that it has for each tensor', () => {
  const rows = {
    name: 'rows',
    elements: ({ shape: [length = 0] }: { shape: readonly number[] }) => length,
  };
  const state = stateOf({ moments: [perElement('whole'), rows] });
  const [weight, bias] = layout.tensors;
  const [whole, ofRows] = [...state.moments.values()].map(({ byteOffset }) => byteOffset);
  expect(state.momentOffsets(weight!)).toEqual([whole, ofRows]);
  expect(state.momentOffsets(bias!)).toEqual([whole! + 4 * bias!.offset, ofRows! + 64]);
  expect(state.moments.get('rows')!.length).toBe(32);
});

test('a state that does not keep the best parameters has no room for them', () => {
  const state = stateOf({});
  const before = stateHash(state);
  state.keepBest('parameters');
  expect(stateHash(state)).toBe(before);
  expect(state.range.byteLength).toBe(
    stateOf({ keepsBest: true }).range.byteLength - 4 * layout.length,
  );
  expect(() => state.view('bestParameters', layout.tensor('bias'))).toThrow('does not hold');
  expect(() => {
    stateOf({ keepsBest: true }).readHeader(state.header());
  }).toThrow('another layout');
});

// The states of earlier versions had the two moments of AdamW and no frozen parameters, and their hashes were these.
test('a state with the moments of Adam and nothing frozen has the header and hash that it always had', () => {
  const state = stateOf({});
  expect(state.header()).toBe(
    '{"counters":{"best":null,"evaluations":0,"evaluationsSinceBest":0,"nonFinite":0,"nonFiniteInARow":0,"step":0,' +
      '"stopped":false,"updates":0},"format":1,"keepsBest":false,' +
      '"tensors":[["weight",[3,7],"decay"],["bias",[7],"no-decay"]]}',
  );
  expect(stateHash(state)).toBe('6a90be023d357fd7f7df1fe17ba59a417ea35e644970d97a1e4662236f04a781');
});

test('the state takes room for the moments that there are, and tells them and what is frozen in its hash', () => {
  const hashes = [
    stateOf({}),
    stateOf({ moments: [] }),
    stateOf({ moments: [perElement('velocities')] }),
    stateOf({ moments: [perElement('other')] }),
    stateOf({ frozen: '1'.repeat(64) }),
    stateOf({ frozen: '2'.repeat(64) }),
  ].map(stateHash);
  expect(new Set(hashes).size).toBe(hashes.length);
  const bytesOf = (moments: string[]) =>
    stateOf({ moments: moments.map(perElement) }).range.byteLength;
  expect(bytesOf(['velocities']) - bytesOf([])).toBe(4 * layout.length);
  expect(() => {
    stateOf({ frozen: '1'.repeat(64) }).readHeader(stateOf({ frozen: '2'.repeat(64) }).header());
  }).toThrow('another layout');
});

test('the hash of frozen parameters covers their names, shapes, values and order', () => {
  const hashOf = (parameters: [string, number[]][], values = [1, 2, 3, 4]) =>
    frozenHash(
      parameters.map(([name, shape]) => ({ name, shape })),
      () => Float32Array.from(values),
    );
  const hashes = [
    hashOf([['a', [4]]]),
    hashOf([['b', [4]]]),
    hashOf([['a', [2, 2]]]),
    hashOf([['a', [4]]], [1, 2, 3, 5]),
    hashOf([
      ['a', [4]],
      ['b', [4]],
    ]),
    hashOf([
      ['b', [4]],
      ['a', [4]],
    ]),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});
