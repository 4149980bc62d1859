/** Words are what white space parts: languages that do not write it have long ones. */
export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** Lines that are not blank. */
export const linesOf = (text: string): string[] =>
  text.split('\n').filter((line) => line.trim() !== '');

/** A share of a number of things; none of none. */
export const share = (matching: number, all: number): number => (all === 0 ? 0 : matching / all);
