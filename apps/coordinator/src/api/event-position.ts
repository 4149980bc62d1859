import type { JobEvent } from '@ringmaster/protocol';

/** How far somebody has followed a job: steps of the newest point and evaluation, and id of the newest incident. */
export interface Position {
  readonly step: number;
  readonly evaluation: number;
  readonly incident: number;
}

/** A position as the id of an event. */
export function formatPosition({ step, evaluation, incident }: Position): string {
  return `${step}-${evaluation}-${incident}`;
}

/** The position that the id of an event tells; null for what is none. */
export function parsePosition(id: string): Position | null {
  const [, step, evaluation, incident] = /^(\d{1,15})-(\d{1,15})-(\d{1,15})$/.exec(id) ?? [];
  if (step === undefined) return null;
  return { step: Number(step), evaluation: Number(evaluation), incident: Number(incident) };
}

/** The position of whoever has heard an event too. */
export function after(position: Position, event: JobEvent): Position {
  switch (event.type) {
    case 'step':
      return { ...position, step: event.point.step };
    case 'evaluation':
      return { ...position, evaluation: event.evaluation.step };
    case 'incident':
      return { ...position, incident: Math.max(position.incident, event.incident.id) };
    case 'job':
      return position;
  }
}
