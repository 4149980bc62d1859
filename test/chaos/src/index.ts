export { Cluster } from './cluster.js';
export { jobOf, writeTexts } from './job.js';
export { until } from './patience.js';
export { signal, Stage } from './stage.js';
