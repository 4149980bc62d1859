import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ModelView } from '@ringmaster/protocol';
import { Client } from '../client.js';
import { locate, type ClusterOption } from '../location.js';
import { formatBytes, formatFigure, note, pairs, print, printJson, table } from '../output.js';
import { clusterOptions, jsonOption, subverb, type JsonOption } from '../verb.js';

interface ExportOptions extends JsonOption {
  readonly adapter?: true;
  readonly ownLayout?: true;
}

interface ImportOptions extends JsonOption {
  readonly name?: string;
  readonly base?: string;
}

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
    const api = client(where);
    const view = await api.model(reference);
    const { describeArchitecture } = await import('../architecture.js');
    if (json) printJson(view);
    else print(describe(view, await describeArchitecture(api, view)));
  });
  jsonOption(
    clusterOptions(
      subverb(
        model,
        'export <model> <dir>',
        'Write a model into a directory that transformers loads',
      ),
    ),
  )
    .option('--adapter', 'write adapters alone, as PEFT loads them (default: merged into the base)')
    .option(
      '--own-layout',
      'write a model that transformers does not know, in the layout of Ringmaster',
    )
    .action(
      async (
        reference: string,
        directory: string,
        { adapter, ownLayout, json, ...where }: ExportOptions,
      ) => {
        const api = client(where);
        const view = await api.model(reference);
        const { exportModel } = await import('../model-export.js');
        const form = adapter === true ? 'adapter' : 'merged';
        await exportModel(api, view, directory, form, ownLayout === true);
        if (json) printJson({ id: view.id, name: view.name, directory: resolve(directory) });
        else note(`Model ${view.name} (${view.id.slice(0, 12)}) is in ${directory}.`);
      },
    );
  jsonOption(
    clusterOptions(
      subverb(
        model,
        'import <dir>',
        'Take a model directory in the layout of Hugging Face in; print its id',
      ),
    ),
  )
    .option('--name <name>', 'name of the model (default: that of the directory)')
    .option('--base <model>', 'model that adapters alone, as PEFT writes them, belong to')
    .action(async (directory: string, { name, base, json, ...where }: ImportOptions) => {
      const { importAdapter, importModel } = await import('../model-import.js');
      const api = client(where);
      const view =
        base === undefined
          ? await importModel(api, directory, name ?? null)
          : await importAdapter(api, directory, name ?? null, base);
      if (json) printJson(view);
      else print(view.id);
    });
  jsonOption(clusterOptions(subverb(model, 'remove <model>', 'Remove a model'))).action(
    async (reference: string, { json, ...where }: JsonOption) => {
      const api = client(where);
      const view = await api.model(reference);
      await api.remove('models', view.id);
      if (json) printJson(view);
      else note(`Model ${view.name} (${view.id.slice(0, 12)}) is removed.`);
    },
  );
}

/** Where early stopping chose other weights than the last. */
function describeWeights({ step, weights }: ModelView['manifest']): string | null {
  if (weights === undefined || weights.step === step) return null;
  return `of step ${weights.step}, where its evaluation was best`;
}

function describe(model: ModelView, architecture: string | null): string {
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
      ['architecture', architecture],
      ['labels', manifest.labels?.join(', ') ?? null],
      ['metrics', metrics.join('  ')],
      ['job', job],
      ['step', manifest.step],
      ['weights', describeWeights(manifest)],
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
