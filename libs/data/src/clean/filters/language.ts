import type { Language } from '@ringmaster/protocol';

/**
 * Finds the language of a text by its first 1,000 characters, as its code of ISO 639-1; the empty string where there is
 * nothing to tell it by. The n-grams of ELD, which tells 60 languages apart, are loaded when they are first wanted.
 */
export async function languageDetector(): Promise<(text: string) => string> {
  const { eld } = await import('eld/medium');
  return (text) => eld.detect(text).language;
}

/** What keeps documents in one of some languages. */
export async function languageFilter(wanted: readonly Language[]) {
  const languageOf = await languageDetector();
  const codes: readonly string[] = wanted;
  return (text: string): boolean => codes.includes(languageOf(text));
}
