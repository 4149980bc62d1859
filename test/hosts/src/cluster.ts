import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import { incidentViewSchema, jobViewSchema, statusViewSchema } from '@ringmaster/protocol';
import type { IncidentView, JobView, StatusView } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Host } from './host.js';

const CLI = fileURLToPath(new URL('../../../apps/cli/bin/ringmaster.js', import.meta.url));
const upSchema = z.object({ url: z.url({ protocol: /^https$/ }), join: z.string() });

/** Ports at which rings listen here. */
export const RING_PORTS = { first: 41_000, last: 41_199 };

/** A coordinator on one host and workers on others, as a user of the command line has them. */
export class Cluster {
  readonly seat: Host;
  /** The one string that others join with. */
  readonly joinString: string;

  private constructor(seat: Host, joinString: string) {
    [this.seat, this.joinString] = [seat, joinString];
  }

  static async start(seat: Host): Promise<Cluster> {
    return new Cluster(seat, await up(seat));
  }

  /** Kills the coordinator, without a word to anybody. */
  async kill(): Promise<void> {
    const file = readCoordinatorFile({ coordinator: join(this.seat.outside, 'coordinator.json') });
    if (file === null) throw new Error('the coordinator has announced itself to nobody');
    await this.seat.run('kill', ['-KILL', String(file.pid)]);
  }

  /** Starts it again. @throws when those who have joined could not come back by what they know */
  async restart(): Promise<void> {
    if ((await up(this.seat)) !== this.joinString)
      throw new Error('it is joined by another string');
  }

  /** Runs the command line on the coordinator's host. */
  command(...args: readonly string[]): Promise<string> {
    return this.seat.run(process.execPath, [CLI, ...args]);
  }

  /** Has a host join with so many workers. */
  join(host: Host, workers: number): void {
    host.start(
      [
        CLI,
        'join',
        this.joinString,
        '--workers',
        String(workers),
        '--ring-ports',
        `${RING_PORTS.first}-${RING_PORTS.last}`,
      ],
      join(host.outside, 'join.log'),
    );
  }

  /** Waits until so many workers are there. */
  async workers(count: number): Promise<void> {
    for (;;) {
      const { workers } = await this.status();
      if (workers.filter(({ state }) => state === 'alive').length >= count) return;
      await sleep(250);
    }
  }

  async status(): Promise<StatusView> {
    return statusViewSchema.parse(JSON.parse(await this.command('status', '--json')));
  }

  /** Submits a job; its id. */
  async submit(job: object): Promise<string> {
    const file = join(this.seat.outside, 'job.json');
    writeFileSync(file, JSON.stringify(job));
    return (await this.command('submit', join(this.seat.home, 'job.json'))).trim();
  }

  async job(id: string): Promise<JobView> {
    return jobViewSchema.parse(JSON.parse(await this.command('job', id, '--json')));
  }

  /** Waits until a job has succeeded. @throws when it has not */
  async result(id: string): Promise<JobView> {
    try {
      await this.command('wait', id, '--timeout', '20m');
    } catch (error) {
      const log = readFileSync(join(this.seat.outside, 'logs', 'coordinator.log'), 'utf8');
      throw new Error(`${String(error)}\n${log.split('\n').slice(-20).join('\n')}`, {
        cause: error,
      });
    }
    return this.job(id);
  }

  async incidents(): Promise<IncidentView[]> {
    return z.array(incidentViewSchema).parse(JSON.parse(await this.command('incidents', '--json')));
  }

  async down(): Promise<void> {
    await this.command('down');
  }
}

/** Brings the coordinator up on its host; what others join with. */
async function up(seat: Host): Promise<string> {
  const printed = await seat.run(process.execPath, [
    CLI,
    'up',
    '--secure',
    '--host',
    seat.address,
    '--workers',
    '0',
    '--json',
    '--data-root',
    seat.home,
  ]);
  return upSchema.parse(JSON.parse(printed)).join;
}
