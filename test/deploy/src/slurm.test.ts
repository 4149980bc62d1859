import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withTemporaryDirectory } from '@ringmaster/testing';
import { expect, it } from 'vitest';

const WORKERS = fileURLToPath(new URL('../../../deploy/slurm/workers.sbatch', import.meta.url));

/** Whether a worker waits for a coordinator of which squeue answers so, each time it is asked; the last answer stays. */
async function waits(directory: string, answers: readonly string[]): Promise<boolean> {
  await writeFile(join(directory, 'job'), '7\n');
  const programs = join(directory, 'bin');
  await mkdir(programs);
  const counter = join(directory, 'asked');
  const cases = answers.map(
    (answer, at) => `${at === answers.length - 1 ? '*' : at + 1}) ${answer} ;;`,
  );
  await writeFile(
    join(programs, 'squeue'),
    `#!/bin/sh\necho >>${counter}\ncase $(wc -l <${counter}) in\n${cases.join('\n')}\nesac\n`,
  );
  await writeFile(join(programs, 'sleep'), '#!/bin/sh\n');
  for (const program of ['squeue', 'sleep']) await chmod(join(programs, program), 0o755);
  const script = await readFile(WORKERS, 'utf8');
  const functions = /^queued\(\) .*$[^]*?^returns\(\) \{$[^]*?^\}$/m.exec(script)?.[0] ?? 'exit 9';
  const asks = `set -u; asked=no status=3\n${functions}\nif returns; then echo yes; else echo no; fi`;
  const PATH = `${programs}:${process.env['PATH'] ?? ''}`;
  const env = { PATH, RINGMASTER_CREDENTIALS: directory };
  return execFileSync('sh', ['-c', asks], { env, encoding: 'utf8' }).trim() === 'yes';
}

const unreachable = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1';
const unknown = 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1';

it.each([
  ['that runs', ['echo R'], true],
  ['that is in line again', ['echo CG', 'echo PD'], true],
  ['that has ended', ['exit 0'], false],
  ['that Slurm has forgotten', [unknown], false],
  ['while the controller is restarted', [unreachable, unreachable, unreachable, 'echo R'], true],
  ['that ends meanwhile', [unreachable, unreachable, unknown], false],
])('a worker on Slurm waits for a coordinator %s, or not', async (_, answers, expected) => {
  await withTemporaryDirectory(async (directory) => {
    expect(await waits(directory, answers)).toBe(expected);
  });
});
