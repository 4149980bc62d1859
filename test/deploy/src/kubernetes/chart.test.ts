import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { possible } from '@ringmaster/base/testing';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { deployed, repository } from '../repository.js';
import { COMBINATIONS, render, valuesOf, type Manifest } from './chart.js';
import { helm, KUBERNETES, kubernetesValidate } from './tools.js';

/** Checks manifests, one a line on stdin, against the schemas of Kubernetes, unknown fields included. */
const VALIDATE = `
import json, sys, kubernetes_validate
for line in sys.stdin:
    manifest = json.loads(line)
    try:
        kubernetes_validate.validate(manifest, sys.argv[1], strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        print('no schema of', manifest['apiVersion'])
    except kubernetes_validate.ValidationError as error:
        print(manifest['kind'], manifest['metadata']['name'], error.message)
`;

const podSpecSchema = z.looseObject({
  automountServiceAccountToken: z.literal(false),
  securityContext: z.looseObject({
    runAsNonRoot: z.literal(true),
    seccompProfile: z.object({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.array(
    z.looseObject({
      securityContext: z.strictObject({
        allowPrivilegeEscalation: z.literal(false),
        readOnlyRootFilesystem: z.literal(true),
        capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
      }),
    }),
  ),
});

const withTemplate = z.looseObject({
  spec: z.looseObject({ template: z.looseObject({ spec: podSpecSchema }) }),
});

function podSpecsOf(manifests: readonly Manifest[]) {
  return manifests.flatMap((manifest) => {
    switch (manifest.kind) {
      case 'Deployment':
      case 'StatefulSet':
        return [withTemplate.parse(manifest).spec.template.spec];
      case 'Pod':
        return [z.looseObject({ spec: podSpecSchema }).parse(manifest).spec];
      default:
        return [];
    }
  });
}

const canRender = possible(
  helm !== null && kubernetesValidate !== null,
  'The Helm chart is not tested: test/deploy/tools/install.sh fetches what it is rendered and checked with',
);

describe.skipIf(!canRender)('the chart', () => {
  const rendered = Promise.all(COMBINATIONS.map((features) => render(valuesOf(features))));

  it('is valid by the schemas of Kubernetes with every feature and without', async () => {
    const python = spawn('python3', ['-c', VALIDATE, KUBERNETES.replace(/\.\d+$/, '')], {
      env: { ...process.env, PYTHONPATH: kubernetesValidate ?? '' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let found = '';
    python.stdout.setEncoding('utf8').on('data', (text: string) => (found += text));
    const different = new Set((await rendered).flat().map((manifest) => JSON.stringify(manifest)));
    python.stdin.end([...different].join('\n'));
    expect(await once(python, 'close')).toEqual([0, null]);
    // Those of others, which the real API server knows.
    expect([...new Set(found.trim().split('\n'))].sort()).toEqual([
      'no schema of keda.sh/v1alpha1',
      'no schema of monitoring.coreos.com/v1',
    ]);
  });

  it('gives every pod nobody’s rights', async () => {
    for (const manifests of await rendered) expect(podSpecsOf(manifests)).toHaveLength(3);
  });

  it('names and labels everything by its release', async () => {
    for (const { metadata } of (await rendered).flat()) {
      expect(metadata.name).toMatch(/^train-ringmaster/);
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'ringmaster',
        'app.kubernetes.io/instance': 'train',
      });
    }
  });

  it('mounts all keys of the Secret that secret.sh makes, and no other', async () => {
    const ringmaster = join(repository, 'apps/cli/bin/ringmaster.js');
    const { stdout } = await promisify(execFile)(deployed('kubernetes/secret.sh'), ['keys'], {
      env: { ...process.env, RINGMASTER: `${process.execPath} ${ringmaster}` },
    });
    const secret = z.object({ stringData: z.record(z.string(), z.string()) }).parse(parse(stdout));
    const mounted = new Set<string>();
    const look = (value: unknown): void => {
      const item = z.object({ key: z.string(), path: z.string() }).safeParse(value);
      if (item.success) mounted.add(item.data.key);
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(look);
    };
    (await render([])).forEach(look);
    const kept = Object.keys(secret.stringData).filter((key) => key !== 'fingerprint');
    expect([...mounted].sort()).toEqual(kept.sort());
  });

  it('scales workers by one of three', async () => {
    const replicas = async (feature: string[]) => {
      const workers = (await render(valuesOf(feature))).find(({ kind }) => kind === 'Deployment');
      return z.looseObject({ spec: z.looseObject({ replicas: z.int().optional() }) }).parse(workers)
        .spec.replicas;
    };
    expect(await Promise.all([[], ['hpa'], ['keda']].map(replicas))).toEqual([
      2,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['image.repository=', '/image/repository'],
    ['image.digest=sha256:12', '/image/digest'],
    ['image.pullPolicy=Sometimes', '/image/pullPolicy'],
    ['credentials.existingSecret=', '/credentials/existingSecret'],
    ['coordinator.storage.size=lots', '/coordinator/storage/size'],
    ['coordinator.dataRoots[0]=texts', '/coordinator/dataRoots/0'],
    ['workers.slots=0', '/workers/slots'],
    ['workers.ringPorts.last=70000', '/workers/ringPorts/last'],
    ['workers.slots=64', 'workers.ringPorts'],
    ['workers.disruptionBudget.maxUnavailable=0', '/workers/disruptionBudget/maxUnavailable'],
    ['workers.replica=3', "'replica'"],
    ['autoscaling.by=magic', '/autoscaling/by'],
    ['autoscaling.by=keda', '/autoscaling/prometheus'],
    ['monitoring.serviceMonitor.enabled=maybe', '/monitoring/serviceMonitor/enabled'],
  ])('refuses %s and names the key', async (value, key) => {
    await expect(render([value])).rejects.toThrow(key);
  });
});
