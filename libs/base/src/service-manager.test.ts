import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { withTemporaryDirectory } from '@ringmaster/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { notifyServiceManager } from './service-manager.js';

/** Binds a datagram socket as systemd does, says so, and prints the first message. */
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name.startswith('@') else name)
print('bound', flush=True)
print(s.recv(4096).decode(), flush=True)
`;

async function heardAt(name: string): Promise<string> {
  const manager = spawn('python3', ['-c', MANAGER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  manager.stdout.setEncoding('utf8').on('data', (text: string) => (heard += text));
  try {
    while (!heard.startsWith('bound\n')) await once(manager.stdout, 'data');
    process.env['NOTIFY_SOCKET'] = name;
    notifyServiceManager('ready');
    await once(manager, 'close');
  } finally {
    manager.kill();
  }
  return heard.slice('bound\n'.length).trim();
}

afterEach(() => {
  delete process.env['NOTIFY_SOCKET'];
});

describe('a service manager', () => {
  it('is told at the path of its socket', async () => {
    await withTemporaryDirectory(async (directory) => {
      expect(await heardAt(join(directory, 'notify'))).toBe('READY=1');
    });
  });

  it('is told at an abstract name', async () => {
    expect(await heardAt(`@ringmaster-notify-${process.pid}`)).toBe('READY=1');
  });

  it.each(['/nowhere/notify', `/${'long'.repeat(30)}`])(
    'that takes no message at %s is told of on stderr, and nothing ends',
    async (path) => {
      process.env['NOTIFY_SOCKET'] = path;
      const warned = once(process, 'warning');
      notifyServiceManager('stopping');
      expect(String(await warned)).toContain(path);
    },
  );
});
