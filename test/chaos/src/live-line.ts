/** One line that is written over and over on a terminal; elsewhere every event gets a line of its own. */
export class LiveLine {
  readonly #stream: NodeJS.WriteStream;
  #shown = 0;
  #last = '';

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** What is going on now. */
  show(text: string): void {
    if (!this.#stream.isTTY) return;
    const fitting = text.slice(0, this.#stream.columns - 1);
    this.#stream.write(`\r${fitting.padEnd(this.#shown)}`);
    this.#shown = fitting.length;
  }

  /** What has happened, for good. */
  tell(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    this.show('');
    this.#stream.write(this.#stream.isTTY ? `\r${text}\n` : `${text}\n`);
  }
}
