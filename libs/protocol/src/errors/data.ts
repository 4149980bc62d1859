import { entry } from './define.js';

/** How many documents have the trouble of the one that is named. */
const others = (documents: number): string =>
  documents === 1 ? '' : `; so it is in ${documents} documents`;

/** Errors of corpora, tokenizers, prepared data and blobs. */
export const dataErrors = {
  DATA_CORPUS_MISSING: entry<{ corpus: string; path: string }>({
    status: 500,
    exit: 1,
    fault: 'job',
    message: ({ corpus, path }) => `The corpus '${corpus}' is not installed: ${path} has no mails`,
    remedy: 'Install the dependencies with: npm ci',
  }),
  DATA_NO_FILES: entry<{ patterns: string; reasons: readonly string[] }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ patterns, reasons }) => [`No file matches ${patterns}`, ...reasons].join('; '),
    remedy:
      'Check the paths; patterns in a job file are relative to the job file. Hidden files are found where the pattern has the dot.',
  }),
  DATA_PATH_REFUSED: entry<{ path: string; roots: readonly string[] }>({
    status: 403,
    exit: 2,
    message: ({ path, roots }) =>
      roots.length === 0
        ? `${path} is not read: this coordinator was given no directory to read data from`
        : `${path} is not read: it is not under ${roots.join(' or ')}`,
    remedy:
      'Put it under such a directory, or start the coordinator with --data-root and the directory, the URL or the bucket.',
  }),
  DATA_LOCATION_INVALID: entry<{ location: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ location, reason }) => `${location} cannot be read: ${reason}`,
    remedy:
      'Write https://host/file.jsonl#sha256=HASH, whose hash is told by: curl -L URL | sha256sum; or s3://bucket/key, or s3://bucket/prefix/. Users and passwords go into ~/.netrc of the coordinator, keys of S3 where the AWS command line has them.',
  }),
  DATA_DOWNLOAD_FAILED: entry<{ location: string; reason: string }>({
    status: 502,
    exit: 1,
    fault: 'job',
    message: ({ location, reason }) => `${location} was not fetched: ${reason}`,
    remedy:
      'Try it on the machine of the coordinator with curl -LO, and submit the job again: it goes on behind what was fetched. A server that asks who it is gets what ~/.netrc of the coordinator has for it.',
  }),
  DATA_BUCKET_FAILED: entry<{ bucket: string; key: string; reason: string }>({
    status: 502,
    exit: 1,
    fault: 'job',
    message: ({ bucket, key, reason }) =>
      `'${key}' of the bucket '${bucket}' was not fetched: ${reason}`,
    remedy:
      'Try it on the machine of the coordinator with aws s3 ls; its environment or ~/.aws says credentials, AWS_REGION, and for other storage AWS_ENDPOINT_URL_S3. Then submit the job again: it goes on behind what was fetched.',
  }),
  DATA_HASH_DIFFERS: entry<{ location: string; expected: string; found: string; bytes: number }>({
    status: 409,
    exit: 1,
    fault: 'job',
    message: ({ location, expected, found, bytes }) =>
      `${location} is not what the job asks for: its ${bytes} bytes have the SHA-256 ${found}, not ${expected}`,
    remedy:
      'Look whether it was changed, or is the page of a login or of an error; if it is what you want, give the job its SHA-256.',
  }),
  DATA_FILE_UNREADABLE: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 1,
    fault: 'job',
    message: ({ path, reason }) => `${path} cannot be read: ${reason}`,
    remedy: 'Check that the file is whole and that its permissions allow reading.',
  }),
  DATA_DOCUMENT_TOO_LARGE: entry<{ path: string; line: number }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line }) =>
      `${path} line ${line} begins a document of more than 100 MB, which is the most that one may have`,
    remedy:
      'Split it: with data.format: lines each line of a file is a document of its own; a file of many documents may have any size.',
  }),
  DATA_FILE_EMPTY: entry<{ path: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path }) => `${path} is empty`,
    remedy: 'Remove the file, or exclude it from the pattern under data.files.',
  }),
  DATA_FILE_CHANGED: entry<{ path: string }>({
    status: 409,
    exit: 1,
    fault: 'job',
    message: ({ path }) => `${path} was changed while it was being read`,
    remedy: 'Submit the job again when nothing writes to its data any more.',
  }),
  DATA_SOURCE_CHANGED: entry<{ id: string }>({
    status: 409,
    exit: 1,
    fault: 'job',
    message: ({ id }) =>
      `What was prepared for job ${id} was damaged, and its files or its base are not what they were`,
    remedy: 'Submit the job again, or bring the files back as they were.',
  }),
  DATA_NOT_TEXT: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) => `${path} is not text: ${reason}`,
    remedy:
      'Give UTF-8, or UTF-16 with its byte-order mark: convert it, for example with: iconv -f WINDOWS-1252 -t UTF-8; or exclude the file.',
  }),
  DATA_FORMAT_UNKNOWN: entry<{ path: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path }) => `The extension of ${path} names no known format`,
    remedy:
      'Say how to read it with data.format: text, lines, jsonl, json, csv, tsv, conll, mbox, html, parquet or arrow; or leave it out with a pattern that begins with !.',
  }),
  DATA_FILE_INVALID: entry<{ path: string; format: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, format, reason }) => `${path} cannot be read as ${format}: ${reason}`,
    remedy:
      'Check that the file is whole, and write it again with the program that it comes from; Parquet may be packed by Snappy, gzip, Brotli or zstd.',
  }),
  DATA_ROWS_TOO_LARGE: entry<{ path: string; rows: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, rows }) =>
      `${path} has ${rows} in one group of more than 256 MiB, which is the most that is read at once`,
    remedy:
      'Write it with fewer rows a group, for example with pyarrow: parquet.write_table(table, path, row_group_size=10000).',
  }),
  DATA_LINE_INVALID: entry<{ path: string; line: number; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line, reason }) => `${path} line ${line}: ${reason}`,
    remedy:
      'Correct that line; jsonl has one JSON object a line, json an array of objects, csv and tsv a header and as many fields, conll as many columns in each line.',
  }),
  DATA_COLUMN_MISSING: entry<{
    path: string;
    line: number;
    column: string;
    columns: string;
    documents: number;
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line, column, columns, documents }) =>
      `${path} line ${line} has no column '${column}'; it has ${columns}${others(documents)}`,
    remedy: 'Name the columns of the files under data.columns.',
  }),
  DATA_CONVERSATION_INVALID: entry<{
    path: string;
    line: number;
    reason: string;
    documents: number;
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line, reason, documents }) =>
      `${path} line ${line}: the chat template does not take this conversation: ${reason}${others(documents)}`,
    remedy:
      'Give messages as the template takes them: often an optional system message, then user and assistant in turn; or correct chat_template.jinja and import the base again.',
  }),
  DATA_ANSWERS_MISSING: entry<{
    path: string;
    line: number;
    roles: string;
    documents: number;
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line, roles, documents }) =>
      `None of ${documents} conversations has an answer to learn from; the first one, in ${path} line ${line}, has ${roles}`,
    remedy:
      "Call the role of whoever is learned from 'assistant', or mark what is generated in chat_template.jinja with {% generation %} and {% endgeneration %}.",
  }),
  DATA_COLUMN_INVALID: entry<{
    path: string;
    line: number;
    column: string;
    reason: string;
    documents: number;
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, line, column, reason, documents }) =>
      `${path} line ${line}: the column '${column}' ${reason}${others(documents)}`,
    remedy: 'Correct these documents, or name another column under data.columns.',
  }),
  DATA_TAGS_INVALID: entry<{ tag: string; documents: number; first: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ tag, documents, first, reason }) =>
      `The tag '${tag}' of ${first} ${reason}${others(documents)}`,
    remedy:
      'Write entities as B-TYPE for their first word and I-TYPE for the others, and O for every other word; or give tags without prefixes.',
  }),
  DATA_SPLIT_EMPTY: entry<{ split: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ split, reason }) => `The ${split} split has no document: ${reason}`,
    remedy:
      'Give more data, another fraction under data.validation or data.test, or files there: near duplicates in files are a warning.',
  }),
  DATA_SOURCE_SMALL: entry<{ name: string; epochs: number }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ name, epochs }) =>
      epochs >= 1e9
        ? `The source '${name}' has nothing to train on, and a weight`
        : `The source '${name}' would be read ${epochs} times in one epoch, so little it has for its weight`,
    remedy:
      'Give it more documents or a smaller weight under data.sources, or take the weights out.',
  }),
  DATA_LABELS_MISSING: entry<{ documents: number; first: string | null }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ documents, first }) =>
      `${documents} ${documents === 1 ? 'document has' : 'documents have'} no label${first === null ? '' : `, the first of them ${first}`}`,
    remedy:
      'Fill in or remove these documents, or name the column of the label with data.columns.class; an empty label is none.',
  }),
  DATA_LABELS_USELESS: entry<{ labels: number; documents: number; example: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ labels, documents, example }) =>
      labels === 1
        ? `All ${documents} train documents have the label '${example}': there is nothing to tell apart`
        : `The ${documents} train documents have ${labels} labels, each its own, such as '${example}': none can be learned`,
    remedy:
      'Name the column of the classes with data.columns.class, or give documents of every class.',
  }),
  DATA_LABEL_UNKNOWN: entry<{
    what: 'label' | 'tag';
    label: string;
    split: string;
    id: string;
  }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ what, label, split, id }) =>
      `The ${split} document ${id} has the ${what} '${label}', which no train document has`,
    remedy: 'Correct the label, or add documents with it to the train split.',
  }),
  DATA_TOKENS_UNKNOWN: entry<{ percent: number; example: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ percent, example }) =>
      `${percent} % of the tokens are unknown to the tokenizer, such as '${example}': a model would learn nothing from them`,
    remedy:
      'Use tokenizer.algorithm: bpe, which knows every text, a larger vocabulary, or a base model of this language. WordPiece takes a word of more than 100 characters as unknown.',
  }),
  DATA_MANIFEST_INVALID: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    fault: 'artifact',
    message: ({ path, reason }) => `Data manifest ${path} is invalid: ${reason}`,
    remedy: 'Prepare the data again, with the version of Ringmaster that reads it.',
  }),
  DATA_SHARD_INVALID: entry<{ path: string; reason: string }>({
    status: 500,
    exit: 1,
    fault: 'artifact',
    message: ({ path, reason }) => `Shard ${path} cannot be used: ${reason}`,
    remedy: 'Remove the file and fetch or prepare the data again; check the disk if it recurs.',
  }),
  DATA_NOT_FOUND: entry<{ id: string }>({
    status: 404,
    exit: 4,
    message: ({ id }) => `No prepared data have the hash '${id}'`,
    remedy: 'List what is prepared with: ringmaster data list',
  }),
  DATA_IN_USE: entry<{ id: string; job: string | null }>({
    status: 409,
    exit: 1,
    message: ({ id, job }) =>
      job === null
        ? `The data ${id} are being prepared for somebody at this moment`
        : `The data ${id} are those of job ${job}, which has not ended`,
    remedy: 'Wait for the job or cancel it, then remove the data.',
  }),
  BLOB_MISSING: entry<{ sha256: string }>({
    status: 404,
    exit: 4,
    fault: 'artifact',
    message: ({ sha256 }) => `No blob ${sha256} is stored here`,
    remedy: 'Fetch it from the coordinator, or prepare the data again.',
  }),
  BLOB_CORRUPT: entry<{ path: string; found: string }>({
    status: 500,
    exit: 1,
    fault: 'artifact',
    message: ({ path, found }) => `Blob ${path} is damaged: its content has the SHA-256 ${found}`,
    remedy:
      'Remove the file: it is fetched or prepared again; a model is to be imported or trained again. Check the disk if it recurs.',
  }),
  TOKENIZER_INVALID: entry<{ path: string; reason: string }>({
    status: 400,
    exit: 2,
    fault: 'job',
    message: ({ path, reason }) => `Tokenizer ${path} cannot be used: ${reason}`,
    remedy:
      'Give a whole tokenizer.json as Hugging Face tokenizers 0.13 or later writes it, or the whole model of SentencePiece of a T5, LLaMA or Mistral.',
  }),
} as const;
