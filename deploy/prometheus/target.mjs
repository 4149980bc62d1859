// Prints a target file for the coordinator that runs on a home directory (default: as for `ringmaster up`):
//   node deploy/prometheus/target.mjs [HOME] > deploy/prometheus/targets/coordinator.json
// Plain JavaScript without dependencies, because a monitoring host has the clone and no build.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const home = process.argv[2] ?? process.env.RINGMASTER_HOME ?? join(homedir(), '.ringmaster');

try {
  const { url } = JSON.parse(readFileSync(join(home, 'coordinator.json'), 'utf8'));
  const { host, protocol } = new URL(url);
  const target = {
    targets: [host],
    ...(protocol === 'https:' ? { labels: { __scheme__: 'https' } } : {}),
  };
  process.stdout.write(`${JSON.stringify([target])}\n`);
} catch (error) {
  process.stderr.write(`no coordinator runs on ${home}: ${error.message}\n`);
  process.stderr.write(`  Start one: npx ringmaster up --home ${home}\n`);
  process.exit(3);
}
