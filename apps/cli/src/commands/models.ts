import type { Command } from 'commander';
import type { ModelView } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { locate } from '../location.js';
import { formatBytes, print, printJson, table } from '../output.js';
import { clusterOptions, jsonOption, type JsonOption } from '../verb.js';

export function define(verb: Command): void {
  jsonOption(clusterOptions(verb)).action(async ({ json, ...where }: JsonOption) => {
    const models = await new Client(locate(where)).models();
    if (json) printJson(models);
    else print(table('ID NAME TASK JOB SIZE CREATED'.split(' '), models.map(row)));
  });
}

function size({ manifest }: ModelView): string {
  return formatBytes(Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0));
}

function row(model: ModelView) {
  const { id, name, task, job, createdAt } = model;
  return [id.slice(0, 12), name, task, job, size(model), createdAt];
}
