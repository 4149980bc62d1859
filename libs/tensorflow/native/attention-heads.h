// Heads out of the packed rows of tokens and back: a part of self-attention where that is not one operation.
#pragma once

#include <math.h>

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct HeadAttributes {
  int64_t sequences, heads;

  explicit HeadAttributes(const Construction& given)
      : sequences(given.integer("sequences")), heads(given.integer("heads")) {}
};

/**
 * (packed T[B·T,3AD], bias[3AD]) → (queries / √D, keys, values), T[B,A,T,D] each; rows of `packed` hold the queries of
 * all heads, then the keys, then the values.
 */
template <typename T>
void splitHeads(Call& call, const HeadAttributes& attributes) {
  const int64_t sequences = attributes.sequences;
  const int64_t heads = attributes.heads;
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

template <typename T>
void addHeadKernels() {
  add<HeadAttributes, splitHeads<T>>("RingmasterSplitHeads", TypeOf<T>::value);
  add<mergeHeads<T>>("RingmasterMergeHeads", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
