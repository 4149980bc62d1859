import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@ringmaster/testing';
import { parseAllDocuments } from 'yaml';
import { isInstalled } from '../repository.js';
import { ApiServer } from './api-server.js';
import type { Manifest } from './chart.js';
import { apiServer, helm } from './tools.js';

const NAMESPACE = 'lab';
const RESTRICTED = {
  'pod-security.kubernetes.io/enforce': 'restricted',
  'pod-security.kubernetes.io/warn': 'restricted',
};

/** Whether all is installed that a lab and a rendered chart want. */
export const hasLab = apiServer !== null && helm !== null && isInstalled('etcd');

/**
 * A real API server with a namespace of the restricted profile, and with the kinds of resources of others that the chart has.
 *
 * @param directory For all that it writes. @throws Error where there is no API server in the cache
 */
export async function openLab(directory: string): Promise<ApiServer> {
  if (apiServer === null)
    throw new Error('no API server is in the cache: test/deploy/tools/kubernetes-build.sh');
  const server = await ApiServer.start(join(apiServer, 'kube-apiserver'), directory);
  try {
    await furnish(server, join(apiServer, 'definitions'));
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function furnish(server: ApiServer, definitions: string): Promise<void> {
  const create = async (path: string, body: unknown) => {
    const { status, body: answer } = await server.ask('POST', path, body);
    if (status !== 201) throw new Error(answer);
  };
  await create('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: NAMESPACE, labels: RESTRICTED },
  });
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
  for (const path of ['monitoring.coreos.com/v1/servicemonitors', 'keda.sh/v1alpha1/scaledobjects'])
    await eventually(`${path} are served`, async () => {
      const [group, version, plural] = path.split('/');
      const place = `/apis/${group}/${version}/namespaces/${NAMESPACE}/${plural}`;
      return (await server.ask('GET', place)).status === 200;
    });
}

/** What the server has against a manifest in that namespace, warnings too; nothing where it takes it. */
export async function complaints(server: ApiServer, manifest: Manifest): Promise<string[]> {
  const { status, body, warnings } = await server.dryRun(NAMESPACE, manifest);
  return status === 200 || status === 201 ? [...warnings] : [`${status}: ${body}`];
}
