export { type Host } from './host.js';
export { canMakeHosts, Network } from './network.js';
