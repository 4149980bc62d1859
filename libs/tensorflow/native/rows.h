// Loops over rows, and sums over them that do not depend on how many threads there are: rows are cut into chunks of a
// fixed size, each chunk is summed by itself, and the sums of the chunks are added in their order.
#pragma once

#include <stdlib.h>

#include "call.h"

namespace RINGMASTER_LEVEL {

constexpr int64_t CHUNK = 32;

/** Elements below which waking other threads costs more than they help. */
constexpr int64_t FEW = 1 << 15;

inline int64_t chunks(int64_t rows) { return (rows + CHUNK - 1) / CHUNK; }

/** Calls body(row) for every row of `width` elements; rows are independent of each other. */
template <typename Body>
void forRows(int64_t rows, int64_t width, const Body& body) {
#pragma omp parallel for schedule(static) if (rows * width > FEW)
  for (int64_t chunk = 0; chunk < chunks(rows); chunk++) {
    const int64_t end = (chunk + 1) * CHUNK < rows ? (chunk + 1) * CHUNK : rows;
    for (int64_t row = chunk * CHUNK; row < end; row++) body(row);
  }
}

/**
 * Calls body(row, sums) for every row of `width` elements, which adds to `sums`[count]; `result`[count] is what all of
 * them added.
 */
template <typename Body>
void sumRows(int64_t rows, int64_t width, int64_t count, float* result, const Body& body) {
  float* partial = static_cast<float*>(calloc(chunks(rows) * count, sizeof(float)));
#pragma omp parallel for schedule(static) if (rows * width > FEW)
  for (int64_t chunk = 0; chunk < chunks(rows); chunk++) {
    const int64_t end = (chunk + 1) * CHUNK < rows ? (chunk + 1) * CHUNK : rows;
    for (int64_t row = chunk * CHUNK; row < end; row++) body(row, partial + chunk * count);
  }
  memset(result, 0, count * sizeof(float));
  for (int64_t chunk = 0; chunk < chunks(rows); chunk++) {
    const float* from = partial + chunk * count;
    for (int64_t column = 0; column < count; column += LANES) {
      const int64_t n = lanesAt(column, count);
      store(result + column, load(result + column, n) + load(from + column, n), n);
    }
  }
  free(partial);
}

/** sums[column …] += values */
inline void addTo(float* sums, Floats values, int64_t count) {
  store(sums, load(sums, count) + values, count);
}

}  // namespace RINGMASTER_LEVEL
