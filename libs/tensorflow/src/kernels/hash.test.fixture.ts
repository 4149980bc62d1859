import { createHash } from 'node:crypto';

import { cases, native, valuesOf } from './cases.test.fixture.js';

// Prints the SHA-256 of everything that our kernels give, computed in this process's environment.
const hash = createHash('sha256');
for (const use of Object.values(cases))
  for (const precision of ['float32', 'bfloat16'] as const)
    for (const { values } of valuesOf(native, use, precision)) hash.update(values);
process.stdout.write(hash.digest('hex'));
