export { inUrl, resolveAddress } from './address.js';
export { bearerOf, refusalOf, type Access } from './guard.js';
export { listenOnFirst, portsToTry } from './listening.js';
