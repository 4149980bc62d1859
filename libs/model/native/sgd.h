// Included once a level (levels.h); assembly/sgd.ts has the same, with the formulas.

LOOP(void, sgd)
(char* memory, uint64_t parameters, uint64_t gradients, uint32_t length, float resolution, float scale, float clip,
 float decay, float rate) {
  float* __restrict p = AT(float, parameters);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  for (uint32_t k = 0; k < length; k++) {
    const float g = LEVEL::meanOf(from[k], resolution, scale) * clip + decay * p[k];
    p[k] = p[k] - rate * g;
  }
}

LOOP(void, momentum)
(char* memory, uint64_t parameters, uint64_t velocities, uint64_t gradients, uint32_t length, float resolution,
 float scale, float clip, float momentum, float decay, float rate, float ahead, float carried) {
  float* __restrict p = AT(float, parameters);
  float* __restrict velocity = AT(float, velocities);
  const int32_t* __restrict from = AT(const int32_t, gradients);
  for (uint32_t k = 0; k < length; k++) {
    const float g = LEVEL::meanOf(from[k], resolution, scale) * clip + decay * p[k];
    const float v = momentum * velocity[k] + g;
    velocity[k] = v;
    p[k] = p[k] - rate * (ahead * g + carried * v);
  }
}
