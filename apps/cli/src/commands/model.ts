import type { Command } from 'commander';
import type { ModelView } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { locate, type ClusterOption } from '../location.js';
import { formatBytes, formatFigure, note, pairs, print, printJson, table } from '../output.js';
import { clusterOptions, jsonOption, subverb, type JsonOption } from '../verb.js';

const client = (options: ClusterOption) => new Client(locate(options));

export function define(model: Command): void {
  model.description(
    'Show, export, import or remove a model; a name means the newest of that name.',
  );
  jsonOption(
    clusterOptions(
      subverb(model, 'show <model>', 'Show where a model comes from and what it measures'),
    ),
  ).action(async (reference: string, { json, ...where }: JsonOption) => {
    const view = await client(where).model(reference);
    if (json) printJson(view);
    else print(describe(view));
  });
  clusterOptions(
    subverb(
      model,
      'export <model> <dir>',
      'Write a model into a directory that transformers loads',
    ),
  ).action(async (reference: string, directory: string, where: ClusterOption) => {
    const api = client(where);
    const view = await api.model(reference);
    const { exportModel } = await import('../model-export.js');
    await exportModel(api, view, directory);
    note(`Model ${view.name} (${view.id.slice(0, 12)}) is in ${directory}.`);
  });
  clusterOptions(
    subverb(
      model,
      'import <dir>',
      'Take a model directory in the layout of Hugging Face in; print its id',
    ),
  )
    .option('--name <name>', 'name of the model (default: that of the directory)')
    .action(async (directory: string, { name, ...where }: ClusterOption & { name?: string }) => {
      const { importModel } = await import('../model-import.js');
      const view = await importModel(client(where), directory, name ?? null);
      print(view.id);
    });
  clusterOptions(subverb(model, 'remove <model>', 'Remove a model')).action(
    async (reference: string, where: ClusterOption) => {
      const api = client(where);
      const { id, name } = await api.model(reference);
      await api.removeModel(id);
      note(`Model ${name} (${id.slice(0, 12)}) is removed.`);
    },
  );
}

function describe(model: ModelView): string {
  const { id, name, task, job, createdAt, manifest } = model;
  const metrics = Object.entries(manifest.metrics).map(
    ([key, value]) => `${key} ${formatFigure(value) ?? ''}`,
  );
  const files = Object.entries(manifest.files).map(([file, { bytes, sha256 }]) => [
    file,
    formatBytes(bytes),
    sha256,
  ]);
  return [
    pairs([
      ['id', id],
      ['name', name],
      ['task', task],
      ['labels', manifest.labels?.join(', ') ?? null],
      ['metrics', metrics.join('  ')],
      ['job', job],
      ['step', manifest.step],
      ['created', createdAt],
      ['state hash', manifest.stateHash],
      ['specification', manifest.specHash],
      ['data', manifest.dataManifest],
      ['base', manifest.baseManifest],
    ]),
    '',
    table(['FILE', 'SIZE', 'SHA-256'], files),
  ].join('\n');
}
