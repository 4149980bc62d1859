import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { writeDurably, type Home } from '@ringmaster/base';
import { RingmasterError, sha256 } from '@ringmaster/protocol';
import { note } from '../../output.js';
import { memberArguments } from '../member.js';
import type { HostSettings, HostsFile } from './hosts-file.js';
import { onHost, pathThere, quote } from './ssh.js';

const recordOf = (home: Home) => join(home.root, 'hosts.json');

/** The hosts that `up` has started workers on. */
function readHosts(home: Home): HostSettings[] {
  const path = recordOf(home);
  // Written below, and replaced as a whole.
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as HostSettings[]) : [];
}

function writeHosts(home: Home, hosts: readonly HostSettings[]): void {
  if (hosts.length === 0) rmSync(recordOf(home), { force: true });
  else writeDurably(recordOf(home), `${JSON.stringify(hosts, null, 2)}\n`, 0o600);
}

const keyOf = ({ host, home }: HostSettings) => `${host} ${home}`;

/**
 * Has exactly the hosts of a file compute for the cluster: what is missing is installed and started, what is there and as it
 * should be stays, who is no longer named leaves in order. One that fails keeps no other from it.
 * @param string What they join with.
 * @throws HOST_FAILED
 */
export async function bringUpHosts(home: Home, file: HostsFile, string: string): Promise<void> {
  const before = readHosts(home);
  const wanted = new Set(file.hosts.map(keyOf));
  const gone = before.filter((host) => !wanted.has(keyOf(host)));
  // Written first, so that whatever is begun is known to `down`.
  writeHosts(home, [...file.hosts, ...gone]);
  const kept = await takeAway(gone);
  writeHosts(home, [...file.hosts, ...kept.hosts]);
  const failures = await each(file.hosts, async (host) => {
    await install(host, file.bundle);
    await start(host, string);
    note(`${host.host}: ${host.workers} at work`);
  });
  // Nothing was started on one that is new and failed.
  const known = new Set(before.map(keyOf));
  const failed = new Set(failures.map(({ host }) => keyOf(host)).filter((key) => !known.has(key)));
  writeHosts(home, [...file.hosts.filter((host) => !failed.has(keyOf(host))), ...kept.hosts]);
  throwFirst([...kept.failures, ...failures.map(({ error }) => error)]);
}

/** Ends what was started on hosts; who cannot be reached stays known. @throws HOST_FAILED */
export async function takeDownHosts(home: Home): Promise<void> {
  const { hosts, failures } = await takeAway(readHosts(home));
  writeHosts(home, hosts);
  throwFirst(failures);
}

async function takeAway(hosts: readonly HostSettings[]) {
  const failures = await each(hosts, async (host) => {
    await onHost(host, `${commandOf(host)} down --home ${pathThere(host.home)}`);
    note(`${host.host}: ended`);
  });
  return { hosts: failures.map(({ host }) => host), failures: failures.map(({ error }) => error) };
}

/** Runs an action for all hosts at once. @returns those that it failed for */
async function each(hosts: readonly HostSettings[], work: (host: HostSettings) => Promise<void>) {
  const outcomes = await Promise.all(
    hosts.map(async (host) => {
      try {
        await work(host);
        return [];
      } catch (error) {
        if (!RingmasterError.is(error)) throw error;
        return [{ host, error }];
      }
    }),
  );
  return outcomes.flat();
}

function throwFirst([first, ...others]: readonly RingmasterError[]): void {
  for (const { message } of others) note(message);
  if (first !== undefined) throw first;
}

function commandOf({ command, directory }: HostSettings): string {
  return command === null ? `${pathThere(directory)}/bin/ringmaster` : quote(command);
}

/** Installs the bundle where there is none, or another; what runs of the other leaves first. */
async function install(host: HostSettings, bundle: string | null): Promise<void> {
  if (host.command !== null) return;
  const directory = pathThere(host.directory);
  if (bundle === null) {
    await onHost(
      host,
      `[ -x ${commandOf(host)} ] || { echo 'it has no Ringmaster, and no bundle is named' >&2; exit 1; }`,
    );
    return;
  }
  const wanted = sha256(readFileSync(join(bundle, 'SHA256SUMS')));
  const found = await onHost(host, `cat ${directory}/.bundle 2>/dev/null || :`);
  if (found.trim() === wanted) return;
  note(`${host.host}: installing`);
  const tar = spawn('tar', ['-C', bundle, '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await onHost(
    host,
    `if [ -x ${commandOf(host)} ]; then ${commandOf(host)} down --home ${pathThere(host.home)}; fi
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
tar -xf - -C "$temporary"
"$temporary/install" ${directory} >&2
echo ${wanted} >${directory}/.bundle`,
    tar.stdout,
  );
}

async function start(host: HostSettings, string: string): Promise<void> {
  const { home, workers, threads, slots, device, address, ringPorts } = host;
  const options = memberArguments({
    workers,
    threads,
    slots,
    device,
    ...(address === null ? {} : { address }),
    ...(ringPorts === null ? {} : { ringPorts }),
  });
  const script = `${commandOf(host)} join - --detach --home ${pathThere(home)} ${options.map(quote).join(' ')}`;
  await onHost(host, script, Readable.from([string]));
}
