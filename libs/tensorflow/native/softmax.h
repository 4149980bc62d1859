// Softmax of one row, through a buffer that stays in the processor's cache.
#pragma once

#include "rows.h"

namespace RINGMASTER_LEVEL {

/** Room for at least `count` floats, of this thread, until its next call. */
inline float* buffer(int64_t count) {
  static thread_local float* memory = nullptr;
  static thread_local int64_t room = 0;
  if (room < count) {
    free(memory);
    room = count;
    memory = static_cast<float*>(malloc(count * sizeof(float)));
  }
  return memory;
}

/** The powers e^(x - max x) of a row, what they are to be multiplied with to become probabilities, and the largest x. */
struct Powers {
  const float* values;
  float factor;
  float top;
};

/** `score(k, n)` gives elements k to k + n of the row. */
template <typename Score>
Powers powersOf(int64_t width, const Score& score) {
  float* values = buffer(width + LANES);
  Floats most = all(-INFINITY);
  for (int64_t k = 0; k < width; k += LANES) {
    const int64_t n = lanesAt(k, width);
    Floats x = score(k, n);
    for (int64_t lane = n; lane < LANES; lane++) x[lane] = -INFINITY;
    most = x > most ? x : most;
    store(values + k, x);
  }
  const float top = largest(most);
  Floats sum = {};
  for (int64_t k = 0; k < width; k += LANES) {
    const Floats power = exponential(load(values + k) - top);
    sum += power;
    store(values + k, power);
  }
  return {values, 1.0f / total(sum), top};
}

}  // namespace RINGMASTER_LEVEL
