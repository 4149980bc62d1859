import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownIdentity, ringmasterHome } from '@ringmaster/base';
import { inUrl, listenOnFirst, portsToTry, resolveAddress } from '@ringmaster/base/server';
import {
  detection,
  isHttpPort,
  joinString,
  RingmasterError,
  type CoordinatorFile,
} from '@ringmaster/protocol';
import { pino } from 'pino';
import { JOIN_TOKEN } from './access/tokens.js';
import { MOST_LISTED } from './api/lists.js';
import { createServer } from './api/server.js';
import { apiCertificate } from './home/certificate.js';
import { forgetJoinToken, isSecure, joinTokenKept, readCredentials } from './home/credentials.js';
import { announce, openHome, withdraw } from './home/open-home.js';
import { newId } from './identifiers.js';
import { askToLeave, dismiss, leaving, SAVE_MS } from './jobs/farewell.js';
import { ControlPlane } from './network/control-plane.js';
import type { Options } from './options.js';
import { assemble } from './parts.js';
import { version } from './version.js';

/** Longest that workers are waited for at the end. */
const FAREWELL_MS = 20_000;
const POLL_MS = 20;

export interface Coordinator {
  readonly file: CoordinatorFile;
  /**
   * Has the jobs that compute save their state, then ends the workers and everything here; settles when all is closed.
   * Jobs go on from there at the next start. Called again it can only shorten the time that jobs have.
   * @param saveMs How long jobs may take; who takes longer goes on from its newest checkpoint.
   */
  shutDown(saveMs?: number): Promise<void>;
}

/**
 * Starts a coordinator: opens its home, assembles its parts, listens, and has time pass.
 * @param onFatal Called when it cannot go on, because nothing can be made durable any more.
 * @param onShutDown Called when the API asks for the end, with the time that jobs have to save their state.
 * @throws BIND_REFUSED, COORDINATOR_RUNNING, HOME_NOT_WRITABLE, DISK_FULL, STORE_UNUSABLE, PORT_IN_USE,
 * PORT_NOT_PERMITTED, ADDRESS_UNAVAILABLE
 */
export async function startCoordinator(
  options: Options,
  onFatal: (error: unknown) => void,
  onShutDown: (saveMs: number) => void,
): Promise<Coordinator> {
  const home = ringmasterHome(options.home);
  const address = await resolveAddress(options.host);
  if (!address.loopback && !options.secure && !isSecure(home)) {
    throw new RingmasterError('BIND_REFUSED', { host: options.host });
  }
  const advertised = options.advertise === null ? address.advertised : inUrl(options.advertise);
  /** What it is guarded by: made once the home is locked. */
  const guards = async () => {
    const credentials = readCredentials(home, options.secure);
    const isPlain = address.loopback && options.tls === null;
    const host = options.advertise ?? address.reachable;
    const certificate = isPlain ? null : await apiCertificate(home, options.tls, host);
    return { credentials, certificate };
  };
  const store = await openHome(home);
  const closeStore = () => {
    withdraw(home);
    store.close();
  };
  const { credentials, certificate } = await guards().catch((error: unknown) => {
    closeStore();
    throw error;
  });
  const curve = credentials?.curve ?? null;
  const log = pino(
    { base: { pid: process.pid } },
    pino.destination({ dest: join(home.logs, 'coordinator.log'), sync: true }),
  );
  const clock = () => performance.now();
  const startedAt = clock();
  const id = store.setting('cluster') ?? newId('c', Date.now());
  store.setSetting('cluster', id);
  const file: CoordinatorFile = {
    cluster: id,
    ...ownIdentity(),
    url: '',
    control: '',
    fingerprint: certificate?.fingerprint ?? null,
  };
  /** `leaving`: jobs save their state; `stopping`: trainers end, and what becomes of them tells nothing any more. */
  let phase: 'serving' | 'leaving' | 'stopping' = 'serving';
  const isEnding = () => phase === 'stopping';
  let control: ControlPlane | null = null;

  /** Runs what nobody waits for: a failure to remember is fatal, any other is logged. */
  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!RingmasterError.is(error, 'DISK_FULL', 'STORE_UNUSABLE')) {
        log.error({ err: error }, 'unexpected failure');
        return;
      }
      withdraw(home);
      onFatal(error);
    }
  };

  const parts = assemble({
    home,
    store,
    dataRoots: options.dataRoots ?? (address.loopback ? null : []),
    leaseMs: options.leaseMs,
    prepareOn: options.prepareOn,
    ownerToken: credentials?.token ?? null,
    artifacts: () => {
      const { url, fingerprint } = file;
      return { url, fingerprint, directory: home.artifacts, cluster: id };
    },
    log,
    clock,
    guarded,
    send: (peer, message) => {
      control?.send(peer, message);
    },
    isEnding,
  });
  const {
    background,
    fleet,
    tokens,
    members,
    registry,
    runs,
    preparations,
    adoption,
    scheduling,
    housekeeping,
    usage,
  } = parts;
  const canJoin =
    credentials !== null && tokens.ensure(credentials.join, JOIN_TOKEN, 'ringmaster up', ['join']);
  if (credentials !== null && !canJoin) {
    const { message, remedy } = joinTokenKept(home);
    process.emitWarning(message, { detail: remedy });
    log.warn({ remedy }, message);
  }
  const invite = (token: string) => {
    const { url, fingerprint } = file;
    return joinString({ url, fingerprint, token, serverKey: curve?.serverPublic ?? '' });
  };
  const server = await createServer(
    {
      ...parts,
      cluster: id,
      control: () => file.control,
      serverKey: curve?.serverPublic ?? null,
      invite,
      forgetJoinToken: () => {
        forgetJoinToken(home);
      },
      status: async () => ({
        cluster: id,
        version,
        url: file.url,
        uptimeSeconds: (clock() - startedAt) / 1000,
        storage: await usage.recent(),
        workers: fleet.workers.views(MOST_LISTED),
        workerCounts: fleet.workers.counts(),
        jobs: parts.census().jobs,
      }),
      isReady: () => phase === 'serving',
      shutDown: onShutDown,
    },
    {
      tokens,
      loopback: address.loopback,
      host: options.host,
      allowedHosts: options.allowedHosts,
    },
    certificate,
    background,
    log,
  );
  try {
    const last = store.setting('port');
    // Machines that have joined come back to where they have joined.
    const isAwaited = members.any;
    // Bound before anybody is answered: who asks to join is told where, and a coordinator that lacks its port answers nobody.
    control = await ControlPlane.bind({
      ip: address.ip,
      ports: portsToTry(options.controlPort, store.setting('control-port'), isAwaited),
      curve,
      log,
      isKnown: (key) => key === curve?.clientPublic || members.has(key),
      version,
      onMessage: (peer, message) => {
        parts.metrics.messages.inc({ type: message.type });
        guarded(() => {
          fleet.onMessage(peer, message);
        });
      },
      onUnreachable: (peer) => {
        guarded(() => {
          fleet.onUnreachable(peer);
        });
      },
    });
    file.control = `tcp://${advertised}:${control.port}`;
    const lastPort = last !== null && isHttpPort(Number(last)) ? last : null;
    const ports = portsToTry(options.port, lastPort, isAwaited);
    await listenOnFirst(address.ip, ports, (port) => server.listen({ host: address.ip, port }));
    const { port } = server.server.address() as AddressInfo;
    file.url = `${certificate === null ? 'http' : 'https'}://${advertised}:${port}`;
    control.serve();
    store.setSetting('port', String(port));
    store.setSetting('control-port', String(control.port));
    announce(home, file, canJoin ? invite(credentials.join) : null);
  } catch (error) {
    await server.close();
    await control?.close();
    await background.close();
    closeStore();
    throw error;
  }
  log.info({ ...file, version }, 'ready');

  const timers = [
    setInterval(() => {
      guarded(() => {
        fleet.tick();
        preparations.review();
        if (!isEnding()) runs.tick();
      });
    }, detection.sweepMs),
  ];
  housekeeping.start();
  preparations.warmSoon();
  // Workers of a coordinator before this one report within a lease; nobody is missed, nor replaced, until then.
  if (adoption.awaitsReports) {
    scheduling.hold();
    timers.push(
      setTimeout(() => {
        guarded(() => {
          adoption.reportsDue();
        });
        if (phase === 'serving') scheduling.release();
      }, options.leaseMs),
    );
  } else scheduling.soon();

  let saveUntil = Infinity;
  const goDown = async () => {
    phase = 'leaving';
    scheduling.hold();
    for (const job of preparations.jobs) preparations.stop(job, false);
    guarded(() => {
      if (clock() < saveUntil) askToLeave(registry, runs, 'the cluster goes down');
    });
    while (leaving(registry).length > 0 && clock() < saveUntil) await sleep(POLL_MS);
    phase = 'stopping';
    fleet.shutdown();
    const deadline = clock() + FAREWELL_MS;
    while (fleet.workers.present().length > 0 && clock() < deadline) await sleep(POLL_MS);
    guarded(() => {
      dismiss(registry, runs, log);
    });
    for (const timer of timers) clearInterval(timer);
    await server.close();
    await control.close();
    await background.close();
    closeStore();
    log.info('closed');
  };
  let ending: Promise<void> | null = null;
  return {
    file,
    shutDown: (saveMs = SAVE_MS) => {
      saveUntil = Math.min(saveUntil, clock() + saveMs);
      ending ??= goDown();
      return ending;
    },
  };
}
