// Products of small matrices that lie in the processor's cache.
#pragma once

#include "vector.h"

namespace RINGMASTER_LEVEL {

/** Rows and vectors of a product that are summed at a time: as many as registers hold and hide their latency. */
constexpr int TILE_ROWS = 4;
constexpr int TILE_VECTORS = RINGMASTER_TILE_VECTORS;

/** What is written: the product itself, or what was there and the product. */
enum class Into { zero, sum };

/** How the left factor lies: [M,K], or [K,M] to be read as its transpose. */
enum class Left { plain, transposed };

struct Matrix {
  const float* at;
  int64_t stride;
};

template <Left left, Into into, int VECTORS>
inline void tile(Matrix a, Matrix b, float* c, int64_t stride, int64_t K) {
  Floats sums[TILE_ROWS][VECTORS];
  for (int row = 0; row < TILE_ROWS; row++)
    for (int v = 0; v < VECTORS; v++)
      sums[row][v] = into == Into::zero ? Floats{} : load(c + row * stride + v * LANES);
  for (int64_t k = 0; k < K; k++) {
    Floats line[VECTORS];
    for (int v = 0; v < VECTORS; v++) line[v] = load(b.at + k * b.stride + v * LANES);
    for (int row = 0; row < TILE_ROWS; row++) {
      const float factor = left == Left::plain ? a.at[row * a.stride + k] : a.at[k * a.stride + row];
      for (int v = 0; v < VECTORS; v++) sums[row][v] += factor * line[v];
    }
  }
  for (int row = 0; row < TILE_ROWS; row++)
    for (int v = 0; v < VECTORS; v++) store(c + row * stride + v * LANES, sums[row][v]);
}

template <Left left, Into into, int VECTORS>
inline void column(Matrix a, Matrix b, float* c, int64_t stride, int64_t M, int64_t K) {
  for (int64_t row = 0; row < M; row += TILE_ROWS) {
    const Matrix part = {a.at + row * (left == Left::plain ? a.stride : 1), a.stride};
    tile<left, into, VECTORS>(part, b, c + row * stride, stride, K);
  }
}

/**
 * c [M,N] = or += a · b [K,N], where M is a multiple of TILE_ROWS and N of LANES. Each element is a sum in the order of
 * k, whatever is computed beside it.
 */
template <Left left, Into into>
void product(Matrix a, Matrix b, float* c, int64_t stride, int64_t M, int64_t N, int64_t K) {
  int64_t n = 0;
  for (; n + TILE_VECTORS * LANES <= N; n += TILE_VECTORS * LANES)
    column<left, into, TILE_VECTORS>(a, {b.at + n, b.stride}, c + n, stride, M, K);
  for (; n < N; n += LANES) column<left, into, 1>(a, {b.at + n, b.stride}, c + n, stride, M, K);
}

template <int STEP>
inline void exchange(Floats (&block)[LANES]) {
  Ints upper, lower;
  for (int lane = 0; lane < LANES; lane++) {
    upper[lane] = lane & STEP ? LANES + (lane ^ STEP) : lane;
    lower[lane] = lane & STEP ? LANES + lane : lane ^ STEP;
  }
  for (int row = 0; row < LANES; row++) {
    if (row & STEP) continue;
    const Floats first = block[row];
    const Floats second = block[row | STEP];
    block[row] = __builtin_shuffle(first, second, upper);
    block[row | STEP] = __builtin_shuffle(first, second, lower);
  }
}

/** A block of sixteen rows of sixteen becomes its transpose. */
inline void transpose(Floats (&block)[LANES]) {
  exchange<8>(block);
  exchange<4>(block);
  exchange<2>(block);
  exchange<1>(block);
}

}  // namespace RINGMASTER_LEVEL
