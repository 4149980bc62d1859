import { log } from '@ringmaster/base';

/** The derivative of the logarithm of the gamma function, by its asymptotic series from 7 up. @param x above 0 */
export function digamma(x: number): number {
  let below = 0;
  let shifted = x;
  for (; shifted < 7; shifted++) below -= 1 / shifted;
  const centred = shifted - 0.5;
  const inverse = 1 / (centred * centred);
  const series =
    inverse * (1 / 24 - inverse * (7 / 960 - inverse * (31 / 8064 - inverse * (127 / 30720))));
  return below + log(centred) + series;
}
