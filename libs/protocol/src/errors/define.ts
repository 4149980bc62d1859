/**
 * Whose fault an error is where that is not the machine's on which it was met:
 * - `job`: it is a function of the specification, its data and its base; every attempt on any machine ends so.
 * - `artifact`: something stored is missing or damaged; it is to be fetched or prepared again, and then all is well.
 */
export type Fault = 'job' | 'artifact';

/** Where an error ends up: the HTTP status of the API and the exit code of the command line. */
export interface ErrorEntry<Detail> {
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** Exit code of the command line: 1 failed, 2 usage or invalid job file, 3 unreachable, 4 not found, 5 cancelled. */
  readonly exit: number;
  /** Never counts against a machine if it is given. */
  readonly fault?: Fault;
  /** What happened and where, in one line, from the detail. */
  readonly message: (detail: Detail) => string;
  /** What to do next, in one line. */
  readonly remedy: string;
}

/** Declares one entry of an error table; exists so that `Detail` is inferred per code. */
export function entry<Detail>(definition: ErrorEntry<Detail>): ErrorEntry<Detail> {
  return definition;
}
