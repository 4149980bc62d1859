import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, temporaryDirectory } from '@ringmaster/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isInstalled } from '../repository.js';
import { ApiServer } from './api-server.js';
import { COMBINATIONS, render, valuesOf } from './chart.js';
import { apiServer, helm } from './tools.js';

const NAMESPACE = 'lab';
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' };

describe.skipIf(apiServer === null || helm === null || !isInstalled('etcd'))(
  'a real API server',
  () => {
    const directory = temporaryDirectory();
    let server: ApiServer;

    async function create(path: string, body: unknown): Promise<void> {
      const { status, body: answer } = await server.ask('POST', path, body);
      if (status !== 201) throw new Error(answer);
    }

    beforeAll(async () => {
      server = await ApiServer.start(join(apiServer!, 'kube-apiserver'), directory);
      const labels = { ...RESTRICTED, 'pod-security.kubernetes.io/warn': 'restricted' };
      await create('/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: NAMESPACE, labels },
      });
      const definitions = join(apiServer!, 'definitions');
      for (const name of readdirSync(definitions)) {
        for (const document of parseAllDocuments(readFileSync(join(definitions, name), 'utf8')))
          await create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', document.toJS());
      }
      // Pods of a service account are admitted once there is one.
      await create(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'train-ringmaster' },
      });
      for (const path of [
        'monitoring.coreos.com/v1/servicemonitors',
        'keda.sh/v1alpha1/scaledobjects',
      ])
        await eventually(`${path} are served`, async () => {
          const [group, version, plural] = path.split('/');
          const { status } = await server.ask(
            'GET',
            `/apis/${group}/${version}/namespaces/${NAMESPACE}/${plural}`,
          );
          return status === 200;
        });
    });
    afterAll(() => server.close());

    it.each(
      COMBINATIONS.map((features) => [features.join(' and ') || 'nothing', features] as const),
    )(
      'takes what the chart renders with %s, strictly and in a restricted namespace',
      async (_, features) => {
        for (const manifest of await render(valuesOf(features))) {
          const { status, body, warnings } = await server.dryRun(NAMESPACE, manifest);
          expect([status, warnings], `${manifest.kind}: ${body}`).toEqual([
            expect.toBeOneOf([200, 201]),
            [],
          ]);
        }
      },
    );

    it('refuses a manifest with a field that there is not', async () => {
      const [first] = (await render([])).filter(({ kind }) => kind === 'Deployment');
      const { status, body } = await server.dryRun(NAMESPACE, { ...first!, surprise: true });
      expect([status, body]).toEqual([500, expect.stringContaining('surprise')]);
    });
  },
);
