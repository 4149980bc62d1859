// Softmax cross-entropy, summed over rows, and its gradient.
#pragma once

#include "kernel.h"
#include "softmax.h"

namespace RINGMASTER_LEVEL {

/**
 * (logits T[K,V], bias[V or 0], targets int32[K]) → (probabilities of the targets [K,1], dlogits T[K,V], dbias like
 * bias): the softmax of logits + bias, without 1 at the target.
 */
template <typename T>
void crossEntropy(Call& call) {
  const TF_Tensor* logits = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const TF_Tensor* targets = call.input(2);
  const int64_t V = width(logits);
  const int64_t K = TF_Dim(logits, 0);
  const bool biased = elements(bias) != 0;
  const int32_t* classes = data<int32_t>(targets);
  bool fits = elements(targets) == K && (!biased || elements(bias) == V);
  for (int64_t row = 0; fits && row < K; row++) fits = classes[row] >= 0 && classes[row] < V;
  if (!call.require(fits, "one target a row, of the classes there are")) return;
  float* probabilities = call.output<float>(0, {K, 1});
  T* dLogits = call.like<T>(1, logits);
  float* dBias = call.like<float>(2, bias);
  if (probabilities == nullptr || dLogits == nullptr) return;
  const T* from = data<T>(logits);
  const float* shift = biased ? data<float>(bias) : nullptr;
  sumRows(K, V, biased ? V : 0, dBias, [=](int64_t row, float* sums) {
    const Powers powers = powersOf(V, [=](int64_t v, int64_t n) {
      const Floats value = load(from + row * V + v, n);
      return shift == nullptr ? value : value + load(shift + v, n);
    });
    const int32_t target = classes[row];
    for (int64_t v = 0; v < V; v += LANES) {
      const int64_t n = lanesAt(v, V);
      Floats probability = load(powers.values + v) * powers.factor;
      if (target >= v && target < v + n) {
        probabilities[row] = probability[target - v];
        probability[target - v] -= 1.0f;
      }
      store(dLogits + row * V + v, probability, n);
      if (shift != nullptr) addTo(sums + v, probability, n);
    }
  });
}

template <typename T>
void addCrossEntropyKernels() {
  add<crossEntropy<T>>("RingmasterCrossEntropy", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
