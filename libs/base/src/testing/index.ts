export { canUnsharePids, NamespacedProcess } from './pid-namespace.js';
export { possible } from './possible.js';
export { canMountSmallDisk, SmallDisk } from './small-disk.js';
