import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Contestant, turnSchema, type Command, type Turn } from '../contestant.js';
import { mpiCommand, peerCommand, type MpiTransport } from '../peer.js';
import { DEVICE, within, type Room } from '../room.js';
import { Team } from '../team.js';

export type RingTeam = Team<unknown, Turn>;

/** How a ring of ours works. */
export interface Ours {
  /** Whether neighbours read each other's memory, as trainers of one host do. */
  readonly shared: boolean;
  /** Whether frames are sealed, as between hosts. */
  readonly seal: boolean;
  /** Whether integers are as wide as those of gradients, or need all of their bits. */
  readonly narrow: boolean;
}

/** Processes of a team: how many, for how much, and on which hosts, if not all on this machine. */
export interface Seating {
  readonly size: number;
  /** The most that is summed. */
  readonly bytes: number;
  /** Of each rank. */
  readonly rooms?: readonly Room[];
}

const versionsSchema = z.object({ versions: z.record(z.string(), z.string()) });

export async function startOurs({ size, bytes, rooms }: Seating, how: Ours): Promise<RingTeam> {
  const ranks = await Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const room = rooms?.[rank];
      const settings = { rank, size, bytes, host: room?.address ?? '127.0.0.1', ...how };
      const command: Command = {
        program: process.execPath,
        args: [
          fileURLToPath(new URL('./ring.process.js', import.meta.url)),
          JSON.stringify(settings),
        ],
        env: process.env,
      };
      return Contestant.start(within(room, command), z.object({ endpoint: z.string() }));
    }),
  );
  const endpoints = ranks.map(({ ready }) => ready.endpoint);
  await Promise.all(ranks.map((rank) => rank.ask({ endpoints }, z.object({}))));
  return new Team(ranks, turnSchema);
}

/** @param meeting A file by which its ranks find each other. */
export async function startGloo(
  { size, bytes, rooms }: Seating,
  meeting: string,
  versions: Record<string, string>,
): Promise<RingTeam> {
  const device = rooms === undefined ? 'lo' : DEVICE;
  const commands = await Promise.all(
    Array.from({ length: size }, (_, rank) =>
      peerCommand('ring.py', { rank, size, bytes, meeting, interface: device }),
    ),
  );
  const ranks = await Promise.all(
    commands.map((command, rank) =>
      Contestant.start(within(rooms?.[rank], command), versionsSchema),
    ),
  );
  for (const { ready } of ranks) Object.assign(versions, ready.versions);
  return new Team(ranks, turnSchema);
}

export async function startMpi(
  { size, bytes }: Seating,
  transport: MpiTransport,
  versions: Record<string, string>,
): Promise<RingTeam> {
  const command = await mpiCommand('mpi.py', { bytes }, { size, transport });
  const ranks = await Contestant.start(command, versionsSchema);
  Object.assign(versions, ranks.ready.versions);
  return new Team([ranks], turnSchema);
}
