export { Cluster } from './cluster.js';
export { jobOf, writeTexts, type JobOptions } from './job.js';
export { until } from './patience.js';
export { signal, Stage, type Victim } from './stage.js';
