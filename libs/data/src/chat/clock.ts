/** A moment as templates write it: what stands for each directive of `strftime` (Python's), by its letter. */
export type Moment = Readonly<Record<string, string>>;

/**
 * The moment at which conversations are written that are learned, whatever the day: midnight of the date that LLaMA 3's
 * template names where it is told none.
 */
export const LEARNED_AT: Moment = {
  a: 'Fri',
  A: 'Friday',
  b: 'Jul',
  B: 'July',
  d: '26',
  H: '00',
  j: '208',
  m: '07',
  M: '00',
  S: '00',
  y: '24',
  Y: '2024',
  '%': '%',
};

/** What `strftime_now` of a template is at a moment; directives that the moment does not have stay as they are. */
export function clockAt(moment: Moment): (format: string) => string {
  return (format) => format.replace(/%(.)/gs, (whole, letter: string) => moment[letter] ?? whole);
}
