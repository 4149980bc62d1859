// Included once a level (levels.h); assembly/average.ts has the same, with the formula.

LOOP(void, average)(char* memory, uint64_t averages, uint64_t parameters, uint32_t length, float gain) {
  float* __restrict a = AT(float, averages);
  const float* __restrict p = AT(const float, parameters);
  for (uint32_t k = 0; k < length; k++) a[k] = a[k] - gain * (a[k] - p[k]);
}
