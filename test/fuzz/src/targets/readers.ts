import { gzipSync } from 'node:zlib';
import { openFiles } from '@ringmaster/data';
import { damaged } from '../bytes.js';
import { Scratch } from '../scratch.js';
import type { Target } from '../target.js';

const mail = `From a@example.org Mon Sep 02 12:00:00 2002
From: =?iso-8859-1?Q?J=F6rg?= <a@example.org>
Subject: [list] =?utf-8?B?w6TDtsO8?= hello
Date: Mon, 2 Sep 2002 12:00:00 +0530
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: multipart/alternative; boundary="b2"

--b2
Content-Type: text/plain; charset=windows-1252
Content-Transfer-Encoding: quoted-printable

It=92s 5=80 =
long
--b2
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+SGVsbG8gPGI+d29ybGQ8L2I+PC9wPg==
--b2--
--b1
Content-Type: message/rfc822

From: b@example.org
Subject: inner

>From the start
--b1--

From c@example.org Tue Sep 03 13:00:00 2002
Subject: second

body
`;
const html = `<!doctype html><html><head><title>T</title><style>p{}</style></head><body><h1>A &amp; B</h1>
<table><tr><th>x</th><td>y &#128512; &#x41; &nosuch;</td></tr></table><ul><li>one<li>two</ul>
<a href="#">link</a><img src=x><!-- no --><script>if (a < b) {}</script><pre>  kept </pre></body></html>`;
const rows = [
  '{"text": "one \\u00e9", "label": "a", "extra": [1, {"b": null}]}',
  '{"text": "two", "label": 3}',
  '{"label": true, "text": "\\ud83d\\ude00"}',
].join('\n');
const table = 'text,label\r\n"one, ""two""\nthree",ham\r\nfour,spam\r\n';

interface Shape {
  readonly file: string;
  readonly content: string;
  readonly words: readonly string[];
}

const shapes: readonly Shape[] = [
  {
    file: 'a.txt',
    content: 'Eins.\r\nZwei – drei.\u2028Vier.\n\nFünf.',
    words: ['\ufeff', '\u0000', '\r', '\u2029', '\u00ad', '\ud7ff'],
  },
  {
    file: 'a.jsonl',
    content: rows,
    words: ['{', '}', '"', '\\u', '\\ud800', '\n', ',', '1e999', '[', 'null', '__proto__'],
  },
  { file: 'a.csv', content: table, words: ['"', ',', '\r', '\n', '""', ';', '\t', '\ufeff'] },
  { file: 'a.tsv', content: table.replaceAll(',', '\t'), words: ['"', '\t', '\r\n', '\n'] },
  {
    file: 'a.html',
    content: html,
    words: [
      '<',
      '>',
      '</',
      '<div>',
      '<table><tr>',
      '<!--',
      '<![CDATA[',
      '&#',
      '&amp',
      '"',
      '<ul><li>',
      '<pre>',
      '<a ',
    ],
  },
  {
    file: 'a.mbox',
    content: mail,
    words: [
      '\n\nFrom x Mon Sep 02 12:00:00 2002\n',
      '--b1',
      '--b2--',
      '=?utf-8?Q?',
      '?=',
      'Content-Type: ',
      'multipart/mixed; boundary=',
      'charset="',
      'utf-7',
      'koi8-r',
      'base64',
      '=\n',
      ';',
      '\t',
      '<',
      '(',
    ],
  },
  {
    file: 'a.eml',
    content: mail.slice(mail.indexOf('\n') + 1),
    words: ['\n\n', ': ', 'From: ', '"', '<', ',', ';', '=?'],
  },
];

function reader({ file, content, words }: Shape, format?: 'lines'): Target {
  const scratch = new Scratch();
  const dictionary = words.map((word) => Buffer.from(word));
  const valid = Buffer.from(content);
  return {
    name: `reader: ${format ?? file.slice(2)}`,
    input: (draws) => {
      const bytes = damaged([valid], dictionary, draws);
      // Compressed ones are damaged once more now and then, behind the ten bytes of the header.
      if (!draws.oneIn(8)) return bytes;
      const packed = gzipSync(bytes);
      return draws.oneIn(2) ? packed : damaged([packed], dictionary, draws);
    },
    take: async (input) => {
      const options = format === undefined ? {} : { format };
      const documents = [];
      for await (const document of await openFiles([scratch.file(file, input)], options))
        documents.push(document);
      return documents;
    },
    close: () => {
      scratch.close();
    },
  };
}

/** Every reader, by files as jobs name them. */
export const readers = (): readonly Target[] => [
  ...shapes.map((shape) => reader(shape)),
  ...shapes.slice(0, 1).map((shape) => reader(shape, 'lines')),
];
