// Included once a level (levels.h); assembly/matrices.ts has the same, with the formulas.

LOOP(void, muonDirection)
(char* memory, uint64_t momenta, uint64_t directions, uint64_t gradients, uint32_t length, float resolution,
 float scale, float clip, float gain, float ahead) {
  float* __restrict m = AT(float, momenta);
  float* __restrict d = AT(float, directions);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  for (uint32_t k = 0; k < length; k++) {
    const float g = LEVEL::meanOf(from[k], resolution, scale) * clip;
    const float mean = m[k] + gain * (g - m[k]);
    m[k] = mean;
    d[k] = mean + ahead * (g - mean);
  }
}

LOOP(double, floatSquares)(char* memory, uint64_t source, uint32_t length) {
  const float* from = AT(const float, source);
  LEVEL::Doubles sums = {};
  const uint32_t vectorsEnd = length & ~3u;
  for (uint32_t k = 0; k < vectorsEnd; k += 4) {
    LEVEL::Floats floats;
    memcpy(&floats, from + k, sizeof floats);
    const LEVEL::Doubles wide = __builtin_convertvector(floats, LEVEL::Doubles);
    sums += wide * wide;
  }
  double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (uint32_t k = vectorsEnd; k < length; k++) sum += (double)from[k] * from[k];
  return sum;
}

LOOP(void, scaled)(char* memory, uint64_t x, uint32_t length, float factor) {
  float* values = AT(float, x);
  for (uint32_t k = 0; k < length; k++) values[k] *= factor;
}

LOOP(void, transpose)(char* memory, uint64_t source, uint64_t target, uint32_t rows, uint32_t columns) {
  const float* __restrict from = AT(const float, source);
  float* __restrict into = AT(float, target);
  constexpr uint32_t TILE = 16;
  for (uint32_t top = 0; top < rows; top += TILE)
    for (uint32_t left = 0; left < columns; left += TILE)
      for (uint32_t row = top; row < top + TILE && row < rows; row++)
        for (uint32_t column = left; column < left + TILE && column < columns; column++)
          into[(uint64_t)column * rows + row] = from[(uint64_t)row * columns + column];
}

namespace LEVEL {

/** Columns of a tile of a product: two registers of 512 bits. */
constexpr uint32_t TILE = 32;

/** The product of ROWS rows with a tile of columns; `right`, `addend` and `into` begin at the tile. */
template <int ROWS>
HELPER void tile(const float* left, const float* right, const float* addend, float* into, uint32_t inner,
                 uint32_t columns, float alpha, float beta) {
  float sums[ROWS][TILE] = {};
  for (uint32_t k = 0; k < inner; k++, right += columns)
    for (int row = 0; row < ROWS; row++) {
      const float factor = left[(uint64_t)row * inner + k];
      for (uint32_t column = 0; column < TILE; column++) sums[row][column] += factor * right[column];
    }
  for (int row = 0; row < ROWS; row++)
    for (uint32_t column = 0; column < TILE; column++) {
      const uint64_t at = (uint64_t)row * columns + column;
      into[at] = beta * addend[at] + alpha * sums[row][column];
    }
}

}  // namespace LEVEL

LOOP(void, product)
(char* memory, uint64_t left, uint64_t right, uint64_t addend, uint64_t into, uint32_t rows, uint32_t inner,
 uint32_t columns, float alpha, float beta) {
  const float* a = AT(const float, left);
  const float* b = AT(const float, right);
  const float* c = AT(const float, addend);
  float* d = AT(float, into);
  uint32_t column = 0;
  for (; column + LEVEL::TILE <= columns; column += LEVEL::TILE) {
    uint32_t row = 0;
    for (; row + 4 <= rows; row += 4) {
      const uint64_t at = (uint64_t)row * columns + column;
      LEVEL::tile<4>(a + (uint64_t)row * inner, b + column, c + at, d + at, inner, columns, alpha, beta);
    }
    for (; row < rows; row++) {
      const uint64_t at = (uint64_t)row * columns + column;
      LEVEL::tile<1>(a + (uint64_t)row * inner, b + column, c + at, d + at, inner, columns, alpha, beta);
    }
  }
  for (uint32_t row = 0; row < rows; row++)
    for (uint32_t rest = column; rest < columns; rest++) {
      float sum = 0;
      for (uint32_t k = 0; k < inner; k++) sum += a[(uint64_t)row * inner + k] * b[(uint64_t)k * columns + rest];
      const uint64_t at = (uint64_t)row * columns + rest;
      d[at] = beta * c[at] + alpha * sum;
    }
}

LOOP(void, descend)
(char* memory, uint64_t parameters, uint64_t directions, uint32_t length, float shrink, float rate) {
  float* __restrict p = AT(float, parameters);
  const float* __restrict d = AT(const float, directions);
  for (uint32_t k = 0; k < length; k++) p[k] = p[k] * shrink - rate * d[k];
}
