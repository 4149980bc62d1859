import { expect, test } from 'vitest';

import { Layout } from './layout.js';
import { State, stateHash, type StateOptions } from './state.js';

const layout = Layout.of([
  { name: 'weight', shape: [3, 7], group: 'decay' },
  { name: 'bias', shape: [7], group: 'no-decay' },
]);

function stateOf(options: StateOptions): State {
  const buffer = new SharedArrayBuffer(State.byteLength(layout, options));
  const state = State.create({ buffer }, 0, layout, options);
  state.parameters.set(state.parameters.map((_, at) => at / 8));
  return state;
}

test('the best parameters are part of the bytes and of the hash, and stay when the present ones change', () => {
  const state = stateOf({ keepsBest: true });
  const before = stateHash(state);
  state.keepBest();
  const kept = stateHash(state);
  expect(kept).not.toBe(before);
  const best = [...state.view('parameters', layout.tensor('bias'))];
  state.parameters.fill(-1);
  expect([...state.view('bestParameters', layout.tensor('bias'))]).toEqual(best);

  const copy = stateOf({ keepsBest: true });
  copy.bytes.set(state.bytes);
  copy.readHeader(state.header());
  expect(stateHash(copy)).toBe(stateHash(state));
  expect([...copy.view('bestParameters', layout.tensor('bias'))]).toEqual(best);
  state.clear();
  expect(new Set(state.bytes)).toEqual(new Set([0]));
});

test('a state that does not keep the best parameters has no room for them', () => {
  const state = stateOf({});
  const before = stateHash(state);
  state.keepBest();
  expect(stateHash(state)).toBe(before);
  expect(state.bytes.byteLength).toBe(
    stateOf({ keepsBest: true }).bytes.byteLength - 4 * layout.length,
  );
  expect(() => state.view('bestParameters', layout.tensor('bias'))).toThrow('does not hold');
  expect(() => {
    stateOf({ keepsBest: true }).readHeader(state.header());
  }).toThrow('another layout');
});
