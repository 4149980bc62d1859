// Normalisation by the root of the mean square (Zhang and Sennrich, "RMSNorm", 2019) in one pass over memory.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct RmsNormaliseAttributes {
  float epsilon;

  explicit RmsNormaliseAttributes(const Construction& given) : epsilon(given.number("epsilon")) {}
};

/** (x[…,R·H], gain[H]) → (y T[…,R·H], 1 / root of the mean square of each H elements [N]) */
template <typename T>
void rmsNormalise(Call& call, const RmsNormaliseAttributes& attributes) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* gain = call.input(1);
  const int64_t H = elements(gain);
  if (!call.require(H > 0 && width(x) % H == 0, "a gain for every column")) return;
  const int64_t N = elements(x) / H;
  T* y = call.like<T>(0, x);
  float* scales = call.output<float>(1, {N});
  if (y == nullptr || scales == nullptr) return;
  const float* stream = data<float>(x);
  const float* gains = data<float>(gain);
  forRows(N, H, [=](int64_t row) {
    const float* from = stream + row * H;
    Floats squares = {};
    for (int64_t c = 0; c < H; c += LANES) {
      const Floats value = load(from + c, lanesAt(c, H));
      squares += value * value;
    }
    const float scale = 1.0f / sqrtf(total(squares) / H + attributes.epsilon);
    scales[row] = scale;
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      store(y + row * H + c, load(from + c, n) * scale * load(gains + c, n), n);
    }
  });
}

/**
 * (dy T[…,R·H], x[…,R·H], scales[N], gain[H], along[…,R·H or 0]) → (dx[…,R·H], dgain[H]), where `along` is the gradient
 * that reaches x beside the normalisation. With g = dy ∘ gain and x̂ = scale x:
 * dx = scale ∘ (g − x̂ ∘ mean(g ∘ x̂)) + along.
 */
template <typename T>
void rmsNormaliseGradient(Call& call) {
  const TF_Tensor* dy = call.input(0);
  const TF_Tensor* x = call.input(1);
  const TF_Tensor* scale = call.input(2);
  const TF_Tensor* gain = call.input(3);
  const TF_Tensor* along = call.input(4);
  const int64_t H = elements(gain);
  const bool fits = H > 0 && width(x) % H == 0 && elements(dy) == elements(x) && elements(scale) * H == elements(x) &&
                    (elements(along) == 0 || elements(along) == elements(x));
  if (!call.require(fits, "gradients, scales and gain fit x")) return;
  float* dx = call.like<float>(0, x);
  float* dGain = call.like<float>(1, gain);
  if (dx == nullptr || dGain == nullptr) return;
  const T* slopes = data<T>(dy);
  const float* stream = data<float>(x);
  const float* scales = data<float>(scale);
  const float* gains = data<float>(gain);
  const float* beside = elements(along) == 0 ? nullptr : data<float>(along);
  sumRows(elements(x) / H, H, H, dGain, [=](int64_t row, float* sums) {
    const float factor = scales[row];
    Floats products = {};
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const Floats share = load(slopes + row * H + c, n) * (load(stream + row * H + c, n) * factor);
      products += share * load(gains + c, n);
      addTo(sums + c, share, n);
    }
    const float tilt = total(products) / H;
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const int64_t at = row * H + c;
      const Floats normal = load(stream + at, n) * factor;
      Floats gradient = (load(slopes + at, n) * load(gains + c, n) - normal * tilt) * factor;
      if (beside != nullptr) gradient += load(beside + at, n);
      store(dx + at, gradient, n);
    }
  });
}

template <typename T>
void addRmsNormaliseKernels() {
  add<RmsNormaliseAttributes, rmsNormalise<T>>("RingmasterRmsNormalise", TypeOf<T>::value);
  add<rmsNormaliseGradient<T>>("RingmasterRmsNormaliseGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
