import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { coordinatorFileSchema, jobViewSchema, type JobView } from '@ringmaster/protocol';
import { TestProcess } from './processes.js';
import { inRepository } from './repository.js';

/** A coordinator, and workers as they are wanted, on a home directory of their own. */
export class Cluster {
  readonly home: string;
  readonly url: string;
  readonly workers: TestProcess[] = [];
  readonly #coordinator: TestProcess;

  private constructor(home: string, url: string, coordinator: TestProcess) {
    this.home = home;
    this.url = url;
    this.#coordinator = coordinator;
  }

  static async start(home: string): Promise<Cluster> {
    await mkdir(home, { recursive: true });
    const main = inRepository('apps/coordinator/dist/main.js');
    const coordinator = new TestProcess(process.execPath, [main, '--home', home, '--port', '0']);
    const url = await coordinator.until('ready', () => {
      try {
        const text = readFileSync(join(home, 'coordinator.json'), 'utf8');
        return coordinatorFileSchema.parse(JSON.parse(text)).url;
      } catch {
        return undefined; // Not written yet.
      }
    });
    return new Cluster(home, url, coordinator);
  }

  /** Address that the coordinator is scraped at. */
  get instance(): string {
    return new URL(this.url).host;
  }

  addWorker(): TestProcess {
    const name = `worker-${this.workers.length + 1}`;
    const main = inRepository('apps/worker/dist/main.js');
    const worker = new TestProcess(process.execPath, [main, '--home', this.home, '--name', name]);
    this.workers.push(worker);
    return worker;
  }

  /** What /metrics says now. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`);
    return response.text();
  }

  /** Submits the pretraining of a tiny BERT that goes on for as long as it is let. */
  async submitEndless(): Promise<JobView> {
    const files = join(this.home, 'lines.txt');
    await writeFile(files, corpus());
    const spec = {
      kind: 'pretrain',
      name: 'endless',
      model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 16 },
      tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
      data: { files, format: 'lines', validation: 0.1 },
      objective: 'masked-language-model',
      batch: { sequences: 8, microbatches: 2 },
      optimizer: { learningRate: 1e-3 },
      steps: 1_000_000,
      evaluation: { every: 10 },
      checkpoint: { every: 20 },
    };
    const response = await fetch(`${this.url}/v1/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ spec }),
    });
    return jobViewSchema.parse(await response.json());
  }

  async end(): Promise<void> {
    await this.#coordinator.end();
    await Promise.all(this.workers.map((worker) => worker.end()));
  }
}

/** Two hundred and fifty-six short sentences. */
function corpus(): string {
  const subjects = ['the dog', 'a cat', 'the old king', 'my neighbour'];
  const verbs = ['sees', 'follows', 'remembers', 'dreams of'];
  const objects = ['the moon', 'a letter', 'the winter', 'two rivers'];
  const times = ['at night', 'in May', 'on a train', 'every year'];
  const sentences = subjects.flatMap((subject) =>
    verbs.flatMap((verb) =>
      objects.flatMap((object) => times.map((time) => `${subject} ${verb} ${object} ${time}`)),
    ),
  );
  return `${sentences.join('\n')}\n`;
}
