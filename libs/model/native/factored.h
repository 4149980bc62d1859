// Included once a level (levels.h); assembly/factored.ts has the same, with the formulas.

LOOP(void, squaresBySide)
(char* memory, uint64_t gradients, uint32_t rows, uint32_t columns, uint64_t rowMeans, uint64_t columnSums,
 float resolution, float scale, float clip, float epsilon) {
  const int32_t* from = AT(const int32_t, gradients);
  float* means = AT(float, rowMeans);
  double* sums = AT(double, columnSums);
  memset(sums, 0, columns * sizeof(double));
  const uint32_t whole = columns & ~3u;
  for (uint32_t row = 0; row < rows; row++, from += columns) {
    LEVEL::Doubles lanes = {};
    for (uint32_t column = 0; column < whole; column += 4) {
      LEVEL::Integers integers;
      memcpy(&integers, from + column, sizeof integers);
      const LEVEL::Floats g = __builtin_convertvector(integers, LEVEL::Floats) * resolution * scale * clip;
      const LEVEL::Doubles squares = __builtin_convertvector(g * g + epsilon, LEVEL::Doubles);
      lanes += squares;
      LEVEL::Doubles before;
      memcpy(&before, sums + column, sizeof before);
      before += squares;
      memcpy(sums + column, &before, sizeof before);
    }
    double sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    for (uint32_t column = whole; column < columns; column++) {
      const float g = LEVEL::meanOf(from[column], resolution, scale) * clip;
      const double square = g * g + epsilon;
      sum += square;
      sums[column] += square;
    }
    means[row] = (float)(sum / columns);
  }
}

LOOP(double, factoredSquares)
(char* memory, uint64_t gradients, uint32_t rows, uint32_t columns, uint64_t rowFactors, uint64_t columnFactors,
 float resolution, float scale, float clip) {
  const int32_t* from = AT(const int32_t, gradients);
  const float* byRow = AT(const float, rowFactors);
  const float* byColumn = AT(const float, columnFactors);
  const uint32_t whole = columns & ~3u;
  double total = 0;
  for (uint32_t row = 0; row < rows; row++, from += columns) {
    LEVEL::Doubles lanes = {};
    for (uint32_t column = 0; column < whole; column += 4) {
      LEVEL::Integers integers;
      memcpy(&integers, from + column, sizeof integers);
      const LEVEL::Floats g = __builtin_convertvector(integers, LEVEL::Floats) * resolution * scale * clip;
      LEVEL::Floats factors;
      memcpy(&factors, byColumn + column, sizeof factors);
      const LEVEL::Doubles u = __builtin_convertvector(byRow[row] * factors * g, LEVEL::Doubles);
      lanes += u * u;
    }
    double sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    for (uint32_t column = whole; column < columns; column++) {
      const float g = LEVEL::meanOf(from[column], resolution, scale) * clip;
      const double u = byRow[row] * byColumn[column] * g;
      sum += u * u;
    }
    total += sum;
  }
  return total;
}

LOOP(void, factored)
(char* memory, uint64_t parameters, uint64_t gradients, uint32_t rows, uint32_t columns, uint64_t rowFactors,
 uint64_t columnFactors, float resolution, float scale, float clip, float shrink, float rate) {
  float* __restrict p = AT(float, parameters);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  const float* __restrict byRow = AT(const float, rowFactors);
  const float* __restrict byColumn = AT(const float, columnFactors);
  for (uint32_t row = 0; row < rows; row++, from += columns, p += columns) {
    const float factor = byRow[row];
    for (uint32_t column = 0; column < columns; column++) {
      const float g = LEVEL::meanOf(from[column], resolution, scale) * clip;
      const float u = factor * byColumn[column] * g;
      p[column] = p[column] * shrink - rate * u;
    }
  }
}

LOOP(void, factoredMean)
(char* memory, uint64_t parameters, uint64_t firstMoments, uint64_t gradients, uint32_t rows, uint32_t columns,
 uint64_t rowFactors, uint64_t columnFactors, float resolution, float scale, float clip, float shrink, float rate,
 float beta1, float gain1) {
  float* __restrict p = AT(float, parameters);
  float* __restrict first = AT(float, firstMoments);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  const float* __restrict byRow = AT(const float, rowFactors);
  const float* __restrict byColumn = AT(const float, columnFactors);
  for (uint32_t row = 0; row < rows; row++, from += columns, p += columns, first += columns) {
    const float factor = byRow[row];
    for (uint32_t column = 0; column < columns; column++) {
      const float g = LEVEL::meanOf(from[column], resolution, scale) * clip;
      const float u = factor * byColumn[column] * g;
      const float m = beta1 * first[column] + gain1 * (rate * u);
      first[column] = m;
      p[column] = p[column] * shrink - m;
    }
  }
}
