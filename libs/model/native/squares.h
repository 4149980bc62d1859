// Included once a level (levels.h); assembly/squares.ts has the same.

namespace LEVEL {

typedef int32_t Integers __attribute__((vector_size(16)));
typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(32)));

}  // namespace LEVEL

/**
 * The sum of the squares of float32(source[k]) · resolution · scale, each product rounded to float32, in float64: four
 * sums, of the elements with k mod 4 = 0, 1, 2, 3, added as (0 + 1) + (2 + 3), then the elements of an incomplete last
 * vector one by one.
 */
LOOP(double, squares)(char* memory, uint64_t source, uint32_t length, float resolution, float scale) {
  const int32_t* from = AT(const int32_t, source);
  LEVEL::Doubles sums = {};
  const uint32_t vectorsEnd = length & ~3u;
  for (uint32_t k = 0; k < vectorsEnd; k += 4) {
    LEVEL::Integers integers;
    memcpy(&integers, from + k, sizeof integers);
    const LEVEL::Floats means = __builtin_convertvector(integers, LEVEL::Floats) * resolution * scale;
    const LEVEL::Doubles wide = __builtin_convertvector(means, LEVEL::Doubles);
    sums += wide * wide;
  }
  double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (uint32_t k = vectorsEnd; k < length; k++) {
    const double mean = LEVEL::meanOf(from[k], resolution, scale);
    sum += mean * mean;
  }
  return sum;
}
