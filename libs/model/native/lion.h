// Included once a level (levels.h); assembly/lion.ts has the same, with the formulas.

LOOP(void, lion)
(char* memory, uint64_t parameters, uint64_t first_moments, uint64_t gradients, uint32_t length, float resolution,
 float scale, float clip, float beta1, float gain1, float beta2, float gain2, float shrink, float rate) {
  float* __restrict p = AT(float, parameters);
  float* __restrict first = AT(float, first_moments);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  for (uint32_t k = 0; k < length; k++) {
    const float g = LEVEL::meanOf(from[k], resolution, scale) * clip;
    const float m = first[k];
    const float d = beta1 * m + gain1 * g;
    const float step = (d > 0 ? rate : 0.0f) - (d < 0 ? rate : 0.0f);
    p[k] = p[k] * shrink - step;
    first[k] = beta2 * m + gain2 * g;
  }
}
