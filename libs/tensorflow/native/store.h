// Reads a tensor back, straight into memory of ours.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/**
 * (target float[n], source T[…]) → nothing: the n values of the source are in the target's memory, which is ours and
 * which the tensor only lends to TensorFlow.
 */
template <typename T>
void storeInto(Call& call) {
  const TF_Tensor* target = call.input(0);
  const TF_Tensor* source = call.input(1);
  const int64_t size = elements(source);
  if (!call.require(elements(target) == size, "a target of the size of the source")) return;
  float* to = const_cast<float*>(data<float>(target));
  const T* from = data<T>(source);
  forRows((size + LANES - 1) / LANES, LANES, [=](int64_t row) {
    const int64_t at = row * LANES;
    store(to + at, load(from + at, lanesAt(at, size)), lanesAt(at, size));
  });
}

template <typename T>
void addStoreKernels() {
  add<storeInto<T>>("RingmasterStoreInto", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
