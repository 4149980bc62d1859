import { interruptionSchema, positionSchema, trainerCommandSchema } from '@ringmaster/protocol';
import { z } from 'zod';

const preparedSchema = z
  .object({
    endpoint: z.string(),
    donor: z.string(),
    state: positionSchema.nullable(),
    interrupted: interruptionSchema.nullable(),
  })
  .readonly();

/** A trainer's seat in a ring; its rank is its place in the list. */
const memberSchema = z
  .object({
    trainer: z.string(),
    prepared: preparedSchema.nullable(),
    /** Seconds that it took the state over; null until it has started. */
    started: z.number().nullable(),
    finished: z.boolean(),
  })
  .readonly();

const startSchema = trainerCommandSchema.options[1];

/** One generation, from `prepare` on. One without members is the end of the ring before it: everyone retires. */
export const generationSchema = z
  .object({
    generation: z.int().positive(),
    /** The generation that it takes over from by a switch; null if it begins after a failure. */
    from: z.int().nullable(),
    members: z.array(memberSchema).readonly(),
    /** Members of the ring before who leave and have not said yet that they have. */
    retiring: z.array(z.string()).readonly(),
    /** What its members were told once all had prepared. */
    start: startSchema.nullable(),
    withdrawn: z.boolean(),
    /** When it was issued. */
    issued: z.number(),
    /** When everyone was told to start, or to retire. */
    told: z.number().nullable(),
    /** When all members had started. */
    running: z.number().nullable(),
  })
  .readonly();

export type Generation = z.infer<typeof generationSchema>;
export type Member = z.infer<typeof memberSchema>;
export type Start = z.infer<typeof startSchema>;
export type Prepared = z.infer<typeof preparedSchema>;

export function newGeneration(
  generation: number,
  from: number | null,
  trainers: readonly string[],
  retiring: readonly string[],
  now: number,
): Generation {
  const fresh = { prepared: null, started: null, finished: false };
  return {
    generation,
    from,
    retiring,
    start: null,
    withdrawn: false,
    issued: now,
    told: null,
    running: null,
    members: trainers.map((trainer) => ({ trainer, ...fresh })),
  };
}

/** Whether all its members have started. */
export function isRunning(generation: Generation | null): generation is Generation {
  return generation !== null && generation.running !== null;
}

/** Whether a generation is the agreed end of a ring: nobody goes on. */
export function isEnd(generation: Generation | null): generation is Generation {
  return generation !== null && generation.members.length === 0;
}

export function rankIn(generation: Generation | null, trainer: string): number {
  return generation?.members.findIndex((member) => member.trainer === trainer) ?? -1;
}

/** What all members have prepared, by rank; null until all have. */
export function preparedBy({ members }: Generation): Prepared[] | null {
  const prepared = members.flatMap((member) => member.prepared ?? []);
  return prepared.length === members.length ? prepared : null;
}

export function withMember(
  generation: Generation,
  trainer: string,
  change: Partial<Omit<Member, 'trainer'>>,
): Generation {
  const members = generation.members.map((member) =>
    member.trainer === trainer ? { ...member, ...change } : member,
  );
  return { ...generation, members };
}

/** The generation with all members that have not said so taken for started, if `proven`; it runs once all have. */
export function withStarted(generation: Generation, proven: boolean, now: number): Generation {
  const isKnown = generation.members.every(({ started }) => started !== null);
  if (generation.running !== null && isKnown) return generation;
  const members = proven
    ? generation.members.map((member) => ({ ...member, started: member.started ?? 0 }))
    : generation.members;
  const all = members.length > 0 && members.every(({ started }) => started !== null);
  return { ...generation, members, running: generation.running ?? (all ? now : null) };
}
