/** One entry a schema version, applied in order, each in a transaction; entries are never edited, only added. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    after TEXT NOT NULL,
    base TEXT,
    state TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    step INTEGER NOT NULL DEFAULT 0,
    steps INTEGER,
    data_manifest TEXT,
    base_manifest TEXT,
    numerics TEXT,
    strikes TEXT NOT NULL DEFAULT '[]',
    loss REAL,
    tokens_per_second REAL,
    seconds_per_step REAL,
    evaluation TEXT,
    result TEXT,
    error TEXT,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT
  ) STRICT;
  CREATE INDEX jobs_by_name ON jobs (name, seq);
  CREATE INDEX jobs_by_state ON jobs (state);

  CREATE TABLE steps (
    job TEXT NOT NULL,
    step INTEGER NOT NULL,
    loss REAL,
    learning_rate REAL NOT NULL,
    gradient_norm REAL NOT NULL,
    tokens_per_second REAL NOT NULL,
    PRIMARY KEY (job, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evaluations (
    job TEXT NOT NULL,
    step INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (job, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE checkpoints (
    job TEXT NOT NULL,
    step INTEGER NOT NULL,
    evaluations INTEGER NOT NULL,
    state_hash TEXT NOT NULL,
    manifest TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (job, step)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE models (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    job TEXT,
    task TEXT NOT NULL,
    manifest TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX models_by_name ON models (name, seq);

  CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    job TEXT,
    worker TEXT,
    step INTEGER,
    generation INTEGER,
    what TEXT NOT NULL,
    recovery TEXT
  ) STRICT;
  `,
  `
  ALTER TABLE steps ADD COLUMN samples INTEGER;
  ALTER TABLE steps ADD COLUMN digest INTEGER;
  `,
  `
  ALTER TABLE jobs ADD COLUMN run TEXT;
  ALTER TABLE jobs ADD COLUMN workers TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE jobs ADD COLUMN ranks TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE jobs DROP COLUMN numerics;
  ALTER TABLE jobs DROP COLUMN strikes;
  ALTER TABLE incidents ADD COLUMN number INTEGER;
  CREATE INDEX incidents_by_number ON incidents (job, number);
  `,
  `
  ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
  UPDATE jobs SET priority = json_extract(spec, '$.priority') WHERE json_extract(spec, '$.priority') <> 0;
  CREATE INDEX jobs_in_line ON jobs (priority DESC, seq)
    WHERE state = 'queued' AND run IS NULL AND data_manifest IS NULL;
  CREATE INDEX jobs_in_line_after_others ON jobs (seq)
    WHERE state = 'queued' AND run IS NULL AND data_manifest IS NULL AND after <> '[]';
  `,
  `
  CREATE TABLE removals (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE INDEX jobs_by_data ON jobs (data_manifest) WHERE data_manifest IS NOT NULL;
  DELETE FROM checkpoints WHERE job IN (SELECT id FROM jobs WHERE state = 'succeeded');
  `,
  `
  CREATE TABLE extremes (
    job TEXT NOT NULL,
    which INTEGER NOT NULL,
    span INTEGER NOT NULL,
    step INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (job, which, span)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO extremes SELECT job, 0, step / 64, step, min(loss) FROM steps
    WHERE loss IS NOT NULL GROUP BY job, step / 64;
  INSERT INTO extremes SELECT job, 1, step / 64, step, max(loss) FROM steps
    WHERE loss IS NOT NULL GROUP BY job, step / 64;
  INSERT INTO extremes SELECT job, 2, step / 64, step, min(gradient_norm) FROM steps
    GROUP BY job, step / 64;
  INSERT INTO extremes SELECT job, 3, step / 64, step, max(gradient_norm) FROM steps
    GROUP BY job, step / 64;
  `,
  `
  CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE members (
    public_key TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    joined_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX members_by_token ON members (token);
  CREATE INDEX members_by_age ON members (joined_at);
  `,
  `
  ALTER TABLE jobs ADD COLUMN parameters TEXT;
  `,
  `
  CREATE TABLE revoked_tokens (hash TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE jobs ADD COLUMN memory TEXT;
  `,
];
