// Sums of matrices of which some have fewer rows: gradients of keys that not every query sees.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/** (target[B,G,K,D], source T[B,G,k,D]) → nothing: each source is added to the first k rows of its target. */
template <typename T>
void addLeading(Call& call) {
  const TF_Tensor* target = call.input(0);
  const TF_Tensor* source = call.input(1);
  const bool four = TF_NumDims(target) == 4 && TF_NumDims(source) == 4;
  const bool fits = four && TF_Dim(target, 0) == TF_Dim(source, 0) && TF_Dim(target, 1) == TF_Dim(source, 1) &&
                    TF_Dim(source, 2) <= TF_Dim(target, 2) && width(target) == width(source);
  if (!call.require(fits, "a target for every row")) return;
  const int64_t K = TF_Dim(target, 2);
  const int64_t k = TF_Dim(source, 2);
  const int64_t D = width(source);
  float* to = const_cast<float*>(data<float>(target));
  const T* from = data<T>(source);
  forRows(rows(source), D, [=](int64_t row) {
    float* sums = to + (row / k * K + row % k) * D;
    for (int64_t d = 0; d < D; d += LANES) {
      const int64_t n = lanesAt(d, D);
      addTo(sums + d, load(from + row * D + d, n), n);
    }
  });
}

template <typename T>
void addLeadingKernels() {
  add<addLeading<T>>("RingmasterAddLeading", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
