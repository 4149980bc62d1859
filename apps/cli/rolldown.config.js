// What bin/ringmaster.js runs: the command and the libraries that it needs at every start in few files, each verb in one
// of its own that is read when it is asked for. Libraries that bring a binary or start processes stay outside.
export default {
  input: { ringmaster: 'dist/main.js' },
  platform: 'node',
  external: [/^node:/, '@ringmaster/data', '@ringmaster/model', '@ringmaster/tensorflow', 'zeromq'],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'chunk-[name].js',
    comments: { legal: false },
  },
};
