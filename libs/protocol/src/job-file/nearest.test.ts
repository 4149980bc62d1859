import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.js';

const verbs = ['up', 'down', 'status', 'job', 'jobs', 'logs', 'model', 'predict'];

describe('nearest', () => {
  it.each([
    ['stauts', 'status'],
    ['jbo', 'job'],
    ['jobz', 'jobs'],
    ['predcit', 'predict'],
    ['modle', 'model'],
    ['dwon', 'down'],
  ])('takes %s for %s', (word, meant) => {
    expect(nearest(word, verbs)).toBe(meant);
  });

  it.each(['frob', 'xyz', 'a', 'start', 'train', ''])('takes %j for nothing', (word) => {
    expect(nearest(word, verbs)).toBeNull();
  });
});
