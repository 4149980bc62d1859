/** Trainers in a row, of any job, that die on a worker before they make a step, after which it is given none. */
const STILLBORN_TO_QUARANTINE = 5;
const QUARANTINE_MS = 10 * 60_000;

/** Whether a worker is fit to compute. Times are milliseconds of a clock that never goes back. */
export interface Health {
  /** Trainers in a row that died before they made a step. */
  readonly stillborn: number;
  /** Until when it is given no trainers, or null. */
  readonly quarantinedUntil: number | null;
}

export const sound: Health = { stillborn: 0, quarantinedUntil: null };

/** A trainer died there before it made a step. */
export function afterStillbirth(health: Health, nowMs: number): Health {
  const stillborn = health.stillborn + 1;
  if (stillborn < STILLBORN_TO_QUARANTINE || health.quarantinedUntil !== null)
    return { ...health, stillborn };
  return { stillborn, quarantinedUntil: nowMs + QUARANTINE_MS };
}

/** It has computed other bytes than others do. */
export function afterWrongBytes(health: Health, nowMs: number): Health {
  return { ...health, quarantinedUntil: nowMs + QUARANTINE_MS };
}

/** A trainer made a step there: whatever was wrong is over, as far as a quarantine is not for its time. */
export function afterStep(health: Health): Health {
  return health.stillborn === 0 ? health : { ...health, stillborn: 0 };
}

/** Time has passed: a quarantine ends, and the count begins anew. */
export function atTime(health: Health, nowMs: number): Health {
  const { quarantinedUntil } = health;
  return quarantinedUntil !== null && nowMs >= quarantinedUntil ? sound : health;
}
