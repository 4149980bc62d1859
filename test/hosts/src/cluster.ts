import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCoordinatorFile } from '@ringmaster/base/home-files';
import { incidentViewSchema, jobViewSchema, statusViewSchema } from '@ringmaster/protocol';
import type { IncidentView, JobView, StatusView } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Host } from './host.js';

const program = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const CLI = program('apps/cli/bin/ringmaster.js');

/** Ports at which rings listen here. */
export const RING_PORTS = { first: 41_000, last: 41_199 };

/** A coordinator on one host and workers on others, as a user of the command line has them. */
export class Cluster {
  readonly seat: Host;
  #named = 0;

  private constructor(seat: Host) {
    this.seat = seat;
  }

  static async start(seat: Host): Promise<Cluster> {
    const cluster = new Cluster(seat);
    await cluster.command(
      'up',
      ...['--secure', '--host', seat.address, '--workers', '0'],
      '--data-root',
      seat.home,
    );
    return cluster;
  }

  /** Runs the command line on the coordinator's host. */
  command(...args: readonly string[]): Promise<string> {
    return this.seat.run(process.execPath, [CLI, ...args]);
  }

  /** Starts a worker with no more than the secrets that it joins by. */
  addWorker(host: Host): void {
    const file = readCoordinatorFile({ coordinator: join(this.seat.outside, 'coordinator.json') });
    if (file === null) throw new Error('the coordinator has announced itself to nobody');
    mkdirSync(join(host.outside, 'keys'), { recursive: true, mode: 0o700 });
    for (const name of ['token', 'keys/server.public', 'keys/client.public', 'keys/client.secret'])
      cpSync(join(this.seat.outside, name), join(host.outside, name));
    const name = `worker-${++this.#named}`;
    host.start(
      [
        ...[program('apps/worker/dist/main.js'), '--home', host.home, '--name', name],
        ...['--control', file.control, '--orphan-timeout', '5m'],
        ...['--ring-ports', `${RING_PORTS.first}-${RING_PORTS.last}`],
      ],
      join(host.outside, `${name}.log`),
    );
  }

  /** Waits until so many workers are there. */
  async workers(count: number): Promise<void> {
    for (;;) {
      const { workers } = await this.status();
      if (workers.filter(({ state }) => state === 'alive').length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 250));
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
