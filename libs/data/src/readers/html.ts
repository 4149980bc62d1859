import { compile } from 'html-to-text';

const heading = { options: { uppercase: false } };

/** Text of an HTML page or mail part: addresses of links and images are left out, case is kept. */
export const htmlToText = compile({
  wordwrap: false,
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    { selector: 'table', options: { uppercaseHeaderCells: false } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, ...heading })),
  ],
});
