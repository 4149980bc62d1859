import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scene } from '../scene.test.fixture.js';
import { ringOrder, type Place } from './order.js';

const place = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
const places = fc.array(place, { maxLength: 12 });

/** How often a ring goes from one place of some width to another. */
function crossings(order: readonly Place[], width: number): number {
  const at = (index: number) => order[index % order.length]?.slice(0, width).join();
  return order.filter((_, index) => at(index) !== at(index + 1)).length;
}

describe('the order of a ring', () => {
  it('enters each place once, at every width', () => {
    fc.assert(
      fc.property(places, (given) => {
        const order = ringOrder(given, (each) => each);
        expect([...order].sort()).toEqual([...given].sort());
        for (const width of [1, 2, 3]) {
          const there = new Set(given.map((each) => each.slice(0, width).join()));
          expect(crossings(order, width)).toBe(there.size === 1 ? 0 : there.size);
        }
      }),
    );
  });

  it('keeps who came first, and stays as it is', () => {
    fc.assert(
      fc.property(places, (given) => {
        const trainers = given.map((_, index) => index);
        const placeOf = (trainer: number) => given[trainer] ?? [];
        const order = ringOrder(trainers, placeOf);
        expect(ringOrder(order, placeOf)).toEqual(order);
        const of = (name: string) => order.filter((each) => placeOf(each).join() === name);
        for (const name of new Set(given.map((each) => each.join())))
          expect(of(name)).toEqual([...of(name)].sort((a, b) => a - b));
        if (order.length > 0) expect(order[0]).toBe(0);
      }),
    );
  });

  it('is that of ranks, when rings form and when a newcomer comes in', () => {
    const scene = new Scene();
    const at = (id: string, machine: string) => ({ id, worker: `w${id}`, place: [machine, 'n'] });
    scene.feed({ type: 'placed', trainers: [at('1', 'a'), at('2', 'b'), at('3', 'a')] });
    scene.ready('1', '2', '3');
    expect(scene.members).toEqual(['1', '3', '2']);
    scene.prepared('1').prepared('2').prepared('3').started('1').started('2').started('3');
    scene.feed({ type: 'placed', trainers: [at('4', 'a')] }).ready('4');
    const planned = scene.run.planned.at(-1)?.members.map(({ trainer }) => trainer);
    expect(planned).toEqual(['1', '3', '4', '2']);
  });
});
