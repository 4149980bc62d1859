import type { PreparerView } from '@ringmaster/protocol';

/** What the coordinator's machine is called where workers have their ids. */
export const COORDINATOR = 'coordinator';

/**
 * Who does the tasks of a preparation: the coordinator first, then workers by their ids.
 * @param doing Tasks that each does at this moment.
 * @param done Tasks that each has done.
 */
export function preparersOf(
  doing: ReadonlyMap<string, number>,
  done: ReadonlyMap<string, number>,
): PreparerView[] {
  const isHere = ({ by }: PreparerView) => by === COORDINATOR;
  return [...new Set([...doing.keys(), ...done.keys()])]
    .map((by) => ({ by, doing: doing.get(by) ?? 0, done: done.get(by) ?? 0 }))
    .filter((each) => each.doing + each.done > 0)
    .sort((a, b) => Number(isHere(b)) - Number(isHere(a)) || (a.by < b.by ? -1 : 1));
}
