// Brings a clone to where everything runs: dependencies, build, TensorFlow. Does nothing twice.
// Plain JavaScript without dependencies, because it is the first thing that runs in a fresh clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SUPPORTED_NODE, supportsNode } from '../libs/base/node-version.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.ringmaster-lock');

if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
  stop('Ringmaster runs on 64-bit Linux', 'Use such a machine or a container on one.');
}
if (!supportsNode(process.versions.node)) {
  stop(`Node ${process.versions.node} is not supported`, `Install Node ${SUPPORTED_NODE}.`);
}

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  step('Installing dependencies', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}
// All packages in one process, which reads every file once; what else a package's build does follows.
step('Compiling', join(modules, '.bin/tsc'), ['-b']);
step('Building', join(modules, '.bin/nx'), ['run-many', '-t', 'build', '--outputStyle=static']);
step(
  'Provisioning TensorFlow',
  process.execPath,
  [join(root, 'libs/tensorflow/dist/provision/provision.process.js')],
  true,
);

/** Runs one command; its output is shown when it fails, or as it comes when `live`. */
function step(title, command, args, live = false) {
  const started = Date.now();
  process.stderr.write(`${title} …\n`);
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: live ? ['ignore', 2, 2] : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.signal !== null) process.exit(130);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    stop(
      `${title} failed`,
      live ? 'Follow the remedy above.' : `The output of "${command} ${args.join(' ')}" is above.`,
    );
  }
  process.stderr.write(`${title}: done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

function stop(what, remedy) {
  process.stderr.write(`ringmaster: ${what}\n  ${remedy}\n`);
  process.exit(1);
}
