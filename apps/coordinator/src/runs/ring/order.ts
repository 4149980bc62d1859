/** Where a trainer runs, from the widest place to the narrowest: the machine, and on it whoever can share memory. */
export type Place = readonly string[];

/**
 * The order in which trainers sit in a ring: those of one place side by side, at every width. So the ring enters each
 * machine once and leaves it once, and as many neighbours as can be read each other's memory. Otherwise who came first
 * stays first.
 */
export function ringOrder<Id>(trainers: readonly Id[], placeOf: (trainer: Id) => Place): Id[] {
  const order = (group: readonly Id[], width: number): readonly Id[] => {
    const narrower = new Map<string | undefined, Id[]>();
    for (const trainer of group) {
      const name = placeOf(trainer)[width];
      const others = narrower.get(name);
      if (others === undefined) narrower.set(name, [trainer]);
      else others.push(trainer);
    }
    return [...narrower].flatMap(([name, members]) =>
      name === undefined ? members : order(members, width + 1),
    );
  };
  return [...order(trainers, 0)];
}
