// Layer normalisation (Ba, Kiros and Hinton, 2016) in one pass over memory.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct NormaliseAttributes {
  float epsilon;

  explicit NormaliseAttributes(const Construction& given) : epsilon(given.number("epsilon")) {}
};

/** (x[N,H], gain[H], shift[H]) → (y T[N,H], mean and 1 / deviation [N,2]) */
template <typename T>
void normalise(Call& call, const NormaliseAttributes& attributes) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* gain = call.input(1);
  const TF_Tensor* shift = call.input(2);
  const int64_t H = width(x);
  if (!call.require(elements(gain) == H && elements(shift) == H, "one gain and shift a column")) return;
  T* y = call.like<T>(0, x);
  float* moments = call.output<float>(1, {rows(x), 2});
  if (y == nullptr || moments == nullptr) return;
  const float* stream = data<float>(x);
  const float* gains = data<float>(gain);
  const float* shifts = data<float>(shift);
  forRows(rows(x), width(x), [=](int64_t row) {
    const float* from = stream + row * H;
    Floats sum = {};
    for (int64_t c = 0; c < H; c += LANES) sum += load(from + c, lanesAt(c, H));
    const float mean = total(sum) / H;
    Floats squares = {};
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      Floats centred = load(from + c, n) - mean;
      if (n < LANES) centred = load((const float*)&centred, n);
      squares += centred * centred;
    }
    const float scale = 1.0f / sqrtf(total(squares) / H + attributes.epsilon);
    moments[2 * row] = mean;
    moments[2 * row + 1] = scale;
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const Floats normal = (load(from + c, n) - mean) * scale;
      store(y + row * H + c, normal * load(gains + c, n) + load(shifts + c, n), n);
    }
  });
}

/**
 * (dy T[N,H], x[N,H], moments[N,2], gain[H], along[N,H or 0]) → (dx[N,H], dgain[H], dshift[H]), where `along` is the
 * gradient that reaches x beside the normalisation. With g = dy ∘ gain and x̂ normal:
 * dx = scale ∘ (g − mean(g) − x̂ ∘ mean(g ∘ x̂)) + along.
 */
template <typename T>
void normaliseGradient(Call& call) {
  const TF_Tensor* dy = call.input(0);
  const TF_Tensor* x = call.input(1);
  const TF_Tensor* moments = call.input(2);
  const TF_Tensor* gain = call.input(3);
  const TF_Tensor* along = call.input(4);
  const int64_t H = width(x);
  const bool fits = elements(dy) == elements(x) && elements(moments) == 2 * rows(x) && elements(gain) == H &&
                    (elements(along) == 0 || elements(along) == elements(x));
  if (!call.require(fits, "gradients, moments and gain fit x")) return;
  float* dx = call.like<float>(0, x);
  float* dGain = call.like<float>(1, gain);
  float* dShift = call.like<float>(2, gain);
  if (dx == nullptr || dGain == nullptr || dShift == nullptr) return;
  const T* slopes = data<T>(dy);
  const float* stream = data<float>(x);
  const float* statistics = data<float>(moments);
  const float* gains = data<float>(gain);
  const float* beside = elements(along) == 0 ? nullptr : data<float>(along);
  float* both = static_cast<float*>(malloc(2 * H * sizeof(float)));
  sumRows(rows(x), H, 2 * H, both, [=](int64_t row, float* sums) {
    const float mean = statistics[2 * row];
    const float scale = statistics[2 * row + 1];
    Floats sum = {};
    Floats products = {};
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const Floats slope = load(slopes + row * H + c, n);
      const Floats normal = (load(stream + row * H + c, n) - mean) * scale;
      const Floats g = slope * load(gains + c, n);
      sum += g;
      products += g * normal;
      addTo(sums + c, slope * normal, n);
      addTo(sums + H + c, slope, n);
    }
    const float level = total(sum) / H;
    const float tilt = total(products) / H;
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const int64_t at = row * H + c;
      const Floats normal = (load(stream + at, n) - mean) * scale;
      Floats gradient = (load(slopes + at, n) * load(gains + c, n) - level - normal * tilt) * scale;
      if (beside != nullptr) gradient += load(beside + at, n);
      store(dx + at, gradient, n);
    }
  });
  memcpy(dGain, both, H * sizeof(float));
  memcpy(dShift, both + H, H * sizeof(float));
  free(both);
}

template <typename T>
void addNormaliseKernels() {
  add<NormaliseAttributes, normalise<T>>("RingmasterNormalise", TypeOf<T>::value);
  add<normaliseGradient<T>>("RingmasterNormaliseGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
