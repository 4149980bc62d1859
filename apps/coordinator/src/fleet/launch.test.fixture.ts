import { parseJobSpec, type Launch } from '@ringmaster/protocol';
import { pretrainSpec } from '../home.test.fixture.js';

export function launchFor(trainer: string): Launch {
  const spec = parseJobSpec(pretrainSpec('texts.jsonl'));
  const hash = '0'.repeat(64);
  return { trainer, job: 'j', spec, dataManifest: hash, baseManifest: null, specHash: hash };
}
