/** A block of shell commands on a page. */
export interface ShellBlock {
  readonly commands: string;
  /** Why it is not run, as a comment before it says: `<!-- not run: REASON -->`. Null where it is. */
  readonly notRun: string | null;
}

/** The blocks of shell commands on a page, in order. */
export function shellBlocks(page: string): ShellBlock[] {
  const block =
    /(?:<!-- not run: (?<reason>[^\n]+?) -->\s*\n)?^```(?:sh|bash|shell|console)\n(?<commands>.*?)^```$/gms;
  return [...page.matchAll(block)].map(({ groups }) => ({
    commands: groups?.['commands'] ?? '',
    notRun: groups?.['reason'] ?? null,
  }));
}
