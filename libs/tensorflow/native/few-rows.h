// The product of a few rows with a large matrix, which is read once from memory and never copied: what generating a token
// waits for.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/** Rows and columns whose sums are taken at a time: as many as registers hold. */
constexpr int FEW_ROWS = 2 * RINGMASTER_TILE_VECTORS;
constexpr int FEW_COLUMNS = 2 * RINGMASTER_TILE_VECTORS;

/** Adds to the sums what `count` elements of each row from k on have. */
template <int ROWS, int COLUMNS, typename T>
__attribute__((always_inline)) inline void fewSteps(Floats (&sums)[ROWS][COLUMNS], const T* x, const T* weights,
                                                    int64_t K, int64_t k, int64_t count) {
  Floats line[ROWS];
#pragma GCC unroll 8
  for (int row = 0; row < ROWS; row++) line[row] = load(x + row * K + k, count);
#pragma GCC unroll 8
  for (int column = 0; column < COLUMNS; column++) {
    // The same place two blocks on: nothing else asks for it while this block is multiplied by all rows.
    __builtin_prefetch(weights + (2 * COLUMNS + column) * K + k, 0, 2);
    const Floats weight = load(weights + column * K + k, count);
#pragma GCC unroll 8
    for (int row = 0; row < ROWS; row++) sums[row][column] += line[row] * weight;
  }
}

/** y[ROWS,COLUMNS] of x [ROWS,K] and weights [COLUMNS,K]. An element is summed in one order, whatever is beside it. */
template <int ROWS, int COLUMNS, typename T>
inline void fewSums(const T* x, const T* weights, T* y, int64_t K, int64_t stride) {
  Floats sums[ROWS][COLUMNS] = {};
  int64_t k = 0;
  for (; k + LANES <= K; k += LANES) fewSteps<ROWS, COLUMNS>(sums, x, weights, K, k, LANES);
  if (k < K) fewSteps<ROWS, COLUMNS>(sums, x, weights, K, k, K - k);
  for (int row = 0; row < ROWS; row++)
    for (int column = 0; column < COLUMNS; column++)
      store(y + row * stride + column, all(total(sums[row][column])), 1);
}

/** All rows for some columns, whose weights stay in the cache. */
template <int COLUMNS, typename T>
inline void fewColumns(const T* x, const T* weights, T* y, int64_t M, int64_t K, int64_t stride) {
  int64_t row = 0;
  for (; row + FEW_ROWS <= M; row += FEW_ROWS)
    fewSums<FEW_ROWS, COLUMNS>(x + row * K, weights, y + row * stride, K, stride);
  for (; row < M; row++) fewSums<1, COLUMNS>(x + row * K, weights, y + row * stride, K, stride);
}

/** (x T[M,K], weights T[N,K]) → y T[M,N] = x · weightsᵀ. */
template <typename T>
void fewRows(Call& call) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* weights = call.input(1);
  const int64_t K = width(x);
  const int64_t M = rows(x);
  const int64_t N = rows(weights);
  if (!call.require(width(weights) == K, "rows of one width")) return;
  T* y = call.output<T>(0, {M, N});
  if (y == nullptr) return;
  const T* from = data<T>(x);
  const T* factor = data<T>(weights);
  const int64_t blocks = (N + FEW_COLUMNS - 1) / FEW_COLUMNS;
#pragma omp parallel for schedule(static) if (N * K > FEW)
  for (int64_t block = 0; block < blocks; block++) {
    int64_t column = block * FEW_COLUMNS;
    if (column + FEW_COLUMNS <= N) {
      fewColumns<FEW_COLUMNS>(from, factor + column * K, y + column, M, K, N);
      continue;
    }
    for (; column < N; column++) fewColumns<1>(from, factor + column * K, y + column, M, K, N);
  }
}

template <typename T>
void addFewRowsKernels() {
  add<fewRows<T>>("RingmasterFewRows", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
