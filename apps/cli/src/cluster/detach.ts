import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeHomeDirectory, type Home } from '@ringmaster/base';
import { RingmasterError, type Entrance } from '@ringmaster/protocol';
import { z } from 'zod';
import { RemoteFailure } from '../failure.js';
import { note } from '../output.js';
import { endProcesses, withDescendants } from '../processes.js';
import {
  failureSchema,
  MEMBER,
  memberArguments,
  runningMember,
  settingsOf,
  type MemberOptions,
} from './member.js';
import { LEAVE_MS } from './workers.js';

const toldSchema = z.union([z.object({ ready: z.literal(true) }), failureSchema]);

/**
 * Has `ringmaster join` go on in the background, once its workers are taken in. In a home in which it runs already with the
 * same settings nothing happens; one with others leaves first.
 * @param string What the entrance was read of; the one in the background reads it again.
 * @throws what the one in the background fails with; START_FAILED when it says nothing
 */
export async function detach(
  home: Home,
  entrance: Entrance,
  string: string,
  options: MemberOptions,
): Promise<void> {
  const wanted = settingsOf(entrance, options);
  const running = runningMember(home);
  if (running !== null) {
    if (running.args.join(' ') === wanted.join(' ')) {
      note('It runs already.');
      return;
    }
    const processes = withDescendants([running]);
    await endProcesses([running], LEAVE_MS);
    await endProcesses(processes, 0);
  }
  makeHomeDirectory(home.root, 0o700);
  makeHomeDirectory(home.logs);
  const file = openSync(join(home.logs, `${MEMBER}.log`), 'a', 0o600);
  const [, program = ''] = process.argv;
  const child = spawn(
    process.execPath,
    [
      program,
      'join',
      '-',
      '--home',
      home.root,
      ...(entrance.fingerprint === null ? [] : ['--fingerprint', entrance.fingerprint]),
      ...memberArguments(options),
    ],
    { detached: true, stdio: ['pipe', file, file, 'ipc'] },
  );
  closeSync(file);
  child.stdin?.end(string);
  const told = await new Promise<unknown>((resolve, reject) => {
    child.once('error', reject);
    child.once('message', resolve);
    child.once('close', () => {
      resolve(null);
    });
  });
  const { data } = toldSchema.safeParse(told);
  if (data === undefined) {
    const reason = 'it ended without a word';
    throw new RingmasterError('START_FAILED', { process: MEMBER, reason, log: home.logs });
  }
  if ('error' in data) throw new RemoteFailure(data.error);
  child.disconnect();
  child.unref();
  note('Joined; it goes on in the background.');
}
