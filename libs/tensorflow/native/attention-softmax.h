// The softmax of the scores of attention: a part of attention where that is not one operation.
#pragma once

#include "kernel.h"
#include "softmax.h"

namespace RINGMASTER_LEVEL {

struct SoftmaxAttributes {
  float scale;

  explicit SoftmaxAttributes(const Construction& given) : scale(given.number("scale")) {}
};

/** Extents of a tensor from the last one back, and how far apart its elements are: 0 in those that it is broadcast in. */
struct Broadcast {
  int64_t strides[4] = {};
  bool fits = true;

  /** `tensor` beside one of at most four extents, `shape`; its own may be fewer, and are 1 or the same. */
  Broadcast(const TF_Tensor* tensor, const int64_t (&shape)[4]) {
    const int rank = TF_NumDims(tensor);
    int64_t stride = 1;
    for (int at = 1; at <= rank; at++) {
      const int64_t extent = TF_Dim(tensor, rank - at);
      fits = fits && at <= 4 && (extent == 1 || extent == shape[4 - at]);
      if (!fits) return;
      strides[4 - at] = extent == 1 ? 0 : stride;
      stride *= extent;
    }
  }
};

/**
 * Softmax over the last dimension of scale · scores + bias: (scores T[B,A,Q,K], bias, which broadcasts to them in all but
 * the last dimension, or [0]) → T[B,A,Q,K]
 */
template <typename T>
void attentionSoftmax(Call& call, const SoftmaxAttributes& attributes) {
  const TF_Tensor* scores = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const int64_t K = width(scores);
  const int64_t shape[4] = {TF_Dim(scores, 0), TF_Dim(scores, 1), TF_Dim(scores, 2), K};
  const int64_t heads = shape[1];
  const int64_t queries = shape[2];
  const bool biased = elements(bias) != 0;
  const Broadcast broadcast(bias, shape);
  const bool fits = !biased || (broadcast.fits && width(bias) == K);
  if (!call.require(fits, "a bias that broadcasts to the scores")) return;
  T* probabilities = call.like<T>(0, scores);
  if (probabilities == nullptr) return;
  const T* from = data<T>(scores);
  const float* added = biased ? data<float>(bias) : nullptr;
  const float scale = attributes.scale;
  forRows(rows(scores), width(scores), [=](int64_t row) {
    const int64_t line = row / (heads * queries) * broadcast.strides[0] +
                         row / queries % heads * broadcast.strides[1] + row % queries * broadcast.strides[2];
    const float* shift = added == nullptr ? nullptr : added + line;
    const Powers powers = powersOf(K, [=](int64_t k, int64_t n) {
      const Floats value = load(from + row * K + k, n) * scale;
      return shift == nullptr ? value : value + load(shift + k, n);
    });
    for (int64_t k = 0; k < K; k += LANES) {
      const Floats probability = load(powers.values + k) * powers.factor;
      store(probabilities + row * K + k, probability, lanesAt(k, K));
    }
  });
}

/** (P T[B,A,Q,K], dropped T likewise, mask likewise or [0]) → scale P ∘ (d − Σ P ∘ d) with d = dropped ∘ mask, T likewise */
template <typename T>
void attentionSoftmaxGradient(Call& call, const SoftmaxAttributes& attributes) {
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
  const float scale = attributes.scale;
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
      store(result + row * K + k, load(from + row * K + k, n) * (slope(k, n) - sum) * scale, n);
    }
  });
}

template <typename T>
void addAttentionSoftmaxKernels() {
  add<SoftmaxAttributes, attentionSoftmax<T>>("RingmasterAttentionSoftmax", TypeOf<T>::value);
  add<SoftmaxAttributes, attentionSoftmaxGradient<T>>("RingmasterAttentionSoftmaxGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
