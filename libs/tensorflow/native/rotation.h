// Rotary positions (Su et al., "RoFormer", 2021): pairs of a head's elements, turned by the angle of their token.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct RotationAttributes {
  int64_t length;
  bool back;

  explicit RotationAttributes(const Construction& given)
      : length(given.integer("length")), back(given.integer("back") != 0) {}
};

/**
 * (x T[B·T,AD], table[≥ T,D]: cosines of D/2 angles, then their sines) → T[B·T,AD]: elements d and d + D/2 of every head of
 * token t turned by the angles of row t, or by minus these.
 */
template <typename T>
void rotate(Call& call, const RotationAttributes& attributes) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* table = call.input(1);
  const int64_t length = attributes.length;
  const int64_t D = width(table);
  const int64_t W = width(x);
  const bool fits = D > 0 && D % 2 == 0 && W % D == 0 && length > 0 && rows(x) % length == 0 && rows(table) >= length;
  if (!call.require(fits, "an angle for every pair of a token")) return;
  T* y = call.like<T>(0, x);
  if (y == nullptr) return;
  const int64_t half = D / 2;
  const float sign = attributes.back ? -1.0f : 1.0f;
  const T* from = data<T>(x);
  const float* angles = data<float>(table);
  forRows(rows(x), W, [=](int64_t row) {
    const float* cosines = angles + row % length * D;
    const float* sines = cosines + half;
    for (int64_t head = 0; head < W; head += D)
      for (int64_t d = 0; d < half; d += LANES) {
        const int64_t n = lanesAt(d, half);
        const int64_t first = row * W + head + d;
        const Floats cosine = load(cosines + d, n);
        const Floats sine = load(sines + d, n) * sign;
        const Floats left = load(from + first, n);
        const Floats right = load(from + first + half, n);
        store(y + first, left * cosine - right * sine, n);
        store(y + first + half, right * cosine + left * sine, n);
      }
  });
}

template <typename T>
void addRotationKernels() {
  add<RotationAttributes, rotate<T>>("RingmasterRotate", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
