import type { Command } from 'commander';

/** A verb of the command line: what its list shows, and where the rest of it is. */
export interface Verb {
  /** Name and arguments, as commander writes them. */
  readonly usage: string;
  readonly summary: string;
  /** What someone would type, without the name of the command. */
  readonly example: string;
  /** Loads the module that gives the verb its options and its action: only the verb that is asked for is loaded. */
  readonly load: () => Promise<{ readonly define: (verb: Command) => void }>;
}

/** Every verb, by what it is about. */
export const verbs: Readonly<Record<string, readonly Verb[]>> = {
  'Cluster:': [
    {
      usage: 'up',
      summary: 'Start a coordinator and workers on this machine, in the background',
      example: 'up --workers 2',
      load: () => import('./commands/up.js'),
    },
    {
      usage: 'down',
      summary: 'End the coordinator and its workers; jobs go on at the next start',
      example: 'down',
      load: () => import('./commands/down.js'),
    },
    {
      usage: 'worker',
      summary: 'Start one more worker of a running cluster on this machine',
      example: 'worker',
      load: () => import('./commands/worker.js'),
    },
    {
      usage: 'join <string>',
      summary: 'Have this machine compute for a cluster elsewhere, until it is told to leave',
      example: 'join rm1_AKkb… --workers 2',
      load: () => import('./commands/join.js'),
    },
    {
      usage: 'token',
      summary: 'List, make and revoke tokens of a secure cluster',
      example: 'token create dashboard --scope read',
      load: () => import('./commands/token.js'),
    },
    {
      usage: 'status',
      summary: 'Show the coordinator, its workers and what they do',
      example: 'status',
      load: () => import('./commands/status.js'),
    },
    {
      usage: 'incidents',
      summary: 'Tell what failed and what was done about it, newest first',
      example: 'incidents --job mail-bert',
      load: () => import('./commands/incidents.js'),
    },
    {
      usage: 'doctor',
      summary: 'Check that this machine has what a cluster needs',
      example: 'doctor',
      load: () => import('./commands/doctor.js'),
    },
    {
      usage: 'prune',
      summary: 'Remove old jobs, old prepared data and files that nothing needs',
      example: 'prune --older-than 30d --dry-run',
      load: () => import('./commands/prune.js'),
    },
  ],
  'Jobs:': [
    {
      usage: 'submit <job.yaml>',
      summary: 'Submit a job, and print its id',
      example: 'submit recipes/quickstart-pretrain.yaml --set steps=50 --set seed=8 --wait',
      load: () => import('./commands/submit.js'),
    },
    {
      usage: 'jobs',
      summary: 'List the jobs, newest first',
      example: 'jobs',
      load: () => import('./commands/jobs.js'),
    },
    {
      usage: 'job <id>',
      summary: 'Show one job, or remove ended ones; a name means the newest of that name',
      example: 'job mail-bert',
      load: () => import('./commands/job.js'),
    },
    {
      usage: 'logs <id>',
      summary: 'Print what the trainers of a job have logged',
      example: 'logs mail-bert --follow',
      load: () => import('./commands/logs.js'),
    },
    {
      usage: 'wait <id>',
      summary: 'Wait until a job has ended, and print its state',
      example: 'wait mail-bert --timeout 10m',
      load: () => import('./commands/wait.js'),
    },
    {
      usage: 'pause <id>',
      summary: 'Pause a job: its state is saved and its slots are free',
      example: 'pause mail-bert',
      load: () => import('./commands/pause.js'),
    },
    {
      usage: 'resume <id>',
      summary: 'Have a paused job go on where it was',
      example: 'resume mail-bert',
      load: () => import('./commands/resume.js'),
    },
    {
      usage: 'cancel <id>',
      summary: 'Cancel a job',
      example: 'cancel mail-bert',
      load: () => import('./commands/cancel.js'),
    },
  ],
  'Models:': [
    {
      usage: 'models',
      summary: 'List the models, newest first',
      example: 'models',
      load: () => import('./commands/models.js'),
    },
    {
      usage: 'model',
      summary: 'Show, export, import or remove a model',
      example: 'model show mail-bert',
      load: () => import('./commands/model.js'),
    },
    {
      usage: 'predict <model>',
      summary: 'Print what a model says of texts, one JSON object a line',
      example: 'predict mail-spam --input texts.jsonl',
      load: () => import('./commands/predict.js'),
    },
    {
      usage: 'generate <model>',
      summary: 'Go on with a text',
      example: "generate mail-gpt --prompt 'Dear all,' --temperature 0.8 --top-p 0.9",
      load: () => import('./commands/generate.js'),
    },
    {
      usage: 'serve <model>',
      summary: "Have a model answer over HTTP, in the shapes of OpenAI's API",
      example: 'serve mail-gpt --port 8000',
      load: () => import('./commands/serve.js'),
    },
    {
      usage: 'vectors',
      summary: 'Ask word vectors for neighbours and analogies, or write them in another form',
      example: 'vectors neighbours glove.6B.100d.txt king queen',
      load: () => import('./commands/vectors.js'),
    },
  ],
  'Data:': [
    {
      usage: 'data',
      summary: 'Prepare or inspect the data of a job file; list or remove what is prepared',
      example: 'data inspect recipes/quickstart-pretrain.yaml',
      load: () => import('./commands/data.js'),
    },
  ],
};
