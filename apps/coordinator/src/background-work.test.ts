import { describe, expect, it } from 'vitest';
import { BackgroundWork } from './background-work.js';

describe('background work', () => {
  it('is waited for, with what it begins and however it ends, and is told that it is to end', async () => {
    const background = new BackgroundWork();
    const ended: string[] = [];
    const later = async (name: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(name);
    };
    void background.add(later('first').then(() => background.add(later('what the first begins'))));
    const failing = background.add(Promise.reject(new Error('it failed')));
    background.signal.addEventListener('abort', () => void background.add(later('the last words')));
    await expect(failing).rejects.toThrow('it failed');
    expect(background.signal.aborted).toBe(false);
    await background.close();
    expect(background.signal.aborted).toBe(true);
    expect(ended.sort()).toEqual(['first', 'the last words', 'what the first begins']);
  });
});
