import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Listens on a datagram socket as systemd does, and prints a line for each message. */
const LISTEN = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True: print(s.recv(4096).decode(), flush=True)
`;

/** A service manager: what services tell it, and how it is closed. */
export interface ServiceManager {
  /** The environment by which a service finds it. */
  readonly environment: { readonly NOTIFY_SOCKET: string };
  readonly told: () => readonly string[];
  readonly close: () => void;
}

export async function openServiceManager(socket: string): Promise<ServiceManager> {
  const child = spawn('python3', ['-c', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  await once(child.stdout, 'data');
  return {
    environment: { NOTIFY_SOCKET: socket },
    told: () => text.trim().split('\n').slice(1),
    close: () => {
      child.kill();
    },
  };
}
