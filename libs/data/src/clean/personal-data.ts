import { isIPv6 } from 'node:net';

/**
 * What stands in place of personal data, by the names that Microsoft Presidio has for them. Each search looks at a place
 * of the text a bounded number of times.
 */
const PLACEHOLDERS = {
  email: '<EMAIL_ADDRESS>',
  ip: '<IP_ADDRESS>',
  card: '<CREDIT_CARD>',
  phone: '<PHONE_NUMBER>',
} as const;

/** At most 64 characters before the @ and labels of at most 63 behind it (RFC 5321 and 1035), the last of letters. */
const email =
  /(?<![\w.%+-])[\w.%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![\w-])/gi;

/** Replaces mail addresses. */
export function replaceEmails(text: string): string {
  return text.includes('@') ? text.replace(email, PLACEHOLDERS.email) : text;
}

const ipv4 = /(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)/g;
/** Global unicast addresses, which 2000::/3 has (RFC 4291). */
const ipv6 = /(?<![\w:.])[23][0-9a-f]{3}(?::[0-9a-f]{0,4}){2,7}(?![\w:])/gi;

/** Replaces public addresses of the internet; those of private networks and of the own machine stay. */
export function replaceIpAddresses(text: string): string {
  return text
    .replace(ipv4, (address, ...parts: unknown[]) =>
      isPublic(parts.slice(0, 4).map(Number)) ? PLACEHOLDERS.ip : address,
    )
    .replace(ipv6, (address) => (isIPv6(address) ? PLACEHOLDERS.ip : address));
}

/** Whether four numbers are an address that is routed: none for private use, of this machine, link or test (RFC 6890). */
function isPublic([a = 0, b = 0, c = 0, d = 0]: readonly number[]): boolean {
  if (Math.max(a, b, c, d) > 255) return false;
  if ([0, 10, 127].includes(a) || a >= 224) return false;
  const isPrivate = (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168);
  const isShared = (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254);
  const isTest = [
    [192, 0, 2],
    [198, 51, 100],
    [203, 0, 113],
  ].some(([x, y, z]) => a === x && b === y && c === z);
  return !isPrivate && !isShared && !isTest;
}

/**
 * Numbers of cards as they are written: in groups of four, as American Express and Diners group them, or in one. Those that
 * begin with 2 are issued from 2200 to 2720, so a year is no first group.
 */
const card =
  /(?<!\d)(?:(?:2[2-7]|[3-6]\d)\d{2}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|3\d{3}([ -])\d{6}\2\d{4,5}|(?:2[2-7]|[3-6]\d)\d{14}(?:\d{3})?|3\d{13,14})(?!\d)/g;

/** Digits of a group. */
const GROUP = 4;

/** Replaces numbers of payment cards: those whose check digit is right (Luhn, ISO/IEC 7812-1). */
export function replaceCards(text: string): string {
  let replaced = '';
  let from = 0;
  card.lastIndex = 0;
  for (let found = card.exec(text); found !== null; found = card.exec(text)) {
    const [number] = found;
    if (!isCard(number)) {
      card.lastIndex = found.index + GROUP; // A group before the number may have been taken for its first.
      continue;
    }
    replaced += text.slice(from, found.index) + PLACEHOLDERS.card;
    from = card.lastIndex;
  }
  return replaced + text.slice(from);
}

function isCard(number: string): boolean {
  const digits = Array.from(number.replace(/[ -]/g, ''), Number).reverse();
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? 2 * digit : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

/** A number in international form (E.164): + and 7 to 15 digits, which blanks, dots, dashes and brackets may group. */
const international = /(?<![\w+])\+[1-9](?:[ ./-]?\(?\d(?:\)(?=[ ./-]?\d))?){6,14}(?!\d)/g;
/** A number of North America in three groups. */
const american =
  /(?<![\w.+-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}(?![\w-])/g;
/** A number within a country, which begins with 0: 9 to 12 digits in two groups or more. */
const national =
  /(?<![\w.,:+/-]|\d )(?:\(0[1-9]\d{0,3}\)|0[1-9]\d{0,3})[ /-](?:\d[ -]?){4,10}\d(?![\w]|[.,:/-]\d)/g;

/** Replaces telephone numbers that are written as such; a bare row of digits is none. */
export function replacePhones(text: string): string {
  return text
    .replace(international, PLACEHOLDERS.phone)
    .replace(american, PLACEHOLDERS.phone)
    .replace(national, (number) => {
      const digits = number.replace(/\D/g, '').length;
      return digits >= 9 && digits <= 12 ? PLACEHOLDERS.phone : number;
    });
}
