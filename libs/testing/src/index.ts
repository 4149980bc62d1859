export { eventually } from './eventually.js';
export { isAlive, untilGone } from './processes.js';
export { temporaryDirectory, withTemporaryDirectory } from './temporary-directory.js';
