export { canMountSmallDisk, SmallDisk } from './small-disk.js';
