// Sixteen floats at a time; GCC's vector extensions make of them what the processor has. Products and sums may be fused
// where it can do that, so the bits depend on the instruction set, as those of TensorFlow's products do.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace RINGMASTER_LEVEL {

constexpr int LANES = 16;

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

/** The upper half of a float32. */
struct BFloat16 {
  uint16_t bits;
};

inline Floats all(float value) { return Floats{} + value; }

inline Floats widened(Halves halves) { return (Floats)(__builtin_convertvector(halves, Words) << 16); }

/** Rounded to the nearest, ties to even; NaN stays NaN. */
inline Halves narrowed(Floats values) {
  const Words bits = (Words)values;
  const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return __builtin_convertvector(values == values ? rounded : Words{} + 0x7fc0, Halves);
}

/** Copies `count` elements of a vector; all sixteen in one instruction, which a variable size would not be. */
template <typename To, typename From>
inline void copy(To* to, const From* from, size_t element, int64_t count) {
  if (__builtin_expect(count == LANES, true)) memcpy(to, from, LANES * element);
  else memcpy(to, from, count * element);
}

/** The first `count` of sixteen elements, and zeros after them. */
inline Floats load(const float* from, int64_t count = LANES) {
  Floats values = {};
  copy(&values, from, sizeof(float), count);
  return values;
}

inline Floats load(const BFloat16* from, int64_t count = LANES) {
  Halves halves = {};
  copy(&halves, from, sizeof(BFloat16), count);
  return widened(halves);
}

inline void store(float* to, Floats values, int64_t count = LANES) {
  copy(to, &values, sizeof(float), count);
}

inline void store(BFloat16* to, Floats values, int64_t count = LANES) {
  const Halves halves = narrowed(values);
  copy(to, &halves, sizeof(BFloat16), count);
}

/** The sum of the lanes, always in the same order. */
inline float total(Floats values) {
  float lanes[LANES];
  memcpy(lanes, &values, sizeof lanes);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int lane = 0; lane < width; lane++) lanes[lane] += lanes[lane + width];
  return lanes[0];
}

inline float largest(Floats values) {
  float lanes[LANES];
  memcpy(lanes, &values, sizeof lanes);
  float most = lanes[0];
  for (int lane = 1; lane < LANES; lane++) most = lanes[lane] > most ? lanes[lane] : most;
  return most;
}

/** e^x; 0 below -87.3, and as for 88.37 above that, so that it is finite (Cephes, expf). NaN stays NaN. */
inline Floats exponential(Floats x) {
  const Floats bounded = x > 88.37f ? all(88.37f) : x;  // 127.49 of log 2: n is 127 at most.
  const Floats magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer.
  const Floats shifted = bounded * 1.44269504088896341f + magic;
  const Floats n = shifted - magic;
  const Floats r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  Floats p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const Floats power = (Floats)(((Words)shifted << 23) + (127u << 23));
  return x < -87.33654f ? Floats{} : p * power;
}

/** erf(x) as a rational function (Eigen, generic_fast_erf_float). */
inline Floats errorFunction(Floats value) {
  Floats x = value > 4.0f ? all(4.0f) : value;
  x = x < -4.0f ? all(-4.0f) : x;
  const Floats square = x * x;
  Floats p = all(-2.72614225801306e-10f);
  p = p * square + 2.77068142495902e-08f;
  p = p * square + -2.10102402082508e-06f;
  p = p * square + -5.69250639462346e-05f;
  p = p * square + -7.34990630326855e-04f;
  p = p * square + -2.95459980854025e-03f;
  p = p * square + -1.60960333262415e-02f;
  Floats q = all(-1.45660718464996e-05f);
  q = q * square + -2.13374055278905e-04f;
  q = q * square + -1.68282697438203e-03f;
  q = q * square + -7.37332916720468e-03f;
  q = q * square + -1.42647390514189e-02f;
  return x * p / q;
}

}  // namespace RINGMASTER_LEVEL
