import { RingmasterError, type StepReport } from '@ringmaster/protocol';
import type { Arena } from '../run/memory-layout.js';
import type { Run } from '../run/run.js';
import type { Session } from '../session/session.js';
import { dissenters, planAudit, type AuditPlan } from './audit-plan.js';
import { WORDS } from './lanes.js';

/**
 * The audit of one step. In its first attempt that sums gradients, ranks show 64 bits of the hash of the state that they
 * begin from, and two of them the checksum of one microbatch that both computed. If these two differ, the attempt is
 * repeated with a checksum from every rank, so that a majority can tell who is wrong. Nothing of it enters the state.
 */
export class StepAudit {
  readonly #run: Run;
  readonly #rank: number;
  readonly #step: number;
  readonly #plan: AuditPlan | null;
  #stage: 'two' | 'all' | 'over';
  #checksum = 0;
  #result: StepReport['audit'] = undefined;

  constructor(run: Run, { rank, shares }: Pick<Session, 'rank' | 'shares'>) {
    const { seed, audit } = run.spec;
    this.#run = run;
    this.#rank = rank;
    this.#step = run.step;
    this.#plan = planAudit(shares, { seed, step: run.step, every: audit.every });
    this.#stage = this.#plan === null ? 'over' : 'two';
  }

  /** What it found: that all agree, at once or only when the attempt was repeated; undefined when there was none. */
  get result(): StepReport['audit'] {
    return this.#result;
  }

  /** The microbatch that this rank computes first in this attempt, to take its checksum; null for none. */
  get microbatch(): number | null {
    if (this.#plan === null || this.#stage === 'over') return null;
    const { microbatch } = this.#plan;
    return this.#witnesses(this.#plan).includes(this.#rank) ? microbatch : null;
  }

  /** Takes the checksum of an arena that holds that microbatch alone: of its quantised gradient and of its lane. */
  witness({ offset, length, lanesOffset }: Arena): void {
    const { kernels, lanes } = this.#run.memory;
    const gradients = kernels.checksum(offset, length, 0);
    this.#checksum = (gradients + kernels.checksum(lanesOffset, lanes.words, length)) | 0;
  }

  /** Writes this rank's control words of the attempt. */
  sign({ lanes: view }: Arena): void {
    if (this.#plan === null || !this.#plan.present.includes(this.#rank)) return;
    const write = (word: number, value: number) => {
      this.#run.memory.lanes.writeControl(view, this.#rank, word, value);
    };
    if (this.microbatch !== null) write(WORDS.checksum, this.#checksum);
    if (this.#stage !== 'two') return;
    const hash = Buffer.from(this.#run.stateHash(), 'hex');
    write(WORDS.stateHigh, hash.readInt32LE(0));
    write(WORDS.stateLow, hash.readInt32LE(4));
  }

  /**
   * Compares the control words of an attempt, which are equal on every rank.
   * @returns whether the attempt has to be repeated
   * @throws STATE_DIVERGED, and who may hold a wrong state has none any more; AUDIT_MISMATCH. Both name ranks by majority.
   */
  mustRepeat(control: readonly (readonly number[])[]): boolean {
    const plan = this.#plan;
    if (plan === null || this.#stage === 'over') return false;
    const shown = (ranks: readonly number[], words: readonly number[]) =>
      new Map(ranks.map((rank) => [rank, String(words.map((word) => control[rank]?.[word]))]));
    if (this.#stage === 'two') {
      const ranks = dissenters(shown(plan.present, [WORDS.stateHigh, WORDS.stateLow]));
      if (ranks !== null) {
        if (ranks.length === 0 || ranks.includes(this.#rank)) this.#run.forget();
        throw new RingmasterError('STATE_DIVERGED', { step: this.#step, ranks });
      }
    }
    const wrong = dissenters(shown(this.#witnesses(plan), [WORDS.checksum]));
    if (wrong === null) {
      this.#result = this.#stage === 'two' ? 'agreed' : 'transient';
      this.#stage = 'over';
      return false;
    }
    if (this.#stage === 'two') {
      this.#stage = 'all';
      return true;
    }
    const { microbatch } = plan;
    throw new RingmasterError('AUDIT_MISMATCH', { step: this.#step, microbatch, ranks: wrong });
  }

  #witnesses({ witnesses, present }: AuditPlan): readonly number[] {
    return this.#stage === 'two' ? witnesses : present;
  }
}
