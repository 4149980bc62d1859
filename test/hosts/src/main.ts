// npm run chaos:hosts -- [--events 50] [--seed 7] [--dry-run]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { guardProgram } from '@ringmaster/base';
import { Cluster } from './cluster.js';
import { schedule, type Event } from './events.js';
import { pretraining, texts } from './jobs.js';
import { canMakeHosts, Network } from './network.js';

const SEAT = 'seat';
const HOSTS = ['one', 'two', 'three'];
const WORKERS_OF_A_HOST = 2;
const STEPS = 400;
/** Longest that a run may make no step once an event is over. */
const RECOVERY_MS = 180_000;

guardProgram((text) => text.replaceAll('ringmaster VERB', 'npm run chaos:hosts --'));

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '50' },
    seed: { type: 'string', default: '7' },
    'dry-run': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  console.log('Usage: npm run chaos:hosts -- [--events N] [--seed S] [--dry-run]');
  process.exit(0);
}
const events = schedule(Number(values.seed), Number(values.events), HOSTS, SEAT);
const inWords = (event: Event) =>
  [
    event.kind,
    event.host,
    ...('to' in event ? ['to', event.to] : []),
    ...('megabits' in event ? [event.megabits, 'Mbit/s'] : []),
    'for',
    event.seconds,
    's',
  ].join(' ');

if (values['dry-run']) process.stdout.write(`${events.map(inWords).join('\n')}\n`);
else if (canMakeHosts()) await play();

async function play(): Promise<void> {
  const network = await Network.create([SEAT, ...HOSTS]);
  try {
    const seat = network.host(SEAT);
    writeFileSync(join(seat.outside, 'texts.txt'), texts().join('\n'));
    const cluster = await Cluster.start(seat);
    for (const host of HOSTS) cluster.join(network.host(host), WORKERS_OF_A_HOST);
    await cluster.workers(HOSTS.length * WORKERS_OF_A_HOST);
    await endure(network, cluster);
    await cluster.down();
    for (const host of network.hosts) {
      const left = await host.leftovers(30_000);
      if (left.length > 0) throw new Error(`processes are left on ${host.name}: ${left.join()}`);
    }
  } finally {
    await network.remove();
  }
}

/** Lets everything happen, run after run, and holds every run against one that nothing has happened to. */
async function endure(network: Network, cluster: Cluster): Promise<void> {
  const job = (workers: number, name: string) => ({
    ...pretraining({ home: cluster.seat.home, workers, steps: STEPS }),
    name,
    workers: { min: 1, max: workers },
  });
  const hashOf = async (id: string) => (await cluster.result(id)).result?.stateHash ?? '';
  const expected = await hashOf(await cluster.submit(job(1, 'undisturbed')));
  const recoveries: number[] = [];
  let run = '';
  let runs = 0;
  for (const event of events) {
    if (run === '' || (await cluster.job(run)).step > STEPS - 50) {
      if (run !== '') equal(await hashOf(run), expected);
      run = await cluster.submit(job(HOSTS.length * WORKERS_OF_A_HOST, `run-${++runs}`));
      while ((await cluster.job(run)).step < 10) await sleep(500);
    }
    await happen(event, network, cluster);
    const { step } = await cluster.job(run);
    const over = performance.now();
    for (;;) {
      const now = await cluster.job(run);
      if (now.step > step || now.state === 'succeeded') break;
      if (now.state === 'failed') throw new Error(`${run} failed after ${inWords(event)}`);
      if (performance.now() - over > RECOVERY_MS)
        throw new Error(`no step after ${inWords(event)}`);
      await sleep(250);
    }
    recoveries.push((performance.now() - over) / 1000);
    process.stdout.write(
      `${inWords(event)}: a step ${(recoveries.at(-1) ?? 0).toFixed(1)} s after\n`,
    );
  }
  equal(await hashOf(run), expected);
  const sorted = [...recoveries].sort((a, b) => a - b);
  process.stdout.write(
    `${events.length} events over ${runs} runs, all equal to ${expected}; a step after an event was over: ` +
      `median ${(sorted[sorted.length >> 1] ?? 0).toFixed(1)} s, longest ${(sorted.at(-1) ?? 0).toFixed(1)} s\n`,
  );
}

function equal(found: string, expected: string): void {
  if (found !== expected) throw new Error(`a run ended in ${found} instead of ${expected}`);
}

async function happen(event: Event, network: Network, cluster: Cluster): Promise<void> {
  const host = network.host(event.host);
  const wait = () => sleep(event.seconds * 1000);
  switch (event.kind) {
    case 'cable':
    case 'seat-away':
      network.link(host, 'down');
      await wait();
      network.link(host, 'up');
      break;
    case 'half-link':
      network.oneWay(host, network.host(event.to), false);
      await wait();
      network.oneWay(host, network.host(event.to), true);
      break;
    case 'vanish':
      await host.vanish();
      await wait();
      await host.boot();
      cluster.join(host, WORKERS_OF_A_HOST);
      break;
    case 'slow-link':
      network.limit(host, event.megabits);
      await wait();
      network.limit(host, null);
      break;
    case 'kill-coordinator':
      await cluster.kill();
      await wait();
      await cluster.restart();
      break;
    case 'readdress':
      network.readdress(host, anotherAddress(host.address));
      break;
  }
}

function anotherAddress(address: string): string {
  const parts = address.split('.').map(Number);
  const last = ((parts[3] ?? 0) + 10) % 250;
  return [...parts.slice(0, 3), last].join('.');
}
