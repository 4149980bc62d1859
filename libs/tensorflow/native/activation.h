// Gaussian error linear units of x + bias, in one pass; backward computes the gate again instead of reading it.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/** y = x Φ(x) (Hendrycks and Gimpel, 2016). */
struct Gelu {
  static Floats gate(Floats x) { return 0.5f + 0.5f * errorFunction(x * 0.70710678118654752f); }

  /** Φ(x) + x φ(x). */
  static Floats slope(Floats x) {
    return gate(x) + x * 0.39894228040143268f * exponential(x * x * -0.5f);
  }
};

// (1 + tanh u) / 2 = sigmoid(2u), so with v = 2u = x (LINEAR + CUBIC x²) the gate is sigmoid(v) and its slope is
// sigmoid′(v) (LINEAR + 3 CUBIC x²).
constexpr float LINEAR = 1.5957691216057308f;
constexpr float CUBIC = 0.071354816272600248f;

/** GPT-2's form, with a tanh. */
struct GeluTanh {
  static Floats gate(Floats x) {
    return 1.0f / (1.0f + exponential(-x * (LINEAR + CUBIC * x * x)));
  }

  static Floats slope(Floats x) {
    const Floats square = x * x;
    const Floats open = 1.0f / (1.0f + exponential(-x * (LINEAR + CUBIC * square)));
    return open + x * open * (1.0f - open) * (LINEAR + 3 * CUBIC * square);
  }
};

/** (x T[…,C], bias[C]) → y T[…,C] */
template <typename Kind, typename T>
void activate(Call& call) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const int64_t C = width(x);
  if (!call.require(elements(bias) == C, "one bias a column")) return;
  T* y = call.like<T>(0, x);
  if (y == nullptr) return;
  const T* from = data<T>(x);
  const float* shift = data<float>(bias);
  forRows(rows(x), width(x), [=](int64_t row) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      const Floats value = load(from + row * C + c, n) + load(shift + c, n);
      store(y + row * C + c, value * Kind::gate(value), n);
    }
  });
}

/** (dy T[…,C], x T[…,C], bias[C]) → (dx T[…,C], dbias[C]) */
template <typename Kind, typename T>
void activateGradient(Call& call) {
  const TF_Tensor* dy = call.input(0);
  const TF_Tensor* x = call.input(1);
  const TF_Tensor* bias = call.input(2);
  const int64_t C = width(x);
  const bool fits = elements(bias) == C && elements(dy) == elements(x);
  if (!call.require(fits, "one bias a column, one gradient an element")) return;
  T* dx = call.like<T>(0, x);
  float* dBias = call.like<float>(1, bias);
  if (dx == nullptr || dBias == nullptr) return;
  const T* from = data<T>(x);
  const T* slopes = data<T>(dy);
  const float* shift = data<float>(bias);
  sumRows(rows(x), C, C, dBias, [=](int64_t row, float* sums) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      const Floats value = load(from + row * C + c, n) + load(shift + c, n);
      const Floats gradient = load(slopes + row * C + c, n) * Kind::slope(value);
      store(dx + row * C + c, gradient, n);
      addTo(sums + c, gradient, n);
    }
  });
}

template <typename T>
void addActivationKernels() {
  add<activate<Gelu, T>>("RingmasterGelu", TypeOf<T>::value);
  add<activateGradient<Gelu, T>>("RingmasterGeluGradient", TypeOf<T>::value);
  add<activate<GeluTanh, T>>("RingmasterGeluTanh", TypeOf<T>::value);
  add<activateGradient<GeluTanh, T>>("RingmasterGeluTanhGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
