// Compiles a package's native loops: `node compile-loops.mjs SOURCE LIBRARY`. Without a compiler there is no library, and
// the WebAssembly loops do the work. Plain JavaScript, because a build runs it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const [source = '', library = ''] = process.argv.slice(2);
mkdirSync(dirname(library), { recursive: true });
rmSync(library, { force: true });
const { error, status } = spawnSync(
  'g++',
  [
    '-O3',
    '-std=c++17',
    '-shared',
    '-fPIC',
    '-fvisibility=hidden',
    '-fno-exceptions',
    '-fno-rtti',
    // Every machine and level makes the same bits: nothing is fused. No loop looks at errno or at traps.
    '-ffp-contract=off',
    '-fno-math-errno',
    '-fno-trapping-math',
    // The lowest level is that of every processor, whatever this compiler takes for granted.
    ...(process.arch === 'x64' ? ['-march=x86-64'] : []),
    '-Wall',
    '-Werror',
    `-I${fileURLToPath(new URL('../native/', import.meta.url))}`,
    `-I${dirname(source)}`,
    source,
    '-o',
    library,
  ],
  { stdio: 'inherit' },
);
if (error?.code === 'ENOENT') console.error('There is no g++: loops are those of WebAssembly.');
else if (error !== undefined) throw error;
else process.exitCode = status ?? 1;
