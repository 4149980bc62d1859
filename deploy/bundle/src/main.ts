// npm run bundle -- [--gpu] [--pieces 60M] DIR: a directory with everything that a machine without a network needs.
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import { provisioned } from '@ringmaster/tensorflow';
import { contents, LEFT_OUT } from './contents.js';
import { writePieces } from './pieces.js';
import { runtimeOf } from './runtime.js';

const USAGE = 'Usage: npm run bundle -- [--gpu] [--pieces 60M] DIR';
const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 } as const;
const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Where an installation links TensorFlow's binding; a bundle is linked when it is unpacked. */
const NODE_MODULES_LINK = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8';

try {
  await bundle();
} catch (error) {
  if (!(error instanceof RingmasterError)) throw error;
  process.stderr.write(`ringmaster: ${error.code}: ${error.message}\n  ${error.remedy}\n`);
  process.exitCode = error.exit;
}

async function bundle(): Promise<void> {
  const { directory, variant, pieceBytes } = read();
  const found = provisioned();
  if (!found.ready)
    throw new RingmasterError('TENSORFLOW_NOT_PROVISIONED', { reason: found.reason });
  if (found.variant !== variant)
    throw new RingmasterError('TENSORFLOW_NOT_PROVISIONED', {
      reason: `this clone has TensorFlow for ${found.variant}, the bundle is for ${variant}`,
    });
  await makeEmpty(directory);
  const staging = await mkdtemp(join(tmpdir(), 'ringmaster-bundle-'));
  try {
    const runtime = runtimeOf(found.folder);
    await stage(staging, runtime.manifest);
    const tar = spawn('tar', tarArguments(staging, found.folder, runtime.files), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((end) => tar.once('close', end));
    const packed = tar.stdout.pipe(createGzip({ level: 6 })) as AsyncIterable<Buffer>;
    const pieces = await writePieces(packed, directory, pieceBytes);
    const code = await ended;
    if (code !== 0) throw new Error(`tar ended with exit code ${code}`);
    const sums = pieces.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
    await writeFile(join(directory, 'SHA256SUMS'), sums.join(''));
    await writeInstall(directory);
    const megabytes = pieces.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
    process.stderr.write(
      `${pieces.length} pieces, ${megabytes.toFixed(0)} MB, are in ${directory}.\n`,
    );
    process.stderr.write('Carry the directory over and run ./install in it.\n');
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

function read(): { directory: string; variant: 'cpu' | 'gpu'; pieceBytes: number } {
  const usage = (reason: string) =>
    new RingmasterError('USAGE', { reason: `${reason}\n  ${USAGE}` });
  const { values, positionals } = parse(usage);
  const [directory, ...others] = positionals;
  if (directory === undefined || others.length > 0) throw usage('one directory is wanted');
  const match = /^([1-9]\d{0,5})([KMG])$/.exec(values.pieces);
  if (match === null) throw usage(`--pieces takes a size such as 60M, not '${values.pieces}'`);
  const [, count, unit] = match;
  return {
    // npm runs scripts in the root; a path is meant from where the user is.
    directory: resolve(process.env['INIT_CWD'] ?? '.', directory),
    variant: values.gpu ? 'gpu' : 'cpu',
    pieceBytes: Number(count) * UNITS[unit as keyof typeof UNITS],
  };
}

function parse(usage: (reason: string) => RingmasterError) {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        gpu: { type: 'boolean', default: false },
        pieces: { type: 'string', default: '1G' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

async function makeEmpty(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length > 0)
    throw new RingmasterError('USAGE', { reason: `${directory} is not empty` });
}

/** What a bundle has and an installation has not. */
async function stage(staging: string, manifest: string): Promise<void> {
  await mkdir(join(staging, 'bin'));
  await mkdir(join(staging, 'runtime'));
  await writeFile(join(staging, 'runtime/manifest.json'), manifest);
  await cp(
    fileURLToPath(new URL('../ringmaster.sh', import.meta.url)),
    join(staging, 'bin/ringmaster'),
  );
}

/** Arguments of tar, which then has equal members in equal order from equal files: TensorFlow's under `runtime`, Node as `bin/node`. */
function tarArguments(staging: string, folder: string, files: readonly string[]): string[] {
  return [
    '--create',
    '--file=-',
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    ...[...LEFT_OUT, NODE_MODULES_LINK].map((pattern) => `--exclude=${pattern}`),
    '--transform=flags=rh;s,^(tensorflow|nvidia)/,runtime/&,x',
    '--transform=flags=r;s,^node$,bin/node,',
    '-C',
    staging,
    'bin',
    'runtime',
    '-C',
    root,
    ...contents(root),
    '-C',
    folder,
    ...files,
    '-C',
    dirname(process.execPath),
    '--dereference',
    basename(process.execPath),
  ];
}

/** The script that checks and unpacks the pieces, for machines like this one. */
async function writeInstall(directory: string): Promise<void> {
  const source = fileURLToPath(new URL('../install.sh', import.meta.url));
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'];
  const text = (await readFile(source, 'utf8')).replaceAll('@PLATFORM@', `Linux-${machine}`);
  await writeFile(join(directory, 'install'), text, { mode: 0o755 });
}
