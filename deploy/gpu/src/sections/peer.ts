import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failureOf, runProgram } from '../program.js';
import { ClaimFailed, type Section } from '../section.js';

const bench = fileURLToPath(new URL('../../../../test/bench/dist/main.js', import.meta.url));
const CASES = ['card-gpt-float32', 'card-gpt2-float32', 'card-gpt2-bfloat16'];

/** Training beside PyTorch on the same card: `npm run bench -- train --device gpu`. */
export const peer: Section = {
  name: 'peer',
  title: 'Beside PyTorch on the same card',
  limit: 240,
  async run({ directory, leftMs }) {
    await access(bench).catch(() => {
      throw new ClaimFailed('the benchmarks are not built here');
    });
    const python = await pythonWithTorch(leftMs());
    const found: string[] = [];
    const failures: string[] = [];
    for (const name of CASES) {
      const report = join(directory, `${name}.md`);
      const args = ['train', '--device', 'gpu', '--only', name, '--rounds', '4', '--steps', '2'];
      const finished = await runProgram(process.execPath, [bench, ...args, '--report', report], {
        env: { ...process.env, RINGMASTER_PEER_PYTHON: python },
        limitMs: leftMs(),
      });
      const failure = failureOf(finished);
      if (failure === null) found.push((await readFile(report, 'utf8')).replace(/^#/gm, '###'));
      else failures.push(`${name}: ${failure}`);
    }
    if (failures.length > 0) throw new ClaimFailed(failures.join('\n\n'), found);
    return found;
  },
};

/** The Python that has PyTorch: `RINGMASTER_PEER_PYTHON`, else `python3`. */
async function pythonWithTorch(limitMs: number): Promise<string> {
  const given = process.env['RINGMASTER_PEER_PYTHON'] ?? 'python3';
  const script = 'import sys, torch; assert torch.cuda.is_available(); print(sys.executable)';
  const finished = await runProgram(given, ['-c', script], { limitMs });
  const failure = failureOf(finished);
  if (failure !== null) throw new ClaimFailed(`${given} has no PyTorch for this card: ${failure}`);
  return finished.out.trim();
}
