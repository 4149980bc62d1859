import { Kernels, SharedArena } from '@ringmaster/allreduce';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Quantiser } from './quantiser.js';
import { CAPACITY, perform } from './queue.js';

const LARGEST = 300;
const LEAST_ASIDE = 100;
const quantisers: Quantiser[] = [];

afterEach(async () => {
  await Promise.all(quantisers.splice(0).map((quantiser) => quantiser.close()));
});

async function setUp({ aside }: { aside: boolean }) {
  const memory = SharedArena.create(1 << 20);
  const kernels = Kernels.instantiate(memory.memory);
  const quantiser = new Quantiser(memory, kernels, { largest: LARGEST, leastAside: LEAST_ASIDE });
  const target = memory.allocate(4 * LARGEST);
  await quantiser.setAside(aside);
  quantisers.push(quantiser);
  return { quantiser, target, kernels, memory, sum: memory.int32(target, LARGEST) };
}

const LENGTHS = [LEAST_ASIDE - 1, LEAST_ASIDE, LARGEST];
const gradients = fc.array(
  fc.record({
    tensor: fc.nat(LENGTHS.length - 1),
    factor: fc.integer({ min: -99, max: 99 }),
    does: fc.constantFrom('measure', 'replace', 'add'),
  }),
  { maxLength: 3 * CAPACITY },
);

describe.each([{ aside: true }, { aside: false }])('the quantiser, with %o', (how) => {
  it('makes of gradients what the kernels make of them one after the other, and tells when it has', async () => {
    const { quantiser, kernels, memory } = await setUp(how);
    const [targets, others] = [0, 1].map(() =>
      LENGTHS.map((length) => memory.allocate(4 * length)),
    );
    const source = memory.allocate(4 * LARGEST);
    fc.assert(
      fc.property(gradients, (all) => {
        const told: number[] = [];
        all.forEach(({ tensor, factor, does }, index) => {
          const work = {
            coarse: null,
            exponent: does === 'measure' ? null : 3,
            replace: does === 'replace',
          };
          const length = LENGTHS[tensor]!;
          const values = Float32Array.from({ length }, (_, at) => (factor * (at + 7)) % 101);
          memory.float32(source, length).set(values);
          const maximum = perform(kernels, { ...work, source, length, target: others![tensor]! });
          quantiser.stage(length).set(values);
          quantiser.quantise({ ...work, target: targets![tensor]! }, (found) => {
            expect(found).toBe(maximum);
            told.push(index);
          });
          quantiser.afterwards(() => {
            expect(new Set(told)).toEqual(new Set([...told, ...all.slice(0, index + 1).keys()]));
          });
        });
        quantiser.drain();
        expect(told).toHaveLength(all.length);
        LENGTHS.forEach((length, tensor) => {
          const [made, expected] = [targets, others].map((place) =>
            memory.int32(place![tensor]!, length),
          );
          expect(made).toEqual(expected);
        });
      }),
    );
  });
});

describe('the quantiser', () => {
  it('tells nobody of what is abandoned, which is over then', async () => {
    const { quantiser, target, sum } = await setUp({ aside: true });
    const told: number[] = [];
    for (let time = 0; time < 2; time++) {
      quantiser.stage(LARGEST).fill(1 + time);
      quantiser.quantise({ target, coarse: null, exponent: 0, replace: time === 0 }, () =>
        told.push(time),
      );
    }
    quantiser.abandon();
    expect(sum).toEqual(new Int32Array(LARGEST).fill(3));
    quantiser.drain();
    expect(told).toEqual([]);
  });

  it('goes aside and comes back when nothing is under way', async () => {
    const { quantiser, target, sum } = await setUp({ aside: true });
    const told: string[] = [];
    const add = (name: string) => {
      quantiser.stage(LARGEST).fill(1);
      quantiser.quantise({ target, coarse: null, exponent: 0, replace: false }, () =>
        told.push(name),
      );
    };
    add('aside');
    await quantiser.setAside(false);
    add('still aside');
    quantiser.drain();
    add('at once');
    expect(told).toEqual(['aside', 'still aside', 'at once']);
    expect(sum).toEqual(new Int32Array(LARGEST).fill(3));
  });

  it('refuses an exponent that no kernel takes', async () => {
    const { quantiser, target } = await setUp({ aside: true });
    quantiser.stage(1);
    expect(() => {
      quantiser.quantise({ target, coarse: null, exponent: 127, replace: true }, () => undefined);
    }).toThrow('127');
  });
});
