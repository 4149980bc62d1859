import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { TestProcess } from './processes.js';
import { prometheusFolder } from './repository.js';

const MISSING =
  'prometheus and promtool are missing: monitoring is not tested (apt-get install prometheus)';

/** Whether Prometheus is installed. Says so where it is not. @throws where every test has to run (CI=true). */
export function hasPrometheus(): boolean {
  const missing = ['prometheus', 'promtool'].some(
    (command) => spawnSync(command, ['--version']).error !== undefined,
  );
  if (!missing) return true;
  if (process.env['CI'] === 'true') throw new Error(MISSING);
  process.stderr.write(`${MISSING}\n`);
  return false;
}

/** How often the Prometheus of a test scrapes and evaluates: only this differs from the configuration that users have. */
const INTERVAL = '500ms';

const vectorSchema = z.object({
  resultType: z.literal('vector'),
  result: z.array(
    z.object({
      metric: z.record(z.string(), z.string()),
      value: z.tuple([z.number(), z.string()]),
    }),
  ),
});
const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({ name: z.string(), health: z.string(), lastError: z.string().optional() }),
      ),
    }),
  ),
});
const answerSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), data: z.unknown() }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

export type Sample = z.infer<typeof vectorSchema>['result'][number];

/** A real Prometheus with the configuration of deploy/prometheus, on a port of its own. */
export class Prometheus {
  readonly #process: TestProcess;
  readonly #url: string;

  private constructor(process: TestProcess, url: string) {
    this.#process = process;
    this.#url = url;
  }

  /**
   * @param folder Where it keeps everything.
   * @param targets Content of the file that names its targets.
   */
  static async start(folder: string, targets: string): Promise<Prometheus> {
    await mkdir(join(folder, 'targets'), { recursive: true });
    await writeFile(join(folder, 'targets/coordinator.json'), targets);
    await copyFile(join(prometheusFolder, 'rules.yml'), join(folder, 'rules.yml'));
    const given = await readFile(join(prometheusFolder, 'prometheus.yml'), 'utf8');
    const configuration = z.record(z.string(), z.unknown()).parse(parse(given));
    const global = { scrape_interval: INTERVAL, evaluation_interval: INTERVAL };
    await writeFile(join(folder, 'prometheus.yml'), stringify({ ...configuration, global }));
    const process = new TestProcess('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ]);
    const address = await process.until('listening', () =>
      process.output.includes('Server is ready')
        ? /"address":"([\d.]+:\d+)".*"msg":"Listening on"/.exec(process.output)?.[1]
        : undefined,
    );
    return new Prometheus(process, `http://${address}`);
  }

  /** Answers an expression at this moment. @throws with Prometheus's own words when it does not parse. */
  async query(expression: string): Promise<Sample[]> {
    return vectorSchema.parse(await this.#get('query', { query: expression })).result;
  }

  /** Values of a label over the series that a selector selects. */
  async labelValues(selector: string, label: string): Promise<string[]> {
    return z
      .array(z.string())
      .parse(await this.#get(`label/${label}/values`, { 'match[]': selector }));
  }

  async rules(): Promise<z.infer<typeof rulesSchema>['groups'][number]['rules']> {
    const { groups } = rulesSchema.parse(await this.#get('rules', {}));
    return groups.flatMap(({ rules }) => rules);
  }

  async end(): Promise<void> {
    await this.#process.end();
  }

  async #get(path: string, query: Record<string, string>): Promise<unknown> {
    const search = new URLSearchParams(query).toString();
    const response = await fetch(`${this.#url}/api/v1/${path}?${search}`);
    const answer = answerSchema.parse(await response.json());
    if (answer.status === 'error') throw new Error(`${JSON.stringify(query)}: ${answer.error}`);
    return answer.data;
  }
}
