import { protobufFields, type ProtobufField } from './protobuf.js';

/** What a piece is, by its number in `sentencepiece_model.proto`. */
const pieceKinds = ['normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'] as const;
export type PieceKind = (typeof pieceKinds)[number];

export interface Piece {
  readonly text: string;
  readonly score: number;
  readonly kind: PieceKind;
}

/** Longest piece, in characters; trainers make none of more than a few dozens. */
const LONGEST = 256;

/** What is used of a model of SentencePiece (`ModelProto` in `sentencepiece_model.proto`). */
export interface SentencePieceModel {
  readonly algorithm: 'unigram' | 'bpe';
  /** By id. */
  readonly pieces: readonly Piece[];
  readonly isByteFallback: boolean;
  /** How texts are normalized before they are encoded. */
  readonly normalizer: {
    readonly charsmap: Buffer;
    /** Whether a space is put before a text. */
    readonly addsPrefix: boolean;
    /** Whether spaces around a text, and of several all but one, are taken away. */
    readonly removesSpaces: boolean;
  };
}

/**
 * Reads a `spiece.model` or `tokenizer.model`.
 * @throws Error where it is none, or of a kind that is not supported
 */
export function readSentencePiece(bytes: Buffer): SentencePieceModel {
  const pieces: Piece[] = [];
  let trainer = { type: 1, isByteFallback: false, isSuffix: false };
  let normalizer: SentencePieceModel['normalizer'] = readNormalizer(Buffer.alloc(0));
  for (const { number, kind, value } of protobufFields(bytes)) {
    if (kind !== 'bytes') continue;
    if (number === 1) pieces.push(readPiece(value));
    else if (number === 2) trainer = readTrainer(value);
    else if (number === 3) normalizer = readNormalizer(value);
  }
  const { type, isByteFallback, isSuffix } = trainer;
  if (pieces.length === 0) throw new Error('it has no pieces');
  if (type !== 1 && type !== 2) throw new Error('it is neither of Unigram nor of BPE');
  if (isSuffix) throw new Error('it has spaces at the ends of words');
  if (pieces.some(({ kind }) => kind === 'user-defined'))
    throw new Error('it has pieces that its user defined');
  return { algorithm: type === 1 ? 'unigram' : 'bpe', pieces, isByteFallback, normalizer };
}

function readPiece(message: Buffer): Piece {
  let text = '';
  let score = 0;
  let kind: PieceKind = 'normal';
  for (const field of protobufFields(message)) {
    if (field.number === 1 && field.kind === 'bytes') text = field.value.toString('utf8');
    if (field.number === 2 && field.kind === 'bytes' && field.value.length === 4)
      score = field.value.readFloatLE(0);
    if (field.number === 3) {
      const known = pieceKinds[Number(field.value) - 1];
      if (known === undefined) throw new Error('it has a piece of a kind that is not known');
      kind = known;
    }
  }
  if (text.length > LONGEST) throw new Error(`it has a piece of more than ${LONGEST} characters`);
  if (!Number.isFinite(score)) throw new Error('it has a piece without a score');
  return { text, score, kind };
}

function readTrainer(message: Buffer): {
  type: number;
  isByteFallback: boolean;
  isSuffix: boolean;
} {
  const read = { type: 1, isByteFallback: false, isSuffix: false };
  for (const field of protobufFields(message)) {
    if (field.number === 3) read.type = Number(field.value);
    if (field.number === 24) read.isSuffix = isTrue(field);
    if (field.number === 35) read.isByteFallback = isTrue(field);
  }
  return read;
}

function readNormalizer(message: Buffer): SentencePieceModel['normalizer'] {
  const read = { charsmap: Buffer.alloc(0), addsPrefix: true, removesSpaces: true };
  for (const field of protobufFields(message)) {
    if (field.number === 2 && field.kind === 'bytes') read.charsmap = Buffer.from(field.value);
    if (field.number === 3) read.addsPrefix = isTrue(field);
    if (field.number === 4) read.removesSpaces = isTrue(field);
  }
  return read;
}

const isTrue = ({ kind, value }: ProtobufField): boolean => kind === 'integer' && value !== 0;
