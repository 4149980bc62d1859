export { inUrl, resolveAddress, type Address } from './address.js';
export { bearerOf, refusalOf, type Access } from './guard.js';
export { listenOnFirst, portsToTry } from './listening.js';
