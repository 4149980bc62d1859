// What is between the products of attention: heads out of the rows of tokens and back, and the softmax of the scores.
#pragma once

#include "softmax.h"

namespace RINGMASTER_LEVEL {

/**
 * (packed T[B·T,3AD], bias[3AD]) → (queries / √D, keys, values), T[B,A,T,D] each; rows of `packed` hold the queries of
 * all heads, then the keys, then the values.
 */
template <typename T>
void splitHeads(Call& call, int64_t sequences, int64_t heads) {
  const TF_Tensor* packed = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const int64_t W = width(packed);
  const bool fits = elements(bias) == W && W % (3 * heads) == 0 && rows(packed) % sequences == 0;
  if (!call.require(fits, "three vectors a head and token")) return;
  const int64_t D = W / (3 * heads);
  const int64_t length = rows(packed) / sequences;
  T* parts[3];
  for (int part = 0; part < 3; part++) {
    parts[part] = call.output<T>(part, {sequences, heads, length, D});
    if (parts[part] == nullptr) return;
  }
  const T* from = data<T>(packed);
  const float* shift = data<float>(bias);
  const float scale = 1.0f / sqrtf((float)D);
  forRows(rows(packed), width(packed), [=](int64_t row) {
    const int64_t sequence = row / length;
    const int64_t token = row % length;
    for (int part = 0; part < 3; part++) {
      const float factor = part == 0 ? scale : 1.0f;
      for (int64_t head = 0; head < heads; head++) {
        const int64_t column = (part * heads + head) * D;
        T* to = parts[part] + ((sequence * heads + head) * length + token) * D;
        for (int64_t d = 0; d < D; d += LANES) {
          const int64_t n = lanesAt(d, D);
          const Floats value = load(from + row * W + column + d, n) + load(shift + column + d, n);
          store(to + d, value * factor, n);
        }
      }
    }
  });
}

/** The gradient of `splitHeads`: (dq, dk, dv, T[B,A,T,D] each) → (dpacked T[B·T,3AD], dbias[3AD]) */
template <typename T>
void mergeHeads(Call& call) {
  const TF_Tensor* inputs[3] = {call.input(0), call.input(1), call.input(2)};
  const int64_t sequences = TF_Dim(inputs[0], 0);
  const int64_t heads = TF_Dim(inputs[0], 1);
  const int64_t length = TF_Dim(inputs[0], 2);
  const int64_t D = width(inputs[0]);
  const bool fits = elements(inputs[1]) == elements(inputs[0]) && elements(inputs[2]) == elements(inputs[0]);
  if (!call.require(fits, "three tensors of one shape")) return;
  const int64_t W = 3 * heads * D;
  T* packed = call.output<T>(0, {sequences * length, W});
  float* dBias = call.output<float>(1, {W});
  if (packed == nullptr || dBias == nullptr) return;
  const T* parts[3] = {data<T>(inputs[0]), data<T>(inputs[1]), data<T>(inputs[2])};
  const float scale = 1.0f / sqrtf((float)D);
  sumRows(sequences * length, W, W, dBias, [=](int64_t row, float* sums) {
    const int64_t sequence = row / length;
    const int64_t token = row % length;
    for (int part = 0; part < 3; part++) {
      const float factor = part == 0 ? scale : 1.0f;
      for (int64_t head = 0; head < heads; head++) {
        const int64_t column = (part * heads + head) * D;
        const T* from = parts[part] + ((sequence * heads + head) * length + token) * D;
        for (int64_t d = 0; d < D; d += LANES) {
          const int64_t n = lanesAt(d, D);
          const Floats value = load(from + d, n) * factor;
          store(packed + row * W + column + d, value, n);
          addTo(sums + column + d, value, n);
        }
      }
    }
  });
}

/** Softmax over the last dimension: (scores T[B,A,Q,K], bias[Q,K], [B,1,1,K] or [0]) → T[B,A,Q,K] */
template <typename T>
void attentionSoftmax(Call& call) {
  const TF_Tensor* scores = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const int64_t heads = TF_Dim(scores, 1);
  const int64_t queries = TF_Dim(scores, 2);
  const int64_t K = width(scores);
  const int64_t perSequence = TF_Dim(scores, 0) * K;
  const bool byQuery = TF_NumDims(bias) == 2;
  const bool fits = elements(bias) == 0 || elements(bias) == (byQuery ? queries * K : perSequence);
  if (!call.require(fits, "a bias for every key of a query or of a sequence")) return;
  T* probabilities = call.like<T>(0, scores);
  if (probabilities == nullptr) return;
  const T* from = data<T>(scores);
  const float* added = elements(bias) == 0 ? nullptr : data<float>(bias);
  forRows(rows(scores), width(scores), [=](int64_t row) {
    const int64_t line = byQuery ? row % queries : row / (heads * queries);
    const float* shift = added == nullptr ? nullptr : added + line * K;
    const Powers powers = powersOf(K, [=](int64_t k, int64_t n) {
      const Floats value = load(from + row * K + k, n);
      return shift == nullptr ? value : value + load(shift + k, n);
    });
    for (int64_t k = 0; k < K; k += LANES) {
      const Floats probability = load(powers.values + k) * powers.factor;
      store(probabilities + row * K + k, probability, lanesAt(k, K));
    }
  });
}

/** (P T[B,A,Q,K], dropped T likewise, mask likewise or [0]) → P ∘ (d − Σ P ∘ d) with d = dropped ∘ mask, T likewise */
template <typename T>
void attentionSoftmaxGradient(Call& call) {
  const TF_Tensor* probabilities = call.input(0);
  const TF_Tensor* gradient = call.input(1);
  const TF_Tensor* mask = call.input(2);
  const int64_t K = width(probabilities);
  const int64_t size = elements(probabilities);
  const bool fits = elements(gradient) == size && (elements(mask) == 0 || elements(mask) == size);
  if (!call.require(fits, "one gradient and one mask an element")) return;
  T* result = call.like<T>(0, probabilities);
  if (result == nullptr) return;
  const T* from = data<T>(probabilities);
  const T* slopes = data<T>(gradient);
  const float* keep = elements(mask) == 0 ? nullptr : data<float>(mask);
  forRows(rows(probabilities), width(probabilities), [=](int64_t row) {
    const auto slope = [=](int64_t k, int64_t n) {
      const Floats value = load(slopes + row * K + k, n);
      return keep == nullptr ? value : value * load(keep + row * K + k, n);
    };
    Floats products = {};
    for (int64_t k = 0; k < K; k += LANES) {
      const int64_t n = lanesAt(k, K);
      products += load(from + row * K + k, n) * slope(k, n);
    }
    const float sum = total(products);
    for (int64_t k = 0; k < K; k += LANES) {
      const int64_t n = lanesAt(k, K);
      store(result + row * K + k, load(from + row * K + k, n) * (slope(k, n) - sum), n);
    }
  });
}

/** (x T, mask) → x ∘ mask, T */
template <typename T>
void applyMask(Call& call) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* mask = call.input(1);
  const int64_t C = width(x);
  if (!call.require(elements(mask) == elements(x), "a mask of the same shape")) return;
  T* y = call.like<T>(0, x);
  if (y == nullptr) return;
  const T* from = data<T>(x);
  const float* keep = data<float>(mask);
  forRows(rows(x), width(x), [=](int64_t row) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      store(y + row * C + c, load(from + row * C + c, n) * load(keep + row * C + c, n), n);
    }
  });
}

}  // namespace RINGMASTER_LEVEL
