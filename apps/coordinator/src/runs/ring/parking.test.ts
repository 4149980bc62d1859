import { describe, expect, it } from 'vitest';
import { Scene } from '../scene.test.fixture.js';

describe('a run that is to leave its slots', () => {
  it('is paused by agreement, and goes on when it is resumed', () => {
    const scene = new Scene().running().feed({ type: 'paused' });
    expect(scene.sent('retire')).toEqual([
      { type: 'retire', generation: 2, checkpoint: true },
      { type: 'retire', generation: 2, checkpoint: true },
    ]);
    scene.progress(12).retired('2', 12);
    expect(scene.ended).toEqual([]);
    scene.checkpointed(12, 'c', '1').retired('1', 12);
    expect(scene.ended).toEqual(['1', '2']);
    expect(scene.run).toMatchObject({ state: 'paused', ring: null, leave: null });
    expect(scene.place('3').commands).toEqual([]);
    scene.feed({ type: 'resumed' }).place('3').ready('3').prepared('3');
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
  });

  it('yields, and queues again', () => {
    const scene = new Scene().running().feed({ type: 'yielded', reason: 'priority' });
    scene.checkpointed(12, 'c', '1').retired('1', 12).retired('2', 12);
    expect(scene.run).toMatchObject({ state: 'queued', trainers: [] });
  });

  it('is dismissed without a word, and goes on from its newest checkpoint', () => {
    const scene = new Scene().running().progress(12).checkpointed(12, 'c', '1').progress(15);
    scene.feed({ type: 'dismissed' });
    expect(scene.ended).toEqual(['1', '2']);
    expect(scene.incidents).toEqual([]);
    expect(scene.run).toMatchObject({ state: 'queued', trainers: [], ring: null, leave: null });
    scene.exited('1').exited('2').place('3').ready('3').prepared('3');
    expect(scene.incidents).toEqual([]);
    expect(scene.sent('start')[0]?.begin).toMatchObject({ position: { step: 12 } });
  });

  it('stays paused, or is so, when it is dismissed meanwhile', () => {
    const paused = new Scene().running().feed({ type: 'paused' }).feed({ type: 'dismissed' });
    expect(paused.run).toMatchObject({ state: 'paused', trainers: [] });
    expect(paused.feed({ type: 'dismissed' }).run.state).toBe('paused');
  });

  it('saves what it holds when a failure comes in between', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).exited('1');
    expect(scene.sent('prepare')).toMatchObject([{ planned: false }]);
    expect(scene.prepared('2', 11).sentTo('2')).toEqual([{ type: 'save' }]);
    expect(scene.checkpointed(11, 'c', '2').run.state).toBe('paused');
  });

  it('goes on when it cannot be saved', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).retired('1', 12);
    const error = { code: 'DISK_FULL', message: 'full', remedy: '', detail: null };
    scene.say('2', { type: 'checkpoint-failed', generation: 2, step: 12, error });
    expect(scene.incidents[0]).toContain('could not be paused');
    expect(scene.run).toMatchObject({ leave: null, generation: 3 });
    expect(scene.prepared('1', 12).prepared('2', 12).sent('start')).toHaveLength(2);
  });

  it('is resumed in the midst of it', () => {
    const scene = new Scene().running().feed({ type: 'paused' }).feed({ type: 'resumed' });
    expect(scene.sent('withdraw')).toHaveLength(2);
    expect(scene.run.state).toBe('running');
    scene.retired('1', 12, 2).retired('2', 12, 2);
    expect(scene.prepared('1', 12).prepared('2', 12).sent('start')).toHaveLength(2);
  });

  it('is paused at once when it holds nothing', () => {
    expect(new Scene().feed({ type: 'paused' }).run.state).toBe('paused');
    const loading = new Scene().place('1').feed({ type: 'paused' });
    expect(loading.ended).toEqual(['1']);
    expect(loading.run.state).toBe('paused');
  });
});
