import { describe, expect, it } from 'vitest';
import { Scene } from '../scene.test.fixture.js';

describe('the crash loop', () => {
  it('fails the job at the third failure of one step', () => {
    const loop = new Scene();
    for (const id of ['1', '2', '3'])
      loop.place(id).ready(id).wait(10_000).formed(null, id).exited(id);
    expect(loop.run).toMatchObject({ state: 'failed', error: { code: 'JOB_CRASH_LOOP' } });
    expect(loop.incidents[0]).toContain('The job failed: Job j-1 failed 3 times at step 0');
  });

  it('counts trainers that cannot load, as long as none ever could', () => {
    const scene = new Scene();
    for (const id of ['1', '2', '3']) scene.place(id).exited(id, null);
    expect(scene.run.state).toBe('failed');
    const killed = new Scene();
    for (const id of ['1', '2', '3', '4']) killed.place(id).exited(id, 'SIGKILL');
    expect(killed.run.state).toBe('queued');
  });

  it('counts neither kills of trainers that made progress, nor lost workers, nor failures while forming', () => {
    const scene = new Scene().running('1', '2', '3', '4');
    scene.exited('4').exited('3').wait(1000);
    for (let round = 0; round < 5; round++) scene.failed('1').wait(10_000);
    expect(scene.formed(10, '1', '2').run).toMatchObject({ state: 'running', strikes: [] });
    for (const id of ['5', '6', '7']) {
      scene.place(id).ready(id).prepared('1').prepared('2').prepared(id).started('1').lost(id);
      scene.wait(20_000).formed(10, '1', '2');
    }
    expect(scene.run).toMatchObject({ state: 'running', strikes: [] });
  });

  it('counts one failure once, however many trainers it takes down', () => {
    const scene = new Scene().place('1', '2', '3').ready('1', '2', '3');
    scene.formed(null, '1', '2', '3').failed('1').exited('2').exited('3').exited('1');
    expect(scene.run.strikes.length).toBeLessThanOrEqual(1);
  });

  it('forgets failures at steps that were passed', () => {
    const scene = new Scene().running();
    for (let step = 11; step < 20; step++)
      scene
        .failed('1')
        .formed(step, '1', '2')
        .progress(step + 1);
    expect(scene.run.state).toBe('running');
  });

  it('keeps away from a worker where trainers die before they make a step, while others go on', () => {
    const scene = new Scene().running();
    for (const id of ['3', '4', '5']) {
      scene.feed({ type: 'placed', trainers: [{ id, worker: 'bad', place: [] }] }).exited(id);
      if (id === '5')
        expect(scene.incidents[0]).toContain('The run keeps away from worker bad from now on.');
      scene.progress(scene.run.step + 1);
    }
    expect(scene.run).toMatchObject({ state: 'running', excluded: ['bad'] });
  });
});
