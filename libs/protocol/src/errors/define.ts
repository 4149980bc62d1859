/** Where an error ends up: the HTTP status of the API and the exit code of the command line. */
export interface ErrorEntry<Detail> {
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** Exit code of the command line: 1 failed, 2 usage or invalid job file, 3 unreachable, 4 not found, 5 cancelled. */
  readonly exit: number;
  /** What happened and where, in one line, from the detail. */
  readonly message: (detail: Detail) => string;
  /** What to do next, in one line. */
  readonly remedy: string;
}

/** Declares one entry of an error table; exists so that `Detail` is inferred per code. */
export function entry<Detail>(definition: ErrorEntry<Detail>): ErrorEntry<Detail> {
  return definition;
}
