/**
 * What is left of an exponential moving average of parameters at an update; the rest of it is theirs. Less than `decay`
 * at first, so that the average is not that of the initial weights: the first update replaces it, and after n updates it
 * is at most n / (n + 9), as in `EMAModel` of diffusers and `ExponentialMovingAverage` of TensorFlow.
 *
 * @param number of the update, counted from 1
 */
export function averageDecayAt(number: number, decay: number): number {
  return number === 1 ? 0 : Math.min(decay, number / (number + 9));
}
