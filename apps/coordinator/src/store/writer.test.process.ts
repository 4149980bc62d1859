import { parseJobSpec } from '@ringmaster/protocol';
import { Store } from './store.js';

/*
 * node writer.test.process.js STORE SPEC: writes jobs, checkpoints and generations without end, and says what is
 * durable, one line each.
 */
const [, , path = '', spec = ''] = process.argv;
const store = new Store(path);
const parsed = parseJobSpec(JSON.parse(spec));
const createdAt = new Date(0).toISOString();
for (let round = 0; ; round++) {
  const id = `j-${process.pid}-${round}`;
  const checkpoint = {
    position: { step: round, evaluations: 0, stateHash: 'a'.repeat(64) },
    manifest: 'b'.repeat(64),
  };
  store.transaction(() => {
    const job = store.jobs.insert({ id, spec: parsed, after: [], base: null, createdAt });
    store.checkpoints.insert(id, checkpoint, createdAt);
    store.jobs.update({ ...job, generation: round + 1 });
  });
  process.stdout.write(`${id} ${round + 1}\n`);
}
