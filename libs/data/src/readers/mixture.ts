import {
  cleaningSteps,
  type ColumnNeeds,
  type DataSection,
  type DataSource,
} from '@ringmaster/protocol';
import { MARKUP, PLAIN } from '../clean/clean.js';
import type { FileReading, ReadOptions, Source } from '../document.js';
import type { Remote } from '../remote/remote.js';
import { withDataset } from './hugging-face.js';
import type { Roots } from './roots.js';
import { openFiles, toSource } from './source.js';

/** A source of a mixture. */
export interface MixtureSource {
  readonly name: string;
  /** Share of an epoch that it has, beside those of the others; null where it has what it has. */
  readonly weight: number | null;
  /** Documents that are taken at most. */
  readonly limit: number | null;
}

/** How the files of a source are read: what it does not say is said for all. */
export function readingOf(data: DataSection, source: DataSource): ReadOptions {
  const { format, columns, text, label, labels } = data;
  return {
    format: source.format ?? format,
    columns: source.columns ?? columns,
    text: source.text ?? text,
    label: source.label ?? label,
    labels: source.labels ?? labels,
  };
}

/** The sources of a mixture, of which a job file gives a number to those without a name. */
export function mixtureOf(sources: readonly DataSource[]): MixtureSource[] {
  return sources.map(({ name, weight, limit }, index) => ({
    name: name ?? String(index + 1),
    weight: weight ?? null,
    limit: limit ?? null,
  }));
}

/**
 * The documents of several sources (of a dataset of Hugging Face those of its train split), one source after another. The names of their files begin with the name of the source.
 * All are cleaned alike, by what mark-up asks for where any of them has some.
 * @throws What `openFiles` throws
 */
export async function openMixture(
  data: DataSection & { readonly sources: readonly DataSource[] },
  needs: ColumnNeeds | undefined,
  roots: Roots,
  remote: Remote | null,
): Promise<Source> {
  const names = mixtureOf(data.sources).map(({ name }) => name);
  const opened: Source[] = [];
  for (const source of data.sources) {
    const { files = [] } = withDataset({ files: source.files }, roots);
    const options = { ...readingOf(data, source), needs };
    opened.push(await openFiles([files].flat(), options, roots, remote));
  }
  const readings = opened.flatMap((source, number) =>
    source.readings.map((reading): FileReading => {
      const file = { ...reading.file, name: `${names[number] ?? ''}/${reading.file.name}` };
      return { ...reading, file, source: number };
    }),
  );
  const notices = opened.flatMap((source, number) =>
    source.notices.map((notice) => `source ${names[number] ?? ''}: ${notice}`),
  );
  const preset = opened.some(({ cleaning }) => cleaning === MARKUP) ? MARKUP : PLAIN;
  return toSource(readings, cleaningSteps(data.cleaning, preset), notices);
}
