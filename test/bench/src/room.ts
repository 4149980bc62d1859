import type { Command } from './contestant.js';

/** Where a process of a comparison is, when it is not simply on this machine: a host in a network namespace. */
export interface Room {
  readonly namespace: string;
  readonly address: string;
}

/** The device by which hosts in namespaces reach each other. */
export const DEVICE = 'eth0';

/** The same command on a host. */
export function within(room: Room | undefined, command: Command): Command {
  if (room === undefined) return command;
  const { program, args, env } = command;
  return { program: 'ip', args: ['netns', 'exec', room.namespace, program, ...args], env };
}
