// Gated linear units (Shazeer, "GLU variants improve transformer", 2020): activation(gate) ∘ up in one pass; backward
// computes the activation again instead of reading it.
#pragma once

#include "activation.h"

namespace RINGMASTER_LEVEL {

/** y = x sigmoid(x): the sigmoid linear unit (Elfwing, Uchibe and Doya, 2018), also called swish. */
struct Silu {
  static Floats gate(Floats x) { return 1.0f / (1.0f + exponential(-x)); }

  static Floats slope(Floats x) {
    const Floats open = gate(x);
    return open + x * open * (1.0f - open);
  }
};

/** (gate T[N,C], up T[N,C]) → activation(gate) ∘ up, T[N,C] */
template <typename Kind, typename T>
void gated(Call& call) {
  const TF_Tensor* gate = call.input(0);
  const TF_Tensor* up = call.input(1);
  if (!call.require(elements(gate) == elements(up), "a gate for every element")) return;
  T* y = call.like<T>(0, gate);
  if (y == nullptr) return;
  const int64_t C = width(gate);
  const T* gates = data<T>(gate);
  const T* ups = data<T>(up);
  forRows(rows(gate), C, [=](int64_t row) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      const int64_t at = row * C + c;
      const Floats x = load(gates + at, n);
      store(y + at, x * Kind::gate(x) * load(ups + at, n), n);
    }
  });
}

/** (dy T[N,C], gate T[N,C], up T[N,C]) → (dgate T[N,C], dup T[N,C]) */
template <typename Kind, typename T>
void gatedGradient(Call& call) {
  const TF_Tensor* dy = call.input(0);
  const TF_Tensor* gate = call.input(1);
  const TF_Tensor* up = call.input(2);
  const bool fits = elements(gate) == elements(up) && elements(dy) == elements(up);
  if (!call.require(fits, "a gate and a gradient for every element")) return;
  T* dGate = call.like<T>(0, gate);
  T* dUp = call.like<T>(1, up);
  if (dGate == nullptr || dUp == nullptr) return;
  const int64_t C = width(gate);
  const T* slopes = data<T>(dy);
  const T* gates = data<T>(gate);
  const T* ups = data<T>(up);
  forRows(rows(gate), C, [=](int64_t row) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      const int64_t at = row * C + c;
      const Floats slope = load(slopes + at, n);
      const Floats x = load(gates + at, n);
      store(dGate + at, slope * load(ups + at, n) * Kind::slope(x), n);
      store(dUp + at, slope * x * Kind::gate(x), n);
    }
  });
}

template <typename T>
void addGatedKernels() {
  add<gated<GeluTanh, T>>("RingmasterGatedGeluTanh", TypeOf<T>::value);
  add<gatedGradient<GeluTanh, T>>("RingmasterGatedGeluTanhGradient", TypeOf<T>::value);
  add<gated<Silu, T>>("RingmasterGatedSilu", TypeOf<T>::value);
  add<gatedGradient<Silu, T>>("RingmasterGatedSiluGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
