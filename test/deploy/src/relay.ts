import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** One address in front of whichever is behind it at the time, as a Service of Kubernetes or a name of DNS is. */
export interface Relay {
  readonly host: string;
  readonly port: number;
  /** Has connections lead to the same port of this address from now on. */
  leadTo(address: string): void;
  close(): void;
}

export async function openRelay(): Promise<Relay> {
  let target: string | null = null;
  const server = createServer((client) => {
    if (target === null) {
      client.destroy();
      return;
    }
    const behind = connect(port, target);
    client.pipe(behind).pipe(client);
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { address: host, port } = server.address() as AddressInfo;
  return {
    host,
    port,
    leadTo: (address) => {
      target = address;
    },
    close: () => {
      server.close();
    },
  };
}
