import type { Runtime, Tensor } from '@ringmaster/tensorflow';
import { Holds, type Add } from './holds.js';
import { ParameterGradients, type Emit, type Trains } from './parameter-gradients.js';

/**
 * What a backward pass gives its shares of gradients to. A share belongs to the tape from then on; one that nobody
 * requires is not computed.
 */
export interface Give {
  (input: Value, add: Add): void;
  /** Takes a share that is added after all others, such as one of some rows alone; `needed` is kept for it. */
  last(input: Value, needed: Tensor, add: Add): void;
  parameter(name: string, add: Add): void;
}

/** What is recorded of a layer besides its output. */
export interface Recorded {
  /** What it was computed from; the handles are used up. */
  readonly inputs: readonly Value[];
  /** What backward needs again, inputs or not; freed after it. Null stands for what is not there. */
  readonly saved: readonly (Tensor | null)[];
  /** Names of the parameters that backward gives a share to, each as often as it does. */
  readonly parameters: readonly string[];
}

/** Where the gradients of all handles of a tensor are summed. */
interface Slot {
  /** Whether there is to be a gradient: something that is trained was computed before the tensor, or it was asked for. */
  readonly requiresGradient: boolean;
  gradient: Tensor | null;
  last: { readonly needed: Tensor; readonly add: Add } | null;
}

/**
 * A handle of a tensor on its way through the layers. Whoever is given one uses it up exactly once, by recording with it
 * or releasing it; `Tape.fork` makes another one.
 */
export class Value {
  readonly tensor: Tensor;
  readonly slot: Slot;
  isUsed = false;

  constructor(tensor: Tensor, slot: Slot) {
    this.tensor = tensor;
    this.slot = slot;
  }

  /** Whether backward computes the gradient of the tensor. */
  get requiresGradient(): boolean {
    return this.slot.requiresGradient;
  }
}

/** As many handles as there are inputs. */
type Handles<Inputs extends readonly Value[]> = { [At in keyof Inputs]: Value };

function each<const Inputs extends readonly Value[]>(
  inputs: Inputs,
  handle: (input: Value) => Value,
): Handles<Inputs> {
  return inputs.map(handle) as unknown as Handles<Inputs>;
}

interface Entry extends Recorded {
  /** Null at the end of a pass. */
  readonly output: Slot | null;
  readonly backward: (dy: Tensor | null, give: Give) => void;
}

interface Mode {
  readonly runtime: Runtime;
  readonly holds: Holds;
  readonly parameters: ParameterGradients;
  /** Whether entries are kept for backward. */
  readonly records: boolean;
  /** Whether the parameters in use are counted; those of a second pass have been. */
  readonly counts: boolean;
  /** Called between two layers, there and back; what it throws ends the pass. */
  readonly between: () => void;
}

/** How a pass that goes back is begun. */
export interface RecordingOptions {
  /** Whether the gradient of a parameter is wanted. Default: every one. */
  readonly trains?: Trains;
  /** Called between two layers, there and back: what it throws ends the pass. Default: nothing. */
  readonly between?: () => void;
}

/**
 * The way of tensors through the layers of one pass, and back. A layer computes its output as it likes, with fused
 * kernels, and records what its gradient needs; what is composed of layers writes no backward pass. Gradients are summed
 * in the order of backward, the reverse of the program's, so that their bytes are a function of the program.
 *
 * One rule says who frees what: a layer uses its inputs up, and the tape owns the rest. A tensor lives while there is a
 * handle of it that was not used, an entry that has saved it, or a sum of gradients that it is.
 *
 * Only what leads to a trained parameter is recorded: below the first of them nothing is kept for backward, and backward
 * does not go there.
 */
export class Tape {
  readonly #mode: Mode;
  readonly #entries: Entry[] = [];

  private constructor(mode: Mode) {
    this.#mode = mode;
  }

  /** For a pass that goes back. `emit` is given the gradient of each trained parameter with its last share. */
  static recording(
    runtime: Runtime,
    emit: Emit,
    { trains = () => true, between = () => undefined }: RecordingOptions = {},
  ): Tape {
    const holds = new Holds(runtime);
    const parameters = new ParameterGradients(holds, emit, trains);
    return new Tape({ runtime, holds, parameters, records: true, counts: true, between });
  }

  /** For a pass that does not go back: everything is freed as soon as it was read. */
  static forwardOnly(runtime: Runtime): Tape {
    const holds = new Holds(runtime);
    const parameters = new ParameterGradients(
      holds,
      () => undefined,
      () => false,
    );
    const between = () => undefined;
    return new Tape({ runtime, holds, parameters, records: false, counts: false, between });
  }

  /** Whether the gradient of a parameter is wanted. */
  trains(parameter: string): boolean {
    return this.#mode.parameters.trains(parameter);
  }

  /** A handle of a tensor that was computed without the tape, and belongs to it from now on. */
  input(tensor: Tensor, requiresGradient = true): Value {
    this.#mode.holds.hold(tensor);
    return new Value(tensor, { requiresGradient, gradient: null, last: null });
  }

  /** Another handle of the same tensor. */
  fork({ tensor, slot }: Value): Value {
    this.#mode.holds.hold(tensor);
    return new Value(tensor, slot);
  }

  /** Uses a handle up without computing anything from it. */
  release(value: Value): void {
    if (value.isUsed) throw new Error('A handle is used twice');
    value.isUsed = true;
    this.#mode.holds.drop(value.tensor);
  }

  /**
   * The output of a layer, and the way of its gradient: `backward` gives a share of dy to each input and parameter. What
   * else it creates is freed after it; dy stays alive until then.
   */
  record(output: Tensor, recorded: Recorded, backward: (dy: Tensor, give: Give) => void): Value {
    const value = this.input(output, this.#requiresGradient(recorded));
    return this.#outputOf(value, recorded, backward);
  }

  /** The end of a pass: a loss, whose gradients are known with it. */
  conclude(recorded: Recorded, backward: (give: Give) => void): void {
    this.#push({
      ...recorded,
      output: null,
      backward: (_, give) => {
        backward(give);
      },
    });
  }

  /**
   * A part of the network that keeps its inputs alone, each another tensor, and is computed again when their gradients are
   * wanted: activation checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016). The second pass
   * has the bytes of the first: dropout draws from keys, not from a generator that has moved on.
   */
  checkpoint<const Inputs extends readonly Value[]>(
    inputs: Inputs,
    part: (tape: Tape, ...inputs: Handles<Inputs>) => Value,
  ): Value {
    if (new Set(inputs.map(({ slot }) => slot)).size !== inputs.length)
      throw new Error('A tensor is an input of a checkpoint twice');
    const first = new Tape({ ...this.#mode, records: false });
    const output = this.#mode.runtime.scope(() =>
      part(first, ...each(inputs, (input) => this.fork(input))),
    );
    const saved = inputs.map(({ tensor }) => tensor);
    return this.#outputOf(output, { inputs, saved, parameters: [] }, (dy, give) => {
      const second = new Tape({ ...this.#mode, counts: false });
      const starts = each(inputs, (input) => second.#startOf(input));
      const again = each(starts, (start) => second.fork(start));
      second.backward(part(second, ...again), dy);
      inputs.forEach((input, at) => {
        const start = starts[at];
        if (start === undefined) return;
        give(input, () => second.gradientOf(start));
        second.#forget(start);
      });
    });
  }

  /** Goes back from `output`, whose handle is used up and whose gradient dy stays the caller's, or from a recorded end. */
  backward(output?: Value, dy?: Tensor): void {
    const { runtime, holds, between } = this.#mode;
    if (output !== undefined && dy !== undefined) {
      this.#seed(output, dy);
      this.release(output);
    }
    const give = this.#give();
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      between();
      const { output: slot, saved, backward } = entry;
      const gradient = slot === null ? null : this.#complete(slot);
      runtime.scope(() => {
        backward(gradient, give);
      });
      for (const tensor of [...saved, gradient]) if (tensor !== null) holds.drop(tensor);
    }
  }

  /** The whole gradient of what went into a pass that has gone back; it stays the tape's. */
  gradientOf({ slot }: Value): Tensor {
    return this.#complete(slot);
  }

  /** Frees whatever is left of a pass, also of one that failed. */
  dispose(): void {
    this.#entries.length = 0;
    this.#mode.holds.clear();
  }

  #outputOf(output: Value, recorded: Recorded, backward: (dy: Tensor, give: Give) => void): Value {
    this.#push({
      ...recorded,
      output: output.slot,
      backward: (dy, give) => {
        if (dy === null) throw new Error('An output has no gradient');
        backward(dy, give);
      },
    });
    return output;
  }

  #requiresGradient({ inputs, parameters }: Recorded): boolean {
    return (
      inputs.some((input) => input.requiresGradient) || parameters.some((name) => this.trains(name))
    );
  }

  #push(entry: Entry): void {
    const { holds, parameters, counts, between } = this.#mode;
    between();
    const isNeeded = entry.output?.requiresGradient ?? this.#requiresGradient(entry);
    if (counts) parameters.use(entry.parameters);
    const saved = entry.saved.filter((tensor) => tensor !== null);
    for (const tensor of saved) holds.hold(tensor);
    if (this.#mode.records && isNeeded) this.#entries.push(entry);
    else for (const tensor of saved) holds.drop(tensor);
    for (const input of entry.inputs) this.release(input);
  }

  #give(): Give {
    const { holds, parameters } = this.#mode;
    const give = ({ slot }: Value, add: Add) => {
      if (slot.requiresGradient) slot.gradient = holds.added(slot.gradient, add);
    };
    const last = ({ slot }: Value, needed: Tensor, add: Add) => {
      if (!slot.requiresGradient) return;
      if (slot.last !== null) throw new Error('Two shares of a gradient want to be the last');
      holds.hold(needed);
      slot.last = { needed, add };
    };
    const parameter = (name: string, add: Add) => {
      parameters.give(name, add);
    };
    return Object.assign(give, { last, parameter });
  }

  /** The sum of all shares of a gradient, once the last has been added. */
  #complete(slot: Slot): Tensor {
    const { holds } = this.#mode;
    if (slot.last !== null) {
      const { needed, add } = slot.last;
      slot.last = null;
      slot.gradient = holds.added(slot.gradient, add);
      holds.drop(needed);
    }
    if (slot.gradient === null)
      throw new Error('Nothing that has a gradient was computed from a value');
    return slot.gradient;
  }

  #seed({ slot }: Value, gradient: Tensor): void {
    this.#mode.holds.hold(gradient);
    slot.gradient = gradient;
  }

  /** An input of another pass as one of this; the sum of its gradients so far is that of this one to begin with. */
  #startOf({ tensor, slot }: Value): Value {
    const start = this.input(tensor, slot.requiresGradient);
    if (slot.gradient !== null) this.#seed(start, slot.gradient);
    return start;
  }

  /** Uses up the handle of what went into a pass, and gives up the sum of its gradients. */
  #forget(start: Value): void {
    if (start.requiresGradient) this.#mode.holds.drop(this.#complete(start.slot));
    this.release(start);
  }
}
