// npm run provision [-- --gpu] [-- --verify]
import { parseArgs } from 'node:util';

import { RingmasterError } from '@ringmaster/protocol';

import { progressPrinter } from './progress.js';
import { provision } from './provision.js';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort();
  });
}

try {
  const { values } = parseArgs({
    options: { gpu: { type: 'boolean' }, verify: { type: 'boolean' } },
  });
  const folder = await provision({
    variant: values.gpu === true ? 'gpu' : 'cpu',
    verify: values.verify === true,
    report: progressPrinter(process.stderr),
    signal: abort.signal,
  });
  process.stderr.write(`TensorFlow is ready: ${folder}\n`);
} catch (error) {
  if (abort.signal.aborted) {
    process.stderr.write('interrupted; nothing was left half done\n');
    process.exitCode = 130;
  } else if (error instanceof RingmasterError) {
    process.stderr.write(`ringmaster: ${error.code}: ${error.message}\n  ${error.remedy}\n`);
    process.exitCode = error.exit;
  } else if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true) {
    process.stderr.write(
      `ringmaster: USAGE: ${(error as Error).message}\n  Usage: npm run provision [-- --gpu] [-- --verify]\n`,
    );
    process.exitCode = 2;
  } else {
    throw error;
  }
}
