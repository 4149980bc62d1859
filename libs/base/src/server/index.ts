export { inUrl, resolveAddress } from './address.js';
export { errorHeaders } from './error-headers.js';
export { bearerOf, refusalOf, type Access } from './guard.js';
export { listenOnFirst, portsToTry } from './listening.js';
export { targetPath } from './target.js';
