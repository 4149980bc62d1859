// One call of an operation: its inputs, its outputs, and what is said when they do not fit.
#pragma once

#include <stdint.h>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"
#include "vector.h"

namespace RINGMASTER_LEVEL {

template <typename T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr TF_DataType value = TF_FLOAT;
};
template <>
struct TypeOf<BFloat16> {
  static constexpr TF_DataType value = TF_BFLOAT16;
};

class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}

  ~Call() {
    for (int at = 0; at < count_; at++) TF_DeleteTensor(tensors_[at]);
    TF_DeleteStatus(status_);
  }

  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  TF_Tensor* input(int index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_);
    return tensors_[count_++] = tensor;
  }

  /** An output of the shape of a tensor. */
  template <typename T>
  T* like(int index, const TF_Tensor* model) {
    int64_t extents[8];
    const int rank = TF_NumDims(model);
    for (int at = 0; at < rank; at++) extents[at] = TF_Dim(model, at);
    return output<T>(index, extents, rank);
  }

  template <typename T>
  T* output(int index, const int64_t* extents, int rank) {
    int64_t size = sizeof(T);
    for (int at = 0; at < rank; at++) size *= extents[at];
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, TypeOf<T>::value, extents, rank, size, status_);
    if (tensor == nullptr) {
      TF_OpKernelContext_Failure(context_, status_);
      return nullptr;
    }
    tensors_[count_++] = tensor;
    return static_cast<T*>(TF_TensorData(tensor));
  }

  template <typename T, int RANK>
  T* output(int index, const int64_t (&extents)[RANK]) {
    return output<T>(index, extents, RANK);
  }

  /** Whether `fits` holds; where it does not the operation fails with `reason`. */
  bool require(bool fits, const char* reason) {
    if (fits) return true;
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, reason);
    TF_OpKernelContext_Failure(context_, status_);
    return false;
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  TF_Tensor* tensors_[12];
  int count_ = 0;
};

template <typename T>
const T* data(const TF_Tensor* tensor) {
  return static_cast<const T*>(TF_TensorData(tensor));
}

inline int64_t elements(const TF_Tensor* tensor) { return TF_TensorElementCount(tensor); }

/** The last extent. */
inline int64_t width(const TF_Tensor* tensor) { return TF_Dim(tensor, TF_NumDims(tensor) - 1); }

/** How many rows of the last extent there are. */
inline int64_t rows(const TF_Tensor* tensor) {
  return width(tensor) == 0 ? 0 : elements(tensor) / width(tensor);
}

inline int64_t lanesAt(int64_t column, int64_t width) {
  return width - column < LANES ? width - column : LANES;
}

}  // namespace RINGMASTER_LEVEL
