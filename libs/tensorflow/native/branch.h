// What is added to a residual stream, in one pass over memory.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/** (x[N,H], branch T[N,H], bias[H or 0], mask[N,H or 0]) → x + (branch + bias) ∘ mask, [N,H] */
template <typename T>
void addBranch(Call& call) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* branch = call.input(1);
  const TF_Tensor* bias = call.input(2);
  const TF_Tensor* mask = call.input(3);
  const int64_t H = width(x);
  const bool fits = elements(branch) == elements(x) && (elements(bias) == 0 || elements(bias) == H) &&
                    (elements(mask) == 0 || elements(mask) == elements(x));
  if (!call.require(fits, "branch, bias and mask fit the stream")) return;
  float* sum = call.like<float>(0, x);
  if (sum == nullptr) return;
  const float* stream = data<float>(x);
  const T* from = data<T>(branch);
  const float* shift = elements(bias) == 0 ? nullptr : data<float>(bias);
  const float* keep = elements(mask) == 0 ? nullptr : data<float>(mask);
  forRows(rows(x), width(x), [=](int64_t row) {
    for (int64_t c = 0; c < H; c += LANES) {
      const int64_t n = lanesAt(c, H);
      const int64_t at = row * H + c;
      Floats value = load(from + at, n);
      if (shift != nullptr) value += load(shift + c, n);
      if (keep != nullptr) value *= load(keep + at, n);
      store(sum + at, load(stream + at, n) + value, n);
    }
  });
}

template <typename T>
void addBranchKernels() {
  add<addBranch<T>>("RingmasterAddBranch", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
