import type {
  IncidentView,
  JoinAnswer,
  NewToken,
  TokenView,
  JobCheck,
  JobEvent,
  JobSpec,
  JobView,
  LedgerView,
  ModelView,
  PreparedDataView,
  PruneView,
  NameView,
  ProfileView,
  StatusView,
  StepPoint,
  WorkerView,
} from '@ringmaster/protocol';

/** What the API answers with, by name. */
export interface Answers {
  readonly status: StatusView;
  readonly workers: WorkerView[];
  readonly job: JobView;
  readonly jobs: JobView[];
  readonly check: JobCheck;
  readonly spec: JobSpec;
  readonly steps: StepPoint[];
  readonly event: JobEvent;
  readonly incidents: IncidentView[];
  readonly ledger: LedgerView;
  readonly profile: ProfileView;
  readonly model: ModelView;
  readonly models: ModelView[];
  readonly name: NameView;
  readonly data: PreparedDataView[];
  readonly prune: PruneView;
  readonly tokens: TokenView[];
  readonly newToken: NewToken;
  readonly join: JoinAnswer;
}
