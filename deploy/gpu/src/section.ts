/** What every part of the check is given. */
export interface Context {
  /** Number of the card, as the driver orders them by bus. */
  readonly card: number;
  /** A directory of its own for what the check writes; removed at its end. */
  readonly directory: string;
  /** Milliseconds that are left for this section. */
  readonly leftMs: () => number;
}

/** One part of the check. It throws where what it proves does not hold or cannot be tried. */
export interface Section {
  readonly name: string;
  readonly title: string;
  /** Seconds that it may take. */
  readonly limit: number;
  /** @returns paragraphs and tables in Markdown */
  run(context: Context): Promise<readonly string[]>;
}

/** A claim that does not hold; what was found until then stays in the report. */
export class ClaimFailed extends Error {
  override readonly name = 'ClaimFailed';
  readonly found: readonly string[];

  constructor(claim: string, found: readonly string[] = []) {
    super(claim);
    this.found = found;
  }
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function code(text: string): string {
  return `\`\`\`text\n${text.trim()}\n\`\`\``;
}
