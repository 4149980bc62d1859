import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { possible } from '@ringmaster/base/testing';
import { Host, ip, tc } from './host.js';

const PREFIX = 'ringmaster-';
/** Longest that a packet waits at a link that is limited. */
const QUEUE_MS = 400;
/** What such a link sends at once: a large segment, and what it carries in a millisecond. */
const burstOf = (megabits: number) => Math.max(65_536, (megabits * 1e6) / 8 / 1000);

/** Whether hosts can be made here. Says so where they cannot. @throws where every test has to run (CI=true) */
export function canMakeHosts(): boolean {
  const works =
    spawnSync('ip', ['netns', 'list']).status === 0 &&
    spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'true']).status === 0 &&
    spawnSync('tcpdump', ['--version']).status === 0;
  return possible(
    works,
    'Rings between hosts are not tested: it takes the rights of root, ip, unshare and tcpdump',
  );
}

/**
 * Hosts on one bridge. The bridge is in a network namespace of its own, so that nothing of this machine's own network is
 * touched.
 */
export class Network {
  readonly hosts: readonly Host[];
  readonly #switch: string;
  readonly #all: string;
  #capture: ChildProcess | null = null;

  private constructor(hosts: readonly Host[], bridge: string, all: string) {
    [this.hosts, this.#switch, this.#all] = [hosts, bridge, all];
  }

  static async create(names: readonly string[]): Promise<Network> {
    removeAbandoned();
    const all = mkdtempSync(join(tmpdir(), 'ringmaster-hosts-'));
    const bridge = `${PREFIX}${process.pid}-bridge`;
    const hosts = names.map(
      (name, index) =>
        new Host({
          name,
          namespace: `${PREFIX}${process.pid}-${name}`,
          address: `10.231.0.${index + 1}`,
          all,
        }),
    );
    const network = new Network(hosts, bridge, all);
    try {
      ip('netns add', bridge);
      ip('-n', bridge, 'link add bridge type bridge');
      ip('-n', bridge, 'link set bridge up');
      for (const host of hosts) network.#plug(host);
      await Promise.all(hosts.map((host) => host.boot()));
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  host(name: string): Host {
    const host = this.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** The cable of a host: pulled out, or plugged in again. */
  link({ name }: Host, state: 'up' | 'down'): void {
    ip('-n', this.#switch, 'link set', name, state);
  }

  /** Whether what one host sends to another gets there; the way back stays as it is. */
  oneWay(from: Host, to: Host, passes: boolean): void {
    // Frames go to a station that does not exist.
    if (passes) ip('-n', from.namespace, 'neigh del', to.address, 'dev eth0');
    else
      ip(
        '-n',
        from.namespace,
        'neigh replace',
        to.address,
        'lladdr 02:00:00:00:00:fe dev eth0 nud permanent',
      );
  }

  /**
   * Has a host send and receive no more than so much; what waits to be sent is delayed, and dropped once it would be for
   * longer than `QUEUE_MS`. Null lifts the limit.
   */
  limit(host: Host, megabits: number | null): void {
    const discipline =
      megabits === null
        ? 'noqueue'
        : `tbf rate ${megabits}mbit burst ${burstOf(megabits)} latency ${QUEUE_MS}ms`;
    tc('-n', host.namespace, 'qdisc replace dev eth0 root', discipline);
    tc('-n', this.#switch, 'qdisc replace dev', host.name, 'root', discipline);
  }

  /** Gives a host another address. */
  readdress(host: Host, address: string): void {
    ip('-n', host.namespace, 'addr flush dev eth0');
    ip('-n', host.namespace, `addr add ${address}/24 dev eth0`);
    host.address = address;
  }

  /** Begins to record all that crosses the bridge. */
  async record(file: string): Promise<void> {
    this.#capture = spawn(
      'ip',
      [
        'netns',
        'exec',
        this.#switch,
        'tcpdump',
        '-i',
        'bridge',
        '-s',
        '0',
        '-B',
        '65536',
        '-U',
        '-w',
        file,
        '-Z',
        'root',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    if (this.#capture.stderr !== null) await once(this.#capture.stderr, 'data');
  }

  /** Ends the recording. */
  async recorded(): Promise<void> {
    const capture = this.#capture;
    if (capture === null) return;
    this.#capture = null;
    // What the kernel still holds for it is written meanwhile.
    await sleep(500);
    const exited = once(capture, 'exit');
    capture.kill('SIGINT');
    await exited;
  }

  async remove(): Promise<void> {
    await this.recorded();
    await Promise.all(this.hosts.map((host) => host.vanish()));
    for (const { namespace } of this.hosts) spawnSync('ip', ['netns', 'del', namespace]);
    spawnSync('ip', ['netns', 'del', this.#switch]);
    rmSync(this.#all, { recursive: true, force: true });
  }

  #plug({ name, namespace, address }: Host): void {
    ip('netns add', namespace);
    ip('-n', this.#switch, `link add ${name} type veth peer name eth0 netns`, namespace);
    ip('-n', this.#switch, 'link set', name, 'master bridge');
    ip('-n', this.#switch, 'link set', name, 'up');
    ip('-n', namespace, `addr add ${address}/24 dev eth0`);
    ip('-n', namespace, 'link set eth0 up');
    ip('-n', namespace, 'link set lo up');
  }
}

/** Namespaces of tests that were killed before they could remove them. */
function removeAbandoned(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  for (const line of names) {
    const [, name, pid] = /^(ringmaster-(\d+)-\S+)/.exec(line) ?? [];
    if (name === undefined || pid === undefined) continue;
    const lives =
      existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;
    if (!lives) spawnSync('ip', ['netns', 'del', name]);
  }
}
