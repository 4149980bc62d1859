// Attention of sequences on themselves in one operation: from packed projections to what the heads have read.
//
// One head of one sequence at a time, so that all of it stays in the processor's cache, and sixteen queries at a time,
// which compute scores of the keys only that one of them may see: half of them where attention is causal.
#pragma once

#include "product.h"
#include "softmax.h"

namespace RINGMASTER_LEVEL {

/** Queries that are computed together. */
constexpr int64_t QUERIES = LANES;

inline int64_t roundedUp(int64_t count) { return (count + LANES - 1) / LANES * LANES; }

/** What attention is computed of. Rows of `packed` hold the queries of all heads, then the keys, then the values. */
struct Attention {
  int64_t sequences, length, heads, D;
  bool causal;
  const float* packed;
  const float* bias;
  /** Real length of each sequence; null where all are full. */
  const int32_t* lengths;
  /** [B,A,T,T]; null for no dropout. */
  const float* mask;

  int64_t width() const { return heads * D; }
  float scale() const { return 1.0f / sqrtf((float)D); }
};

/** Rows of a head lie too far apart for processors to see what will be read next. */
constexpr int64_t AHEAD = 16;

inline void prefetch(const float* from, int64_t count) {
  for (int64_t k = 0; k < count; k += LANES) __builtin_prefetch(from + k);
}

/** One head of one sequence, whose matrices are padded to multiples of LANES: L rows, D columns. */
struct Head {
  const Attention& of;
  int64_t sequence, head;
  int64_t L, D;

  Head(const Attention& attention, int64_t item)
      : of(attention), sequence(item / attention.heads), head(item % attention.heads),
        L(roundedUp(attention.length)), D(roundedUp(attention.D)) {}

  /** First column of its queries, keys or values in a row of `packed`. */
  int64_t column(int part) const { return (part * of.heads + head) * of.D; }

  /** Row of a token in [B·T, …]. */
  int64_t row(int64_t token) const { return sequence * of.length + token; }

  /** First score of a query in [B,A,T,T]. */
  int64_t scores(int64_t query) const {
    return ((sequence * of.heads + head) * of.length + query) * of.length;
  }

  /** How many keys a query may see; they are the first ones. */
  int64_t visible(int64_t query) const {
    const int64_t real = of.lengths == nullptr ? of.length : of.lengths[sequence];
    return of.causal && query + 1 < real ? query + 1 : real;
  }

  /** from[.., column to column + D] → to [L,D], with what is added and multiplied; the padding is 0. */
  void read(const float* from, int64_t stride, const float* shift, float factor, float* to) const {
    for (int64_t token = 0; token < of.length; token++) {
      const float* line = from + row(token) * stride;
      prefetch(line + AHEAD * stride, of.D);
      for (int64_t d = 0; d < of.D; d += LANES) {
        const int64_t n = lanesAt(d, of.D);
        const Floats value = load(line + d, n);
        store(to + token * D + d, (shift == nullptr ? value : value + load(shift + d, n)) * factor);
      }
    }
    memset(to + of.length * D, 0, (L - of.length) * D * sizeof(float));
  }

  /** Queries / √D, keys or values. */
  void readPart(int part, float* to) const {
    read(of.packed + column(part), 3 * of.width(), of.bias + column(part), part == 0 ? of.scale() : 1.0f, to);
  }

  /** The gradient through `readPart`, and its sum over tokens. */
  void writePart(int part, const float* from, float* dPacked, float* dBias) const {
    const float factor = part == 0 ? of.scale() : 1.0f;
    for (int64_t d = 0; d < of.D; d += LANES) {
      const int64_t n = lanesAt(d, of.D);
      Floats sums = {};
      for (int64_t token = 0; token < of.length; token++) {
        const Floats value = load(from + token * D + d) * factor;
        store(dPacked + row(token) * 3 * of.width() + column(part) + d, value, n);
        sums += value;
      }
      store(dBias + column(part) + d, sums, n);
    }
  }
};

/** Queries that are computed together, and the keys that any of them may see. */
struct Group {
  int64_t first, count;
  int64_t seen, padded;

  Group(const Head& head, int64_t query) : first(query) {
    const int64_t left = head.of.length - query;
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

/** Scores of one query over `count` keys become probabilities; those after them, up to a multiple of LANES, are 0. */
inline void softmaxInPlace(float* scores, int64_t count, int64_t padded) {
  const Powers powers = powersOf(count, [=](int64_t k, int64_t n) { return load(scores + k, n); });
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

/** A head's columns of `context`, and the probabilities that its gradient needs, as far as queries may see. */
inline void attendHead(const Head& head, float* context, float* probabilities) {
  const int64_t L = head.L;
  const int64_t D = head.D;
  const float* mask = head.of.mask;
  Scratch scratch(4 * L * D + QUERIES * (2 * L + D));
  float* queries = scratch.take(L * D);
  float* keys = scratch.take(L * D);
  float* values = scratch.take(L * D);
  float* byDepth = scratch.take(L * D);
  float* scores = scratch.take(QUERIES * L);
  float* dropped = scratch.take(QUERIES * L);
  float* read = scratch.take(QUERIES * D);
  head.readPart(0, queries);
  head.readPart(1, keys);
  head.readPart(2, values);
  transposeInto(keys, L, D, byDepth);
  for (int64_t query = 0; query < head.of.length; query += QUERIES) {
    const Group group(head, query);
    product<Left::plain, Into::zero>({queries + query * D, D}, {byDepth, L}, scores, L, QUERIES, group.padded, D);
    for (int64_t row = 0; row < group.count; row++) {
      float* line = scores + row * L;
      const int64_t at = head.scores(query + row);
      softmaxInPlace(line, head.visible(query + row), group.padded);
      for (int64_t k = 0; k < group.seen; k += LANES)
        store(probabilities + at + k, load(line + k), lanesAt(k, group.seen));
      if (mask != nullptr) multiplyInto(dropped + row * L, line, mask + at, group.seen);
    }
    const float* weights = mask == nullptr ? scores : dropped;
    product<Left::plain, Into::zero>({weights, L}, {values, D}, read, D, QUERIES, D, group.seen);
    for (int64_t row = 0; row < group.count; row++) {
      float* to = context + head.row(query + row) * head.of.width() + head.column(0);
      for (int64_t d = 0; d < head.of.D; d += LANES)
        store(to + d, load(read + row * D + d), lanesAt(d, head.of.D));
    }
  }
}

/**
 * Of one query: slopes of its dropped probabilities become those of its scores, P ∘ (d − Σ P ∘ d) with d = slopes ∘ mask;
 * `weights` become its probabilities and `dropped` those after dropout, where there is a mask (null for none).
 */
inline void scoresGradient(const float* probabilities, const float* mask, int64_t seen, float* slopes, float* weights,
                           float* dropped) {
  if (mask != nullptr) multiplyInto(slopes, slopes, mask, seen);
  Floats products = {};
  for (int64_t k = 0; k < seen; k += LANES) {
    const Floats probability = load(probabilities + k, lanesAt(k, seen));
    store(weights + k, probability);
    products += probability * load(slopes + k);
  }
  const float sum = total(products);
  for (int64_t k = 0; k < seen; k += LANES) store(slopes + k, load(weights + k) * (load(slopes + k) - sum));
  if (mask != nullptr) multiplyInto(dropped, weights, mask, seen);
}

/** A head's columns of dpacked from those of dcontext, and their sums over tokens. */
inline void attendHeadGradient(const Head& head, const float* dContext, const float* probabilities, float* dPacked,
                               float* dBias) {
  const int64_t L = head.L;
  const int64_t D = head.D;
  const float* mask = head.of.mask;
  Scratch scratch(8 * L * D + 3 * QUERIES * L);
  float* queries = scratch.take(L * D);
  float* keys = scratch.take(L * D);
  float* values = scratch.take(L * D);
  float* byDepth = scratch.take(L * D);
  float* slopes = scratch.take(L * D);
  float* dQueries = scratch.take(L * D);
  float* dKeys = scratch.take(L * D);
  float* dValues = scratch.take(L * D);
  float* dScores = scratch.take(QUERIES * L);
  float* weights = scratch.take(QUERIES * L);
  float* dropped = scratch.take(QUERIES * L);
  head.readPart(0, queries);
  head.readPart(1, keys);
  head.readPart(2, values);
  transposeInto(values, L, D, byDepth);
  head.read(dContext + head.column(0), head.of.width(), nullptr, 1.0f, slopes);
  memset(dKeys, 0, L * D * sizeof(float));
  memset(dValues, 0, L * D * sizeof(float));
  for (int64_t query = 0; query < head.of.length; query += QUERIES) {
    const Group group(head, query);
    for (int64_t row = 0; row < group.count; row++)
      prefetch(probabilities + head.scores(query + row), group.seen);
    const Matrix slope = {slopes + query * D, D};
    product<Left::plain, Into::zero>(slope, {byDepth, L}, dScores, L, QUERIES, group.padded, D);
    for (int64_t row = 0; row < group.count; row++) {
      const int64_t at = head.scores(query + row);
      const float* kept = mask == nullptr ? nullptr : mask + at;
      const int64_t line = row * L;
      scoresGradient(probabilities + at, kept, group.seen, dScores + line, weights + line, dropped + line);
    }
    // Queries that are padding have slopes of 0, and so whatever is multiplied with them has no effect, if it is finite.
    const int64_t padding = (QUERIES - group.count) * L * sizeof(float);
    float* given = mask == nullptr ? weights : dropped;
    memset(given + group.count * L, 0, padding);
    memset(dScores + group.count * L, 0, padding);
    product<Left::plain, Into::zero>({dScores, L}, {keys, D}, dQueries + query * D, D, QUERIES, D, group.seen);
    product<Left::transposed, Into::sum>({given, L}, slope, dValues, D, group.padded, D, QUERIES);
    product<Left::transposed, Into::sum>({dScores, L}, {queries + query * D, D}, dKeys, D, group.padded, D, QUERIES);
  }
  head.writePart(0, dQueries, dPacked, dBias);
  head.writePart(1, dKeys, dPacked, dBias);
  head.writePart(2, dValues, dPacked, dBias);
}

/** What both operations are given, once it fits. */
inline bool readAttention(Call& call, int first, int64_t sequences, int64_t heads, bool causal, Attention* of) {
  const TF_Tensor* packed = call.input(first);
  const TF_Tensor* bias = call.input(first + 1);
  const TF_Tensor* lengths = call.input(first + 2);
  const TF_Tensor* mask = call.input(first + 3);
  const int64_t W = width(packed);
  const int64_t length = rows(packed) / sequences;
  const bool fits = W % (3 * heads) == 0 && rows(packed) == sequences * length && elements(bias) == W;
  if (!call.require(fits, "three vectors a head and token")) return false;
  const bool eachLength = elements(lengths) == 0 || elements(lengths) == sequences;
  const int64_t scores = sequences * heads * length * length;
  if (!call.require(eachLength, "a length for every sequence")) return false;
  if (!call.require(elements(mask) == 0 || elements(mask) == scores, "a mask for every score")) return false;
  *of = {sequences, length, heads, W / (3 * heads), causal, data<float>(packed), data<float>(bias),
         elements(lengths) == 0 ? nullptr : data<int32_t>(lengths),
         elements(mask) == 0 ? nullptr : data<float>(mask)};
  for (int64_t sequence = 0; of->lengths != nullptr && sequence < sequences; sequence++) {
    const int32_t real = of->lengths[sequence];
    if (!call.require(real > 0 && real <= length, "lengths of at least 1 that fit")) return false;
  }
  return true;
}

/** Calls body(head) for every head of every sequence; they are independent of each other. */
template <typename Body>
void forHeads(const Attention& of, const Body& body) {
#pragma omp parallel for schedule(static) if (of.sequences * of.heads * of.length * of.length > FEW)
  for (int64_t item = 0; item < of.sequences * of.heads; item++) body(Head(of, item));
}

/**
 * (packed [B·T,3AD], bias[3AD], lengths int32 [B] or [0], mask[B,A,T,T] or [0]) → (softmax(q kᵀ / √D) ∘ mask · v
 * [B·T,AD], probabilities [B,A,T,T]); the latter are undefined where a query may not look.
 */
inline void selfAttention(Call& call, int64_t sequences, int64_t heads, bool causal) {
  Attention of;
  if (!readAttention(call, 0, sequences, heads, causal, &of)) return;
  float* context = call.output<float>(0, {sequences * of.length, of.width()});
  float* probabilities = call.output<float>(1, {sequences, heads, of.length, of.length});
  if (context == nullptr || probabilities == nullptr) return;
  forHeads(of, [=](const Head& head) { attendHead(head, context, probabilities); });
}

/** (dcontext [B·T,AD], probabilities, packed, bias, lengths, mask) → (dpacked [B·T,3AD], dbias[3AD]) */
inline void selfAttentionGradient(Call& call, int64_t sequences, int64_t heads, bool causal) {
  const TF_Tensor* dContext = call.input(0);
  const TF_Tensor* probabilities = call.input(1);
  Attention of;
  if (!readAttention(call, 2, sequences, heads, causal, &of)) return;
  const int64_t tokens = sequences * of.length;
  const bool fits = elements(dContext) == tokens * of.width() && elements(probabilities) == tokens * heads * of.length;
  if (!call.require(fits, "a gradient for every vector, and a probability for every score")) return;
  const int64_t W = 3 * of.width();
  float* dPacked = call.output<float>(0, {tokens, W});
  float* dBias = call.output<float>(1, {W});
  if (dPacked == nullptr || dBias == nullptr) return;
  float* partial = static_cast<float*>(malloc(sequences * W * sizeof(float)));
  const float* slopes = data<float>(dContext);
  const float* weights = data<float>(probabilities);
  forHeads(of, [=](const Head& head) {
    attendHeadGradient(head, slopes, weights, dPacked, partial + head.sequence * W);
  });
  memset(dBias, 0, W * sizeof(float));
  for (int64_t sequence = 0; sequence < sequences; sequence++)
    for (int64_t column = 0; column < W; column += LANES)
      addTo(dBias + column, load(partial + sequence * W + column, lanesAt(column, W)), lanesAt(column, W));
  free(partial);
}

}  // namespace RINGMASTER_LEVEL
