// Loops over elements; included once a level (levels.h). The files of assembly/ have the same, with the reasons.

namespace LEVEL {

/** round(value · scale), ties to even, saturating; 0 for NaN. */
HELPER int32_t quantised(float value, float scale) {
  const float product = value * scale;
  // Beyond 2^23 all floats are integers; below, adding 2^23 rounds as the processor does, ties to even.
  const float shift = __builtin_copysignf(8388608.0f, product);
  const float rounded =
      __builtin_fabsf(product) < 8388608.0f ? (product + shift) - shift : product;
  const float bounded = rounded < 2147483520.0f ? rounded : 2147483520.0f;
  const int32_t converted = (int32_t)(bounded > -2147483648.0f ? bounded : -2147483648.0f);
  const int32_t saturated = rounded >= 2147483648.0f ? INT32_MAX : converted;
  return product == product ? saturated : 0;
}

/** Magnitudes order like integers, with infinity above every number and NaN above infinity. */
HELPER int32_t magnitude(float value) {
  int32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits & INT32_MAX;
}

HELPER float floatOf(int32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

HELPER float powerOfTwo(int32_t exponent) { return floatOf((exponent + 127) << 23); }

HELPER uint32_t coefficient(uint32_t product) {
  uint32_t mixed = product ^ (product >> 15);
  mixed *= 0x85ebca77u;
  mixed ^= mixed >> 13;
  return mixed | 1;
}

}  // namespace LEVEL

/** target[k] += source[k], wrapping. */
LOOP(void, add)(char* memory, uint64_t target, uint64_t source, uint32_t length) {
  uint32_t* __restrict to = AT(uint32_t, target);
  const uint32_t* __restrict from = AT(const uint32_t, source);
  for (uint32_t k = 0; k < length; k++) to[k] += from[k];
}

/** target[k] = source[k]. */
LOOP(void, copy)(char* memory, uint64_t target, uint64_t source, uint32_t length) {
  memcpy(memory + target, memory + source, (uint64_t)length * 4);
}

/** target[k] = 0. */
LOOP(void, zero)(char* memory, uint64_t target, uint32_t length) {
  memset(memory + target, 0, (uint64_t)length * 4);
}

/** target[k] += round(source[k] · 2^exponent), ties to even; answers what `maxAbs` does. */
LOOP(float, quantiseAdd)
(char* memory, uint64_t target, uint64_t source, uint32_t length, int32_t exponent) {
  uint32_t* __restrict to = AT(uint32_t, target);
  const float* __restrict from = AT(const float, source);
  const float scale = LEVEL::powerOfTwo(exponent);
  int32_t largest = 0;
  for (uint32_t k = 0; k < length; k++) {
    const int32_t size = LEVEL::magnitude(from[k]);
    largest = size > largest ? size : largest;
    to[k] += (uint32_t)LEVEL::quantised(from[k], scale);
  }
  return LEVEL::floatOf(largest);
}

/** target[k] = round(source[k] · 2^exponent), ties to even; answers what `maxAbs` does. */
LOOP(float, quantiseSet)
(char* memory, uint64_t target, uint64_t source, uint32_t length, int32_t exponent) {
  int32_t* __restrict to = AT(int32_t, target);
  const float* __restrict from = AT(const float, source);
  const float scale = LEVEL::powerOfTwo(exponent);
  int32_t largest = 0;
  for (uint32_t k = 0; k < length; k++) {
    const int32_t size = LEVEL::magnitude(from[k]);
    largest = size > largest ? size : largest;
    to[k] = LEVEL::quantised(from[k], scale);
  }
  return LEVEL::floatOf(largest);
}

/** The largest |source[k]|; 0 for no elements, NaN if there is one, else infinity if there is one. */
LOOP(float, maxAbs)(char* memory, uint64_t source, uint32_t length) {
  const float* from = AT(const float, source);
  int32_t largest = 0;
  for (uint32_t k = 0; k < length; k++) {
    const int32_t size = LEVEL::magnitude(from[k]);
    largest = size > largest ? size : largest;
  }
  return LEVEL::floatOf(largest);
}

/** The sum of c(first + k) · source[k] modulo 2^32, with c(i) odd. */
LOOP(int32_t, checksum)(char* memory, uint64_t source, uint32_t length, uint32_t first) {
  const uint32_t* from = AT(const uint32_t, source);
  uint32_t sum = 0;
  for (uint32_t k = 0; k < length; k++)
    sum += LEVEL::coefficient((first + k) * 0x9e3779b1u) * from[k];
  return (int32_t)sum;
}

/** target[k] = round(S · 2^-bits), ties to even, of the S that fine[k] and coarse[k] stand for; see assembly/kernels.ts. */
LOOP(void, narrow)
(char* memory, uint64_t target, uint64_t fine, uint64_t coarse, uint32_t length, uint32_t bits) {
  int32_t* __restrict to = AT(int32_t, target);
  const int32_t* __restrict low = AT(const int32_t, fine);
  const int32_t* __restrict high = AT(const int32_t, coarse);
  const int64_t half = (INT64_C(1) << (bits - 1)) - 1;
  for (uint32_t k = 0; k < length; k++) {
    const int64_t near = (int64_t)high[k] * (INT64_C(1) << 20);
    const int64_t wraps = (near - low[k] + (INT64_C(1) << 31)) >> 32;
    const int64_t sum = low[k] + wraps * (INT64_C(1) << 32);
    to[k] = (int32_t)((sum + half + ((sum >> bits) & 1)) >> bits);
  }
}
