import { spawn } from 'node:child_process';
import { pipeline, Readable } from 'node:stream';
import { RingmasterError } from '@ringmaster/protocol';
import type { HostSettings } from './hosts-file.js';

/** Lines of what a host said that are worth telling of a failure. */
const TOLD_LINES = 3;

/** A path there, as a word of a shell: one that is not absolute begins at the user's home. */
export function pathThere(path: string): string {
  return path.startsWith('/') ? quote(path) : `"$HOME"/${quote(path)}`;
}

/** A text as one word of a shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Runs a shell script on a host, by OpenSSH's client with the user's own configuration; it never asks for a password.
 * @returns what it wrote on stdout
 * @throws HOST_FAILED
 */
export async function onHost(
  { host, user, port, identity }: HostSettings,
  script: string,
  input: Readable = Readable.from([]),
): Promise<string> {
  const child = spawn(
    'ssh',
    [
      '-o',
      'BatchMode=yes',
      '-o',
      'ConnectTimeout=20',
      '-o',
      'ServerAliveInterval=15',
      ...(port === null ? [] : ['-p', String(port)]),
      ...(identity === null ? [] : ['-i', identity]),
      ...(user === null ? [] : ['-l', user]),
      '--',
      host,
      `sh -c ${quote(`set -eu\n${script}`)}`,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  // A host that reads no further has failed, which its exit code tells.
  pipeline(input, child.stdin, () => undefined);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const failed = (reason: string) => new RingmasterError('HOST_FAILED', { host, reason });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => {
      reject(failed(error.message));
    });
    child.once('close', resolve);
  });
  if (code === 0) return stdout;
  const lines = stderr.split(/\r?\n/).filter((line) => line.trim() !== '');
  throw failed(lines.slice(-TOLD_LINES).join(' / ') || `ssh ended with ${code ?? 'a signal'}`);
}
