import { RingmasterError } from '@ringmaster/protocol';
import type { SplitDocument } from './corpus-part.js';

/** Names of a column in the documents of all splits, as they are found: those of the train split are known. */
export class FoundNames {
  readonly #what: 'label' | 'tag';
  readonly #known = new Set<string>();
  /** Names in other splits, and the first document of each. */
  readonly #others = new Map<string, Pick<SplitDocument, 'id' | 'split'>>();

  constructor(what: 'label' | 'tag') {
    this.#what = what;
  }

  get known(): ReadonlySet<string> {
    return this.#known;
  }

  add({ id, split }: SplitDocument, names: readonly string[]): void {
    for (const name of names) {
      if (split === 'train') this.#known.add(name);
      else if (!this.#others.has(name)) this.#others.set(name, { id, split });
    }
  }

  /**
   * The error of the first document with a name that no train document has; null where there is none.
   * @param known Names that count as those of the train split.
   */
  unknown(known: ReadonlySet<string> = this.#known): RingmasterError | null {
    const what = this.#what;
    for (const [label, { split, id }] of this.#others)
      if (!known.has(label))
        return new RingmasterError('DATA_LABEL_UNKNOWN', { what, label, split, id });
    return null;
  }
}

export interface Labels {
  /** In the order of their ids; none where they are not used. */
  readonly names: readonly string[];
  /** Why they are not used, if they are not. */
  readonly warning: string | null;
}

/** Collects the labels of documents, of which each has one. */
export class LabelCollector {
  readonly #isNeeded: boolean;
  readonly #names = new FoundNames('label');
  #train = 0;
  #isLabelled = false;
  #without = 0;
  #firstWithout: string | null = null;

  /** @param isNeeded Whether the task is to predict them. */
  constructor(isNeeded: boolean) {
    this.#isNeeded = isNeeded;
  }

  add(document: SplitDocument): void {
    const { class: label = null } = document.columns;
    if (document.split === 'train') this.#train++;
    if (label === null) {
      this.#without++;
      this.#firstWithout ??= placeOf(document);
      return;
    }
    this.#isLabelled = true;
    this.#names.add(document, [label]);
  }

  /**
   * The labels of the train split. Where the task does not need them, those that cannot be learned are left aside.
   * @throws DATA_LABELS_MISSING, DATA_LABELS_USELESS; DATA_LABEL_UNKNOWN when another split has one that cannot be learned
   */
  finish(): Labels {
    const fault = this.#fault() ?? (this.#isNeeded ? this.#uselessness() : null);
    if (fault === null) return { names: inOrder(this.#names.known), warning: null };
    if (this.#isNeeded) throw fault;
    const warning = this.#isLabelled ? `no label is used: ${lowerFirst(fault.message)}` : null;
    return { names: [], warning };
  }

  #fault(): RingmasterError | null {
    if (this.#firstWithout === null) return this.#names.unknown();
    const detail = { documents: this.#without, first: this.#firstWithout };
    return new RingmasterError('DATA_LABELS_MISSING', detail);
  }

  #uselessness(): RingmasterError | null {
    const { known } = this.#names;
    const [example = ''] = known;
    const isOwn = known.size === this.#train && known.size > FEW;
    if (known.size !== 1 && !isOwn) return null;
    const detail = { labels: known.size, documents: this.#train, example };
    return new RingmasterError('DATA_LABELS_USELESS', detail);
  }
}

/** Up to this many documents, one of each class may be meant. */
const FEW = 8;

/** Collects the classes of documents, of which each has any number. */
export class ClassesCollector {
  readonly #names = new FoundNames('label');
  #train = 0;

  add(document: SplitDocument): void {
    if (document.split === 'train') this.#train++;
    this.#names.add(document, document.columns.classes ?? []);
  }

  /**
   * The classes of the train split.
   * @throws DATA_LABELS_MISSING when it has none; DATA_LABEL_UNKNOWN when another split has one that cannot be learned
   */
  finish(): string[] {
    if (this.#names.known.size === 0)
      throw new RingmasterError('DATA_LABELS_MISSING', { documents: this.#train, first: null });
    const unknown = this.#names.unknown();
    if (unknown !== null) throw unknown;
    return inOrder(this.#names.known);
  }
}

/** Where a document is, for messages. */
export function placeOf({ id, line }: Pick<SplitDocument, 'id' | 'line'>): string {
  return `${id.slice(0, id.lastIndexOf('#'))} line ${line}`;
}

const lowerFirst = (sentence: string): string =>
  sentence.slice(0, 1).toLowerCase() + sentence.slice(1);

/** Names in the order of their ids: by number where all are whole numbers, else by code unit. */
export function inOrder(known: ReadonlySet<string>): string[] {
  const labels = [...known];
  const numeric = labels.every((label) => /^\d{1,15}$/.test(label));
  return labels.sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
