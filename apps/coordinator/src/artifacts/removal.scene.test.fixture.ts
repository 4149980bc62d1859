import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ringmasterHome } from '@ringmaster/base';
import { BlobStore } from '@ringmaster/data';
import { canonicalJson, parseJobSpec, sha256, type JobState } from '@ringmaster/protocol';
import { pino } from 'pino';
import { finetuneSpec, pretrainSpec } from '../fixtures/job-files.test.fixture.js';
import { BackgroundWork } from '../background-work.js';
import { Housekeeping } from '../housekeeping.js';
import { settleDependencies } from '../jobs/dependencies.js';
import { JobLogs } from '../jobs/logs.js';
import { Metrics } from '../metrics/metrics.js';
import type { JobRecord } from '../store/jobs.js';
import { Store } from '../store/store.js';
import { Garbage } from './garbage.js';
import { PreparedData } from './prepared-data.js';
import { Reachable } from './reachable.js';
import { hashesIn, readArtifact } from './references.js';
import { Removal } from './removal.js';

const FILES = '/data/*.jsonl';
const AT = new Date(0).toISOString();
/** A hash that stands for what these artifacts come from. */
const NOTHING = sha256('');

/** A home with everything that removes, and jobs that live by hand. */
export class RemovalScene {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly prepared: PreparedData;
  readonly garbage: Garbage;
  readonly removal: Removal;
  readonly logs: JobLogs;
  readonly #background = new BackgroundWork();
  readonly #index: string;
  #count = 0;

  constructor(root: string) {
    const home = ringmasterHome(root);
    this.#index = home.data;
    for (const directory of [home.data, join(home.logs, 'jobs'), join(home.artifacts, 'incoming')])
      mkdirSync(directory, { recursive: true });
    const log = pino({ enabled: false });
    this.store = new Store(home.store);
    this.blobs = new BlobStore(home.artifacts);
    this.prepared = new PreparedData(home.data, this.blobs);
    const { store, blobs, prepared } = this;
    const background = this.#background;
    const reachable = new Reachable(store, blobs, prepared);
    this.garbage = new Garbage(reachable, blobs, background);
    this.logs = new JobLogs(home.logs);
    const { garbage, logs } = this;
    const housekeeping = new Housekeeping({
      store,
      garbage,
      prepared,
      logDirectory: home.logs,
      background,
      log,
    });
    const census = { workers: {}, slots: { free: 0, busy: 0 }, jobs: {}, storage: null };
    const metrics = new Metrics(() => census as never);
    this.removal = new Removal({
      store,
      blobs,
      reachable,
      prepared,
      garbage,
      logs,
      metrics,
      log,
      housekeeping,
      background,
    });
  }

  async close(): Promise<void> {
    await this.#background.close();
    this.store.close();
  }

  /** Submits as the API does; a job with a base is a fine-tune. */
  submit(name: string, after: readonly string[] = [], base: string | null = null): JobRecord {
    const { store } = this;
    const spec = parseJobSpec(
      base === null
        ? pretrainSpec(FILES, { name, after })
        : finetuneSpec(FILES, { name, after, base }),
    );
    const id = `j-${String(this.#count++).padStart(4, '0')}`;
    return store.transaction(() =>
      store.jobs.insert({ id, spec, ...settleDependencies(store, spec), createdAt: AT }),
    );
  }

  /** Prepares the data of a job, which others that have the same key share. */
  prepare(job: JobRecord, key: number): string {
    const split = () => ({ documents: 1, tokens: 1, characters: 1, counts: {} });
    const shard = this.put(`shard ${key}`);
    const ids = this.put(`ids ${key % 2}`);
    const shards = [{ sha256: shard, bytes: 7, documents: 1, tokens: 1 }];
    const none = { ...split(), shards: [], ids };
    const roles = ['pad', 'unknown', 'classify', 'separate', 'mask', 'endOfText'];
    const manifest = this.put(
      canonicalJson({
        format: 2,
        columns: [{ name: 'text', kind: 'tokens' }],
        cleaning: [],
        width: 2,
        warnings: [],
        tokenizer: {
          sha256: this.put('tokenizer'),
          vocabulary: 300,
          special: [],
          ...Object.fromEntries(roles.map((role) => [role, null])),
        },
        splits: { train: { ...split(), shards, ids }, validation: none, test: none },
        statistics: {
          read: 1,
          dropped: {},
          cleaned: {},
          overlap: {},
          unigramEntropy: 1,
          nearDuplicates: { documents: 0, groups: 0 },
        },
      }),
    );
    writeFileSync(join(this.#index, sha256(`request ${key}`)), `${manifest}\n`);
    const { store } = this;
    const base = job.base?.type === 'job' ? store.jobs.get(job.base.job)?.result?.model : null;
    const baseManifest = job.base?.type === 'model' ? job.base.manifest : (base ?? null);
    store.jobs.update({ ...job, state: 'running', dataManifest: manifest, baseManifest });
    return manifest;
  }

  checkpoint({ id, name }: JobRecord, step: number): string {
    const stateHash = this.put(`state of ${id} at ${step}`);
    const files = { 'state.bin': { sha256: stateHash, bytes: `state of ${id} at ${step}`.length } };
    const manifest = this.#artifact({ kind: 'checkpoint', job: id, name, step, stateHash, files });
    const position = { step, evaluations: 0, stateHash };
    this.store.checkpoints.insert(id, { position, manifest }, AT);
    return manifest;
  }

  /** Ends a job; one that succeeds has its model registered. */
  end(job: JobRecord, state: JobState, endedAt: string): string | null {
    const { store } = this;
    const { id, name } = job;
    if (state !== 'succeeded') {
      store.jobs.update({ ...job, state, endedAt });
      return null;
    }
    const content = `weights of ${id}`;
    const weights = { sha256: this.put(content), bytes: content.length };
    const text = this.put('tokenizer');
    const files = { 'model.safetensors': weights, 'tokenizer.json': { sha256: text, bytes: 9 } };
    const hash = weights.sha256;
    const model = this.#artifact({ kind: 'model', job: id, name, step: 9, stateHash: hash, files });
    const result = { stateHash: hash, model, metrics: {} };
    const manifest = readArtifact(this.blobs, model, 'model');
    if (typeof manifest === 'string') throw new Error(manifest);
    store.transaction(() => {
      store.models.insert({ id: model, name, job: id, task: 't', createdAt: AT, manifest });
      store.jobs.update({ ...job, state, endedAt, result });
      for (const checkpoint of store.checkpoints.of(id)) store.checkpoints.remove(id, checkpoint);
    });
    return model;
  }

  /** Makes every blob, and every use of prepared data, so old that only what needs it keeps it. */
  age(): void {
    for (const blob of this.onDisk()) utimesSync(this.blobs.path(blob), 1, 1);
    for (const entry of readdirSync(this.#index)) utimesSync(join(this.#index, entry), 1, 1);
  }

  onDisk(): string[] {
    const root = join(this.blobs.root, 'sha256');
    if (!existsSync(root)) return [];
    return readdirSync(root).flatMap((prefix) =>
      readdirSync(join(root, prefix)).map((rest) => prefix + rest),
    );
  }

  /** A manifest with all that it names. */
  closure(manifest: string): string[] {
    const path = this.blobs.path(manifest);
    if (!existsSync(path)) return [manifest];
    return [manifest, ...hashesIn(readFileSync(path, 'utf8')).filter((each) => each !== NOTHING)];
  }

  put(content: string): string {
    const hash = sha256(content);
    const path = this.blobs.path(hash);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return hash;
  }

  #artifact(own: Record<string, unknown>): string {
    const lineage = { specHash: NOTHING, dataManifest: NOTHING, baseManifest: null };
    return this.put(
      canonicalJson({
        format: 1,
        evaluations: 0,
        task: 't',
        labels: null,
        metrics: {},
        ...lineage,
        ...own,
      }),
    );
  }
}
