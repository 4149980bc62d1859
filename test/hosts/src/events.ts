import { randomKey, RandomStream } from '@ringmaster/base';

/** What happens between hosts. Times are seconds until it is over. */
export type Event =
  /** The cable of a host is pulled out; of the coordinator's it is for 30 s. */
  | { readonly kind: 'cable'; readonly host: string; readonly seconds: number }
  | { readonly kind: 'seat-away'; readonly host: string; readonly seconds: number }
  /** What one host sends to another gets nowhere; the way back stays as it is. */
  | {
      readonly kind: 'half-link';
      readonly host: string;
      readonly to: string;
      readonly seconds: number;
    }
  /** A host goes with all of its processes, and comes back as one that has just been booted. */
  | { readonly kind: 'vanish'; readonly host: string; readonly seconds: number }
  /** A host is given another address. */
  | { readonly kind: 'readdress'; readonly host: string; readonly seconds: number }
  /** A host's link carries little, and that late. */
  | {
      readonly kind: 'slow-link';
      readonly host: string;
      readonly megabits: number;
      readonly seconds: number;
    }
  /** The coordinator is killed, and started again. */
  | { readonly kind: 'kill-coordinator'; readonly host: string; readonly seconds: number };

const AWAY_SECONDS = 30;
/** Megabits a second of links that are slow: a step of the job here takes 0.1 to 1 s of them. */
const SLOW = [2, 5, 20];

/**
 * A schedule that a seed names.
 * @param hosts Those with workers.
 */
export function schedule(
  seed: number,
  count: number,
  hosts: readonly string[],
  seat: string,
): Event[] {
  const stream = new RandomStream(randomKey(seed, 'events between hosts'));
  let draws = 0;
  const draw = (below: number) => Math.floor(stream.uniform(draws++) * below);
  const pick = (from: readonly string[]) => from[draw(from.length)] ?? seat;
  const slow = () => SLOW[draw(SLOW.length)] ?? 1;
  return Array.from({ length: count }, (): Event => {
    const host = pick(hosts);
    const seconds = 1 + draw(15);
    switch (draw(14)) {
      case 0:
        return { kind: 'seat-away', host: seat, seconds: AWAY_SECONDS };
      case 1:
      case 2:
        return { kind: 'vanish', host, seconds };
      case 3:
      case 4:
        return { kind: 'readdress', host, seconds: 0 };
      case 5:
      case 6:
      case 7: {
        const to = pick([seat, ...hosts].filter((other) => other !== host));
        return { kind: 'half-link', host, to, seconds };
      }
      case 8:
      case 9:
        return { kind: 'slow-link', host: pick([seat, ...hosts]), megabits: slow(), seconds };
      case 10:
      case 11:
        return { kind: 'kill-coordinator', host: seat, seconds };
      default:
        return { kind: 'cable', host, seconds };
    }
  });
}
