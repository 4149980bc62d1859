import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withTemporaryDirectory } from '@ringmaster/testing';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { Cluster } from './cluster.js';
import { dashboard, panelExpressions, panels, variables } from './dashboard.js';
import { grafanaFolder, inRepository, prometheusFolder } from './repository.js';
import { alerts, metricOf, ruleExpressions, selectorsIn } from './rules.js';

const COLUMNS = 24;

function metricsOfNewCoordinator(): Promise<string> {
  return withTemporaryDirectory(async (home) => {
    const cluster = await Cluster.start(home);
    try {
      return await cluster.metrics();
    } finally {
      await cluster.end();
    }
  });
}

/** Names of all series that a coordinator can export, from the metrics it declares before anything has happened. */
function exportedNames(metrics: string): Set<string> {
  const names = new Set<string>();
  for (const [, name = '', type] of metrics.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const parts = { histogram: ['_sum', '_count', '_bucket'], summary: ['_sum', '_count'] };
    for (const part of type === 'histogram' || type === 'summary' ? parts[type] : [''])
      names.add(name + part);
  }
  return names;
}

describe('the dashboard', () => {
  it('places every panel once, inside the grid and over no other', () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(COLUMNS);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken, title).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
    }
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('asks, as the rules do, for nothing that a coordinator does not export', async () => {
    const exported = exportedNames(await metricsOfNewCoordinator());
    const asked = [
      ...panelExpressions.values(),
      ...variables.map(({ selector }) => selector),
      ...ruleExpressions,
    ];
    const names = new Set(asked.flatMap(selectorsIn).map(metricOf));
    names.delete('up'); // Prometheus's own.
    expect([...names].filter((name) => !exported.has(name))).toEqual([]);
  });

  it('makes windows of rates from the interval that is scraped at', () => {
    const read = (path: string): unknown => parse(readFileSync(path, 'utf8'));
    const { datasources } = z
      .object({
        datasources: z.tuple([z.object({ jsonData: z.object({ timeInterval: z.string() }) })]),
      })
      .parse(read(join(grafanaFolder, 'provisioning/datasources/prometheus.yml')));
    const { global } = z
      .object({ global: z.object({ scrape_interval: z.string() }) })
      .parse(read(join(prometheusFolder, 'prometheus.yml')));
    expect(datasources[0].jsonData.timeInterval).toBe(global.scrape_interval);
  });
});

describe('the guide', () => {
  it('names every panel and every alert', () => {
    const guide = readFileSync(inRepository('docs/guides/monitoring.md'), 'utf8');
    const missing = [...panels.map(({ title }) => title), ...alerts].filter(
      (name) => !guide.includes(name),
    );
    expect(missing).toEqual([]);
  });
});
