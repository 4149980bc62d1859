import { readFile } from 'node:fs/promises';
import { ringmasterHome } from '@ringmaster/base';
import { BlobStore, openSpamAssassin, parseDataManifest } from '@ringmaster/data';
import { artifactManifestSchema } from '@ringmaster/protocol';
import { z } from 'zod';
import { heading } from './report.js';
import type { FinishedJob } from './results.js';
import { ringmaster } from './ringmaster.js';

const SHOWN = 6;

const predictionSchema = z.object({ label: z.string(), score: z.number() });

interface Mail {
  readonly text: string;
  readonly label: string;
}

/** What the fine-tuned model says of a few mails that no job has seen. */
export async function predictUnseen(job: FinishedJob, home: string): Promise<string> {
  const mails = await unseenMails(job.result.model, home);
  const input = mails.map(({ text }) => `${JSON.stringify({ text })}\n`).join('');
  const output = await ringmaster(['predict', job.name, '--home', home], { input });
  const predictions = output.split('\n').map((line) => predictionSchema.parse(JSON.parse(line)));
  const rows = mails.map(({ text, label }, index) => {
    const prediction = predictions[index];
    const says =
      prediction === undefined
        ? ''
        : `${prediction.label} ${(100 * prediction.score).toFixed(1)} %`;
    const head = text.split('\n').slice(0, 2).join(' · ').slice(0, 60);
    return `  ${says.padEnd(14)}is ${label.padEnd(6)}${head}`;
  });
  return [heading('Mails it has never seen'), ...rows].join('\n');
}

/** Mails of the test split, evenly spread over it. */
async function unseenMails(model: string, home: string): Promise<Mail[]> {
  const store = new BlobStore(ringmasterHome(home).artifacts);
  const { dataManifest } = artifactManifestSchema.parse(
    JSON.parse(await readFile(store.path(model), 'utf8')),
  );
  const path = store.path(dataManifest);
  const { splits } = parseDataManifest(await readFile(path, 'utf8'), path);
  const ids = (await readFile(store.path(splits.test.ids), 'utf8')).trim().split('\n');
  const wanted = new Set(
    Array.from({ length: SHOWN }, (_, at) => ids[Math.floor(((at + 0.5) * ids.length) / SHOWN)]),
  );
  const mails: Mail[] = [];
  for await (const { id, columns } of await openSpamAssassin())
    if (wanted.has(id)) mails.push({ text: columns.text ?? '', label: columns.class ?? '' });
  return mails;
}
