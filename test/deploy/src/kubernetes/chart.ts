import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { deployed } from '../repository.js';
import type { Combination } from './combinations.js';
import { helm, KUBERNETES } from './tools.js';

/** A manifest as the chart renders it. */
export const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Values of the chart; each set is one feature, which is on with these and off without. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  digest: [`image.digest=sha256:${'0'.repeat(64)}`],
  pullSecret: ['imagePullSecrets[0].name=registry'],
  gpus: ['workers.gpus=2', 'workers.slots=2', 'workers.runtimeClassName=nvidia'],
  queue: ['workers.queue=trainers'],
  noSpread: ['workers.spread=false'],
  noBudget: ['workers.disruptionBudget.enabled=false'],
  shareBudget: ['workers.disruptionBudget.maxUnavailable=25%'],
  hpa: ['autoscaling.by=hpa'],
  keda: ['autoscaling.by=keda', 'autoscaling.prometheus=http://prometheus.monitoring.svc:9090'],
  noPolicy: ['networkPolicy.enabled=false'],
  clients: [
    'networkPolicy.clients[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring',
  ],
  serviceMonitor: [
    'monitoring.serviceMonitor.enabled=true',
    'monitoring.serviceMonitor.labels.release=prometheus',
  ],
  prometheusRule: ['monitoring.prometheusRule.enabled=true'],
  dashboards: ['monitoring.dashboards.enabled=true'],
  placement: [
    'workers.nodeSelector.pool=spot',
    'workers.tolerations[0].key=spot',
    'workers.tolerations[0].operator=Exists',
    'workers.priorityClassName=system-node-critical',
    'coordinator.nodeSelector.pool=steady',
    'podAnnotations.note=yes',
  ],
  data: [
    'coordinator.dataRoots[0]=/data',
    'coordinator.extraVolumes[0].name=data',
    'coordinator.extraVolumes[0].persistentVolumeClaim.claimName=texts',
    'coordinator.extraVolumeMounts[0].name=data',
    'coordinator.extraVolumeMounts[0].mountPath=/data',
    'coordinator.storage.className=fast',
  ],
  environment: ['workers.extraEnv[0].name=A', 'workers.extraEnv[0].value=b'],
};

export const FEATURES: readonly string[] = Object.keys(VALUES);

/** Without any feature, with each alone, and with all of them but one that would take its place. */
export const COMBINATIONS: readonly Combination[] = [
  [],
  ...FEATURES.map((name) => [name]),
  ...['hpa', 'keda'].map((other) =>
    FEATURES.filter((name) => ![other, 'noPolicy', 'noBudget'].includes(name)),
  ),
];

const REQUIRED = [
  'image.repository=registry.invalid/ringmaster',
  'credentials.existingSecret=keys',
];

/** Renders the chart with these values beside those that it asks for. @throws with what Helm says */
export async function render(values: readonly string[]): Promise<Manifest[]> {
  if (helm === null) throw new Error('helm is not in the cache: test/deploy/tools/install.sh');
  const settings = [...REQUIRED, ...values].flatMap((value) => ['--set', value]);
  const { stdout } = await promisify(execFile)(
    helm,
    [
      'template',
      'train',
      deployed('kubernetes/ringmaster'),
      '--namespace',
      'lab',
      ...settings,
    ].concat(['--kube-version', KUBERNETES]),
    { maxBuffer: 2 ** 26 },
  );
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as unknown)
    .filter((document) => document !== null)
    .map((document) => manifestSchema.parse(document));
}

/** The values of features, of two that set the same always in the same order. */
export const valuesOf = (features: readonly string[]): string[] =>
  Object.entries(VALUES).flatMap(([name, values]) => (features.includes(name) ? values : []));
