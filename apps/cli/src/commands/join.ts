import { ringmasterHome, toldError } from '@ringmaster/base';
import { parseJoinString } from '@ringmaster/protocol';
import type { Command } from 'commander';
import { text } from 'node:stream/consumers';
import { duration, wholeNumber } from '../arguments.js';
import { detach } from '../cluster/detach.js';
import { enrol, type MemberOptions } from '../cluster/member.js';
import { ringOptions } from '../ring-options.js';
import { homeOption, type HomeOption } from '../verb.js';

interface JoinOptions extends HomeOption, MemberOptions {
  readonly detach?: true;
}

export function define(verb: Command): void {
  ringOptions(homeOption(verb))
    .option('--workers <n>', 'number of workers', wholeNumber(1, 256), 1)
    .option('--threads <k>', 'TensorFlow threads that each offers', wholeNumber(1, 256), 1)
    .option(
      '--orphan-timeout <time>',
      'how long to go on without the coordinator',
      (given) => {
        duration(given);
        return given;
      },
      '1m',
    )
    .option('--detach', 'go to the background as soon as the workers are taken in')
    .addHelpText(
      'after',
      `
It checks this machine as ringmaster doctor does, joins, and stays until the cluster ends or a
signal asks it to leave (SIGTERM, SIGHUP, Ctrl-C): then jobs go on without it first; a second
signal ends it at once. The string is read from standard input where a dash stands for it. One that
was detached is ended by ringmaster down with its home. Logs are in logs/ of the home directory.`,
    )
    .action(join);
}

async function join(given: string, { home: directory, ...options }: JoinOptions): Promise<void> {
  const string = given === '-' ? await text(process.stdin) : given;
  const invitation = parseJoinString(string);
  const home = ringmasterHome(directory);
  if (options.detach === true) {
    await detach(home, string, options);
    return;
  }
  const { superviseWorkers } = await import('../cluster/supervisor.js');
  try {
    await superviseWorkers(home, await enrol(home, invitation, options), options);
  } catch (error) {
    const { code, message, remedy } = toldError(error);
    if (process.connected) process.send?.({ error: { code, message, remedy } });
    throw error;
  }
}
