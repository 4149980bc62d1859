// Included once a level (levels.h); assembly/adam.ts has the same, with the formulas.

LOOP(void, adam)
(char* memory, uint64_t parameters, uint64_t firstMoments, uint64_t secondMoments, uint64_t gradients,
 uint32_t length, float resolution, float scale, float clip, float beta1, float gain1, float beta2, float gain2,
 float decay, float rate, float root, float epsilon) {
  float* __restrict p = AT(float, parameters);
  float* __restrict first = AT(float, firstMoments);
  float* __restrict second = AT(float, secondMoments);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  for (uint32_t k = 0; k < length; k++) {
    const float g = LEVEL::meanOf(from[k], resolution, scale) * clip + decay * p[k];
    const float m = beta1 * first[k] + gain1 * g;
    const float v = beta2 * second[k] + gain2 * (g * g);
    const float divisor = __builtin_sqrtf(v) * root + epsilon;
    first[k] = m;
    second[k] = v;
    p[k] = p[k] - rate * (m / divisor);
  }
}
