// One head of attention and its gradient: from projections to what the head has read.
//
// One head of one sequence at a time, so that all of it stays in the processor's cache, and sixteen queries at a time,
// which compute scores of the keys only that one of them may see: half of them where attention is causal. Neither
// probabilities nor their dropout are kept: the gradient computes those of sixteen queries again, by the same operations,
// so that memory grows with the length and not with its square (Dao et al., "FlashAttention", 2022).
#pragma once

#include "call.h"
#include "dropout.h"
#include "product.h"
#include "softmax.h"

namespace RINGMASTER_LEVEL {

/** Queries that are computed together. */
constexpr int64_t QUERIES = LANES;

inline int64_t roundedUp(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

/** Rows that are a multiple of this apart have their columns in so few sets of the first cache that 64 of them do not fit. */
constexpr int64_t CROWDED = 256;

/** How many keys a row has room for: rounded up, and not so that its columns are crowded. */
inline int64_t keysInRow(int64_t count) {
  const int64_t keys = roundedUp(count);
  return keys % CROWDED == 0 ? keys + LANES : keys;
}

/** Vectors of heads, those of a token in a row: what a projection gives. */
struct Vectors {
  /** The first vector of the first token. */
  const float* at;
  /** From one token to the next. */
  int64_t stride;
  /** Added to each row; null for nothing. */
  const float* shift;
};

/** The gradient of `Vectors`. */
struct VectorsGradient {
  float* at;
  int64_t stride;
  /** Its sums over the tokens of each sequence, rows of `stride`; null where nobody wants them. */
  float* sums;
};

/** What attention is computed of: softmax(scale · q kᵀ + bias) ∘ mask · v. */
struct Attention {
  int64_t sequences;
  /** Query heads (A), and heads of keys and values (G), of which each serves A / G of the former. */
  int64_t heads, keyHeads;
  /** Tokens of a sequence of queries (Q), and of keys and values (K). */
  int64_t queryLength, keyLength;
  /** Width of a head. */
  int64_t D;
  bool causal;
  float scale;
  Vectors queries, keys, values;
  /** Real length of each sequence of keys; null where all are full. */
  const int32_t* lengths;
  /** [A,Q,K]; null for nothing. */
  const float* bias;
  /** Over [B,A,Q,K]. */
  Mask mask;

  int64_t scores() const { return sequences * heads * queryLength * keyLength; }
};

/** Rows of a head lie too far apart for processors to see what will be read next. */
constexpr int64_t AHEAD = 16;

inline void prefetch(const float* from, int64_t count) {
  for (int64_t k = 0; k < count; k += LANES) __builtin_prefetch(from + k);
}

/** One query head of one sequence, whose matrices are padded to multiples of LANES. */
struct Head {
  const Attention& of;
  int64_t sequence, head;
  /** Queries, keys and columns, rounded up: the rows of matrices, and the strides of those of scores and of columns. */
  int64_t Q, K, D;

  Head(const Attention& attention, int64_t item)
      : of(attention), sequence(item / attention.heads), head(item % attention.heads),
        Q(roundedUp(attention.queryLength)), K(keysInRow(attention.keyLength)), D(roundedUp(attention.D)) {}

  int64_t keyHead() const { return head / (of.heads / of.keyHeads); }

  /** First score of a query in [B,A,Q,K]. */
  int64_t scores(int64_t query) const {
    return ((sequence * of.heads + head) * of.queryLength + query) * of.keyLength;
  }

  /** The bias of the scores of a query. */
  const float* bias(int64_t query) const {
    return of.bias == nullptr ? nullptr : of.bias + (head * of.queryLength + query) * of.keyLength;
  }

  /** How many keys a query may see; they are the first ones. The last query stands at the last key. */
  int64_t visible(int64_t query) const {
    const int64_t real = of.lengths == nullptr ? of.keyLength : of.lengths[sequence];
    const int64_t before = query + 1 + of.keyLength - of.queryLength;
    return of.causal && before < real ? before : real;
  }

  /** The vectors of a head, with what is added and multiplied, → to [padded, D]; what is padding is 0. */
  void read(const Vectors& from, int64_t which, int64_t length, int64_t padded, float factor, float* to) const {
    const float* shift = from.shift == nullptr ? nullptr : from.shift + which * of.D;
    for (int64_t token = 0; token < length; token++) {
      const float* line = from.at + (sequence * length + token) * from.stride + which * of.D;
      prefetch(line + AHEAD * from.stride, of.D);
      for (int64_t d = 0; d < of.D; d += LANES) {
        const int64_t n = lanesAt(d, of.D);
        const Floats value = load(line + d, n);
        store(to + token * D + d, (shift == nullptr ? value : value + load(shift + d, n)) * factor);
      }
    }
    memset(to + length * D, 0, (padded - length) * D * sizeof(float));
  }

  void readQueries(float* to) const { read(of.queries, head, of.queryLength, Q, of.scale, to); }
  void readKeys(float* to) const { read(of.keys, keyHead(), of.keyLength, K, 1.0f, to); }
  void readValues(float* to) const { read(of.values, keyHead(), of.keyLength, K, 1.0f, to); }

  /** The gradient through `read`, and its sum over tokens. */
  void write(const float* from, int64_t which, int64_t length, float factor, const VectorsGradient& to) const {
    for (int64_t d = 0; d < of.D; d += LANES) {
      const int64_t n = lanesAt(d, of.D);
      const int64_t column = which * of.D + d;
      Floats sums = {};
      for (int64_t token = 0; token < length; token++) {
        const Floats value = load(from + token * D + d) * factor;
        store(to.at + (sequence * length + token) * to.stride + column, value, n);
        sums += value;
      }
      if (to.sums != nullptr) store(to.sums + sequence * to.stride + column, sums, n);
    }
  }
};

/** Queries that are computed together, and the keys that any of them may see. */
struct Group {
  int64_t first, count;
  int64_t seen, padded;

  Group(const Head& head, int64_t query) : first(query) {
    const int64_t left = head.of.queryLength - query;
    count = left < QUERIES ? left : QUERIES;
    seen = head.visible(query + count - 1);
    padded = roundedUp(seen);
  }
};

/** from [rows,columns] → to [columns,rows]; multiples of LANES. */
inline void transposeInto(const float* from, int64_t rows, int64_t columns, float* to) {
  for (int64_t row = 0; row < rows; row += LANES)
    for (int64_t column = 0; column < columns; column += LANES) {
      Floats block[LANES];
      for (int line = 0; line < LANES; line++) block[line] = load(from + (row + line) * columns + column);
      transpose(block);
      for (int line = 0; line < LANES; line++) store(to + (column + line) * rows + row, block[line]);
    }
}

/**
 * Scores of one query over `count` keys, with their bias (null for none), become probabilities; those after them, up to a
 * multiple of LANES, are 0.
 */
inline void softmaxInPlace(float* scores, const float* bias, int64_t count, int64_t padded) {
  const Powers powers = powersOf(count, [=](int64_t k, int64_t n) {
    const Floats score = load(scores + k, n);
    return bias == nullptr ? score : score + load(bias + k, n);
  });
  for (int64_t k = 0; k < count; k += LANES) store(scores + k, load(powers.values + k) * powers.factor);
  for (int64_t k = count; k < padded; k++) scores[k] = 0;
}

inline void multiplyInto(float* to, const float* values, const float* mask, int64_t count) {
  for (int64_t k = 0; k < count; k += LANES) {
    const int64_t n = lanesAt(k, count);
    store(to + k, load(values + k, n) * load(mask + k, n));
  }
}

/** Memory of this thread, handed out piece by piece; it is kept for the next time. */
class Scratch {
 public:
  explicit Scratch(int64_t floats) {
    static thread_local float* memory = nullptr;
    static thread_local int64_t room = 0;
    if (room < floats) {
      free(memory);
      room = floats;
      memory = static_cast<float*>(aligned_alloc(sizeof(Floats), floats * sizeof(float)));
    }
    next_ = memory;
  }

  /** A multiple of LANES. */
  float* take(int64_t floats) {
    float* taken = next_;
    next_ += floats;
    return taken;
  }

 private:
  float* next_;
};

/** Room for the dropout mask of a query. */
inline int64_t maskRoom(int64_t K) { return K + 2 * LANES; }

/** What attention of a head reads, dense: queries [Q,D], keys and values [K,D], and the keys by depth, [D,K]. */
struct Dense {
  float* queries;
  float* keys;
  float* values;
  float* keysByDepth;

  /** Takes room for all of them, and reads keys and values; queries are those of the head that is at work. */
  Dense(const Head& head, Scratch& scratch) {
    queries = scratch.take(head.Q * head.D);
    keys = scratch.take(head.K * head.D);
    values = scratch.take(head.K * head.D);
    keysByDepth = scratch.take(head.K * head.D);
    head.readKeys(keys);
    head.readValues(values);
    transposeInto(keys, head.K, head.D, keysByDepth);
  }

  static int64_t room(const Head& head) { return (head.Q + 3 * head.K) * head.D; }
};

/** A head's columns of `context` [B·Q,AD]. */
inline void attendHead(const Head& head, float* context) {
  const int64_t K = head.K;
  const int64_t D = head.D;
  const bool drops = head.of.mask.key != nullptr;
  Scratch scratch(Dense::room(head) + QUERIES * (2 * K + D) + maskRoom(K));
  const Dense in(head, scratch);
  head.readQueries(in.queries);
  float* scores = scratch.take(QUERIES * K);
  float* dropped = scratch.take(QUERIES * K);
  float* read = scratch.take(QUERIES * D);
  float* kept = scratch.take(maskRoom(K));
  const int64_t width = head.of.heads * head.of.D;
  for (int64_t query = 0; query < head.of.queryLength; query += QUERIES) {
    const Group group(head, query);
    product<Left::plain, Into::zero>({in.queries + query * D, D}, {in.keysByDepth, K}, scores, K, QUERIES, group.padded, D);
    for (int64_t row = 0; row < group.count; row++) {
      float* line = scores + row * K;
      softmaxInPlace(line, head.bias(query + row), head.visible(query + row), group.padded);
      if (!drops) continue;
      const float* mask = head.of.mask.draw(head.scores(query + row), group.seen, kept);
      multiplyInto(dropped + row * K, line, mask, group.seen);
    }
    const float* weights = drops ? dropped : scores;
    product<Left::plain, Into::zero>({weights, K}, {in.values, D}, read, D, QUERIES, D, group.seen);
    for (int64_t row = 0; row < group.count; row++) {
      const int64_t token = head.sequence * head.of.queryLength + query + row;
      float* to = context + token * width + head.head * head.of.D;
      for (int64_t d = 0; d < head.of.D; d += LANES)
        store(to + d, load(read + row * D + d), lanesAt(d, head.of.D));
    }
  }
}

/**
 * Of one query: slopes of its dropped probabilities become those of its scores, P ∘ (d − Σ P ∘ d) with d = slopes ∘ mask;
 * `dropped` become its probabilities after dropout, where there is a mask (null for none).
 */
inline void scoresGradient(const float* probabilities, const float* mask, int64_t seen, float* slopes, float* dropped) {
  if (mask != nullptr) multiplyInto(slopes, slopes, mask, seen);
  Floats products = {};
  for (int64_t k = 0; k < seen; k += LANES) products += load(probabilities + k) * load(slopes + k);
  const float sum = total(products);
  for (int64_t k = 0; k < seen; k += LANES) store(slopes + k, load(probabilities + k) * (load(slopes + k) - sum));
  if (mask != nullptr) multiplyInto(dropped, probabilities, mask, seen);
}

/** What the gradient of attention is computed of, and into. */
struct AttentionGradient {
  /** [B·Q,AD]. */
  const float* context;
  VectorsGradient queries, keys, values;
  /** Those of the scores with their bias, [B,A,Q,K]; null where nobody wants them. */
  float* scores;
};

/** The gradients of the slopes of one query; keys that it does not see have none. */
inline void writeScores(const float* slopes, int64_t seen, int64_t length, float* to) {
  for (int64_t k = 0; k < seen; k += LANES) store(to + k, load(slopes + k), lanesAt(k, seen));
  memset(to + seen, 0, (length - seen) * sizeof(float));
}

/** The gradient of all heads of one sequence that share keys and values; `item` counts those of all sequences. */
inline void attendHeadsGradient(const Attention& of, int64_t item, const AttentionGradient& gradient) {
  const int64_t shared = of.heads / of.keyHeads;
  const Head first(of, item * shared);
  const int64_t Q = first.Q;
  const int64_t K = first.K;
  const int64_t D = first.D;
  const bool drops = of.mask.key != nullptr;
  Scratch scratch(Dense::room(first) + 2 * Q * D + 3 * K * D + 3 * QUERIES * K + maskRoom(K));
  const Dense in(first, scratch);
  float* valuesByDepth = scratch.take(K * D);
  float* slopes = scratch.take(Q * D);
  float* dQueries = scratch.take(Q * D);
  float* dKeys = scratch.take(K * D);
  float* dValues = scratch.take(K * D);
  float* dScores = scratch.take(QUERIES * K);
  float* weights = scratch.take(QUERIES * K);
  float* dropped = scratch.take(QUERIES * K);
  float* kept = scratch.take(maskRoom(K));
  transposeInto(in.values, K, D, valuesByDepth);
  memset(dKeys, 0, K * D * sizeof(float));
  memset(dValues, 0, K * D * sizeof(float));
  for (int64_t member = 0; member < shared; member++) {
    const Head head(of, item * shared + member);
    head.readQueries(in.queries);
    head.read({gradient.context, of.heads * of.D, nullptr}, head.head, of.queryLength, Q, 1.0f, slopes);
    for (int64_t query = 0; query < of.queryLength; query += QUERIES) {
      const Group group(head, query);
      const Matrix asked = {in.queries + query * D, D};
      const Matrix slope = {slopes + query * D, D};
      product<Left::plain, Into::zero>(asked, {in.keysByDepth, K}, weights, K, QUERIES, group.padded, D);
      product<Left::plain, Into::zero>(slope, {valuesByDepth, K}, dScores, K, QUERIES, group.padded, D);
      for (int64_t row = 0; row < group.count; row++) {
        const int64_t at = head.scores(query + row);
        const int64_t line = row * K;
        softmaxInPlace(weights + line, head.bias(query + row), head.visible(query + row), group.padded);
        const float* mask = drops ? of.mask.draw(at, group.seen, kept) : nullptr;
        scoresGradient(weights + line, mask, group.seen, dScores + line, dropped + line);
        if (gradient.scores != nullptr)
          writeScores(dScores + line, group.seen, of.keyLength, gradient.scores + at);
      }
      // Queries that are padding have slopes of 0, and so whatever is multiplied with them has no effect, if it is finite.
      const int64_t padding = (QUERIES - group.count) * K * sizeof(float);
      float* given = drops ? dropped : weights;
      memset(given + group.count * K, 0, padding);
      memset(dScores + group.count * K, 0, padding);
      product<Left::plain, Into::zero>({dScores, K}, {in.keys, D}, dQueries + query * D, D, QUERIES, D, group.seen);
      product<Left::transposed, Into::sum>({given, K}, slope, dValues, D, group.padded, D, QUERIES);
      product<Left::transposed, Into::sum>({dScores, K}, asked, dKeys, D, group.padded, D, QUERIES);
    }
    head.write(dQueries, head.head, of.queryLength, of.scale, gradient.queries);
  }
  first.write(dKeys, first.keyHead(), of.keyLength, 1.0f, gradient.keys);
  first.write(dValues, first.keyHead(), of.keyLength, 1.0f, gradient.values);
}

}  // namespace RINGMASTER_LEVEL
