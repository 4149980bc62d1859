export * from './counted.js';
export { writeDurably } from './durable-file.js';
export * from './elementary.js';
export {
  onEndingSignal,
  onEndingSignals,
  outlivesTerminal,
  passOverUserSignals,
} from './ending-signals.js';
export { neutralEnvironment } from './environment.js';
export { explaining, fileReason, isDiskFull, systemCode } from './file-errors.js';
export { gitLfsPointer } from './git-lfs.js';
export * from './home.js';
export { exchange, jsonOf, type Sent } from './http.js';
export { makeDirectory, makeHomeDirectory } from './make-directory.js';
export { packageVersion } from './package-version.js';
export {
  ownIdentity,
  ownMachine,
  processStatus,
  runsHere,
  startTimeOf,
} from './process-identity.js';
export * from './program.js';
export * from './random.js';
export { notifyServiceManager } from './service-manager.js';
export { z85 } from './z85.js';
