import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { panelExpressions, substitute, variables, type Variables } from './dashboard.js';
import { hasPrometheus, Prometheus, type Sample } from './prometheus.js';
import { prometheusFolder } from './repository.js';
import { recorded, ruleExpressions, selectorsIn } from './rules.js';

/** Longest that data is waited for. */
const LIMIT_MS = 120_000;

let cluster: Cluster | undefined;
let prometheus: Prometheus | undefined;

/** The targets that a user would write with the script that is there for it. */
function targetsOf(home: string): string {
  const script = join(prometheusFolder, 'target.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script, home], { encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout;
}

function started(): { cluster: Cluster; prometheus: Prometheus } {
  if (cluster === undefined || prometheus === undefined) throw new Error('not started');
  return { cluster, prometheus };
}

/** Waits until each of these expressions has been answered with a number; returns those that never were. */
async function unanswered(expressions: Iterable<readonly [string, string]>): Promise<string[]> {
  const pending = new Map(expressions);
  const deadline = performance.now() + LIMIT_MS;
  while (pending.size > 0 && performance.now() < deadline) {
    for (const [name, expression] of pending) {
      if (hasNumber(await started().prometheus.query(expression))) pending.delete(name);
    }
    await sleep(500);
  }
  return [...pending.keys()];
}

function hasNumber(samples: readonly Sample[]): boolean {
  return samples.some(({ value: [, text] }) => Number.isFinite(Number(text)));
}

describe.skipIf(!hasPrometheus())('Prometheus, scraping a cluster that trains', () => {
  const folder = temporaryDirectory();
  let given: Variables;

  beforeAll(async () => {
    cluster = await Cluster.start(join(folder, 'home'));
    cluster.addWorker();
    cluster.addWorker();
    prometheus = await Prometheus.start(join(folder, 'prometheus'), targetsOf(cluster.home));
    const { id } = await cluster.submitEndless();
    given = { job: id, instance: cluster.instance };
  });

  afterAll(async () => {
    await prometheus?.end();
    await cluster?.end();
  });

  const panelQueries = () =>
    [...panelExpressions].map(
      ([name, expression]) => [name, substitute(expression, given)] as const,
    );

  it('answers every panel but those of what has not failed yet', async () => {
    const expressions = panelQueries().filter(([, text]) => !text.includes('recovery'));
    expect(await unanswered(expressions)).toEqual([]);
  });

  it('offers the job and its coordinator to choose from', async () => {
    for (const { name, selector, label } of variables) {
      const values = await started().prometheus.labelValues(substitute(selector, given), label);
      expect(values).toEqual([given[name as keyof Variables]]);
    }
  });

  it('sees a worker that is killed as lost, its incident, and the generation after it', async () => {
    await started().cluster.workers[1]?.kill();
    const { job, instance } = given;
    const expected = {
      'worker lost': `ringmaster_workers{instance="${instance}", state="lost"} == 1`,
      'alert pending': 'ALERTS{alertname="RingmasterWorkerLost"}',
      incident: `ringmaster_incidents_total{job="${job}"} >= 1`,
      'new generation': `ringmaster_generations_total{job="${job}", kind="unplanned"} >= 2`,
      recovery: `ringmaster_recoveries_total{job="${job}"} >= 1`,
    };
    expect(await unanswered(Object.entries(expected))).toEqual([]);
  });

  it('answers every panel after a failure, with as many workers as before', async () => {
    // A ring of one reduces nothing.
    started().cluster.addWorker();
    expect(await unanswered(panelQueries())).toEqual([]);
  });

  it('reads metrics that promtool finds nothing wrong with, at most 40 series of them of a job', async () => {
    const text = await started().cluster.metrics();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect([stdout + stderr, status]).toEqual(['', 0]);
    const series = text.split('\n').filter((line) => line.includes(`job="${given.job}"`));
    expect(series.length).toBeGreaterThan(0);
    expect(series.length).toBeLessThanOrEqual(40);
  });

  // After the kill, because only then everything has happened that is counted.
  it('finds series for every selector of panels and rules, and evaluates every rule', async () => {
    const expressions = [...panelExpressions.values(), ...ruleExpressions];
    const selectors = expressions
      .flatMap(selectorsIn)
      .concat(recorded)
      .map((selector) => substitute(selector, given));
    expect(await unanswered(selectors.map((selector) => [selector, selector]))).toEqual([]);
    const rules = await started().prometheus.rules();
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  });
});
