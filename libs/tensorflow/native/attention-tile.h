// Attention between its products, for some queries of every sequence and head: from their scores to probabilities, and
// from the gradients of those to the gradients of scores. Probabilities are not kept: the gradient computes them again
// from the scores and the largest score and sum of powers of each row (Dao et al., "FlashAttention", 2022).
#pragma once

#include "attend-head.h"
#include "kernel.h"

namespace RINGMASTER_LEVEL {

struct TileAttributes {
  float scale;
  bool causal;
  int32_t dropped;
  /** The first of the queries, of how many in a sequence, and how many keys that has. */
  int64_t first, queries, keys;

  TileAttributes() = default;
  explicit TileAttributes(const Construction& given)
      : scale(given.number("scale")), causal(given.integer("causal") != 0), dropped(given.integer("dropped")),
        first(given.integer("first")), queries(given.integer("queries")), keys(given.integer("keys")) {}
};

/** Scores of a tile, T[B,A,q,k], over the first k keys, row by row. */
template <typename T>
struct Tile {
  const T* scores;
  TileAttributes how;
  /** B, A, q and k. */
  int64_t extents[4];
  /** Real length of each sequence of keys; null where all are full. */
  const int32_t* lengths;
  /** [A,Q,K]; null for nothing. */
  const float* bias;
  /** Over [B,A,Q,K]. */
  Mask mask;

  int64_t width() const { return extents[3]; }
  int64_t rows() const { return extents[0] * extents[1] * extents[2]; }
  int64_t sequence(int64_t row) const { return row / (extents[1] * extents[2]); }
  int64_t head(int64_t row) const { return row / extents[2] % extents[1]; }
  int64_t query(int64_t row) const { return how.first + row % extents[2]; }

  /** How many keys a row may see; they are the first ones. The last query stands at the last key. */
  int64_t visible(int64_t row) const {
    const int64_t real = lengths == nullptr ? how.keys : lengths[sequence(row)];
    const int64_t before = query(row) + 1 + how.keys - how.queries;
    const int64_t seen = how.causal && before < real ? before : real;
    return seen < width() ? seen : width();
  }

  /** Scores k to k + n of a row, with scale and bias. */
  Floats score(int64_t row, int64_t k, int64_t n) const {
    const Floats scaled = load(scores + row * width() + k, n) * how.scale;
    return bias == nullptr ? scaled
                           : scaled + load(bias + (head(row) * how.queries + query(row)) * how.keys + k, n);
  }

  /** The dropout mask of a row in `room`; null where nothing is dropped. */
  const float* kept(int64_t row, int64_t seen, float* room) const {
    const int64_t line = (sequence(row) * extents[1] + head(row)) * how.queries + query(row);
    return mask.key == nullptr ? nullptr : mask.draw(line * how.keys, seen, room);
  }
};

/** A tile of scores, lengths int32 [B] or [0], bias [A,Q,K] or [0] and key int32 [2] or [0], if they fit. */
template <typename T>
bool readTile(Call& call, const TileAttributes& how, const TF_Tensor* scores, int at, Tile<T>* tile) {
  const TF_Tensor* lengths = call.input(at);
  const TF_Tensor* bias = call.input(at + 1);
  const TF_Tensor* key = call.input(at + 2);
  if (!call.require(TF_NumDims(scores) == 4, "scores by sequence, head and query")) return false;
  *tile = {data<T>(scores),
           how,
           {TF_Dim(scores, 0), TF_Dim(scores, 1), TF_Dim(scores, 2), TF_Dim(scores, 3)},
           elements(lengths) == 0 ? nullptr : data<int32_t>(lengths),
           elements(bias) == 0 ? nullptr : data<float>(bias),
           {elements(key) == 0 ? nullptr : data<uint32_t>(key), how.dropped}};
  const int64_t B = tile->extents[0];
  const int64_t end = how.first + tile->extents[2];
  const bool within = how.first >= 0 && end <= how.queries && tile->width() <= how.keys;
  const bool seesAll = !how.causal || (how.queries <= how.keys && tile->width() >= end + how.keys - how.queries);
  if (!call.require(within && seesAll, "queries of the sequence, and the keys that they see")) return false;
  if (!call.require(elements(lengths) == 0 || elements(lengths) == B, "a length for every sequence")) return false;
  for (int64_t sequence = 0; tile->lengths != nullptr && sequence < B; sequence++) {
    const int32_t real = tile->lengths[sequence];
    if (!call.require(real > 0 && real <= how.keys, "lengths of at least 1 that fit")) return false;
  }
  const bool eachScore = elements(bias) == 0 || elements(bias) == tile->extents[1] * how.queries * how.keys;
  if (!call.require(eachScore, "a bias for every score of a sequence")) return false;
  return call.require(elements(key) == 0 || elements(key) == 2, "a key of two words");
}

/**
 * (scores T[B,A,q,k], lengths int32 [B] or [0], bias [A,Q,K] or [0], key int32 [2] or [0]) → softmax(scale · scores + bias)
 * ∘ mask, T[B,A,q,k], where the mask is the key's over [B,A,Q,K]; and of each row its largest score and what its powers
 * are multiplied with, [B,A,q,2]
 */
template <typename T>
void tileProbabilities(Call& call, const TileAttributes& attributes) {
  const TF_Tensor* scores = call.input(0);
  Tile<T> tile;
  if (!readTile(call, attributes, scores, 1, &tile)) return;
  T* probabilities = call.like<T>(0, scores);
  float* moments = call.output<float>(1, {tile.extents[0], tile.extents[1], tile.extents[2], 2});
  if (probabilities == nullptr || moments == nullptr) return;
  const int64_t width = tile.width();
  forRows(tile.rows(), width, [=](int64_t row) {
    const int64_t seen = tile.visible(row);
    const Powers powers = powersOf(seen, [=](int64_t k, int64_t n) { return tile.score(row, k, n); });
    moments[2 * row] = powers.top;
    moments[2 * row + 1] = powers.factor;
    Scratch scratch(maskRoom(roundedUp(width)));
    const float* kept = tile.kept(row, seen, scratch.take(maskRoom(roundedUp(width))));
    T* to = probabilities + row * width;
    for (int64_t k = 0; k < seen; k += LANES) {
      const int64_t n = lanesAt(k, seen);
      const Floats probability = load(powers.values + k) * powers.factor;
      store(to + k, kept == nullptr ? probability : probability * load(kept + k, n), n);
    }
    memset(to + seen, 0, (width - seen) * sizeof(T));
  });
}

/**
 * (gradient T[B,A,q,k] of the dropped probabilities, scores, moments, lengths, bias, key) → (those probabilities again,
 * T[B,A,q,k], the gradient of the scores T[B,A,q,k]: scale P ∘ (d − Σ P ∘ d) with d = gradient ∘ mask)
 */
template <typename T>
void tileGradient(Call& call, const TileAttributes& attributes) {
  const TF_Tensor* gradient = call.input(0);
  const TF_Tensor* scores = call.input(1);
  const TF_Tensor* moments = call.input(2);
  Tile<T> tile;
  if (!readTile(call, attributes, scores, 3, &tile)) return;
  const bool fits = elements(gradient) == elements(scores) && elements(moments) == 2 * tile.rows();
  if (!call.require(fits, "a gradient for every score, and moments of every row")) return;
  T* probabilities = call.like<T>(0, scores);
  T* dScores = call.like<T>(1, scores);
  if (probabilities == nullptr || dScores == nullptr) return;
  const T* given = data<T>(gradient);
  const float* rowMoments = data<float>(moments);
  const float scale = attributes.scale;
  const int64_t width = tile.width();
  forRows(tile.rows(), width, [=](int64_t row) {
    const int64_t seen = tile.visible(row);
    const int64_t room = roundedUp(width);
    Scratch scratch(2 * room + maskRoom(room));
    float* found = scratch.take(room);
    float* slopes = scratch.take(room);
    const float* kept = tile.kept(row, seen, scratch.take(maskRoom(room)));
    const float top = rowMoments[2 * row];
    const float factor = rowMoments[2 * row + 1];
    Floats products = {};
    for (int64_t k = 0; k < seen; k += LANES) {
      const int64_t n = lanesAt(k, seen);
      // Lanes after the last key have a score of 0, which may be far above those that are there.
      const Floats below = tile.score(row, k, n) - top;
      const Floats probability = exponential(below > 0.0f ? all(0.0f) : below) * factor;
      Floats slope = load(given + row * width + k, n);
      if (kept != nullptr) slope *= load(kept + k, n);
      products += probability * slope;
      store(found + k, probability);
      store(slopes + k, slope);
    }
    const float sum = total(products);
    for (int64_t k = 0; k < seen; k += LANES) {
      const int64_t n = lanesAt(k, seen);
      const Floats probability = load(found + k);
      store(dScores + row * width + k, probability * (load(slopes + k) - sum) * scale, n);
      store(probabilities + row * width + k, kept == nullptr ? probability : probability * load(kept + k, n), n);
    }
    memset(dScores + row * width + seen, 0, (width - seen) * sizeof(T));
    memset(probabilities + row * width + seen, 0, (width - seen) * sizeof(T));
  });
}

struct SoftmaxAttributes {
  float scale;

  explicit SoftmaxAttributes(const Construction& given) : scale(given.number("scale")) {}
};

/** (gradient d T[…,k], probabilities P T[…,k]) → scale P ∘ (d − Σ P ∘ d), T[…,k]: the gradient of scores whose P were kept */
template <typename T>
void softmaxGradient(Call& call, const SoftmaxAttributes& attributes) {
  const TF_Tensor* gradient = call.input(0);
  const TF_Tensor* probabilities = call.input(1);
  if (!call.require(elements(gradient) == elements(probabilities), "a gradient for every probability")) return;
  T* dScores = call.like<T>(0, probabilities);
  if (dScores == nullptr) return;
  const T* given = data<T>(gradient);
  const T* found = data<T>(probabilities);
  const float scale = attributes.scale;
  const int64_t K = width(probabilities);
  forRows(rows(probabilities), K, [=](int64_t row) {
    const T* slopes = given + row * K;
    const T* from = found + row * K;
    Floats products = {};
    for (int64_t k = 0; k < K; k += LANES) {
      const int64_t n = lanesAt(k, K);
      products += load(from + k, n) * load(slopes + k, n);
    }
    const float sum = total(products);
    for (int64_t k = 0; k < K; k += LANES) {
      const int64_t n = lanesAt(k, K);
      store(dScores + row * K + k, load(from + k, n) * (load(slopes + k, n) - sum) * scale, n);
    }
  });
}

template <typename T>
void addTileKernels() {
  add<SoftmaxAttributes, softmaxGradient<T>>("RingmasterSoftmaxGradient", TypeOf<T>::value);
  add<TileAttributes, tileProbabilities<T>>("RingmasterTileProbabilities", TypeOf<T>::value);
  add<TileAttributes, tileGradient<T>>("RingmasterTileGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
