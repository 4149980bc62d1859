// How a kernel is given to TensorFlow, and what it is told of an operation besides its inputs.
#pragma once

#include "call.h"

namespace RINGMASTER_LEVEL {

/** The attributes of an operation, while a kernel for it is made. */
class Construction {
 public:
  explicit Construction(TF_OpKernelConstruction* construction)
      : construction_(construction), status_(TF_NewStatus()) {}

  ~Construction() { TF_DeleteStatus(status_); }

  Construction(const Construction&) = delete;
  Construction& operator=(const Construction&) = delete;

  int32_t integer(const char* name) const {
    int32_t value = 0;
    TF_OpKernelConstruction_GetAttrInt32(construction_, name, &value, status_);
    return value;
  }

  float number(const char* name) const {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction_, name, &value, status_);
    return value;
  }

 private:
  TF_OpKernelConstruction* construction_;
  TF_Status* status_;
};

using Create = void* (*)(TF_OpKernelConstruction*);
using Compute = void (*)(void*, TF_OpKernelContext*);
using Destroy = void (*)(void*);

inline void registerKernel(const char* operation, TF_DataType type, Create create, Compute compute, Destroy destroy) {
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder* builder = TF_NewKernelBuilder(operation, "CPU", create, compute, destroy);
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  TF_RegisterKernelBuilder(operation, builder, status);
  TF_DeleteStatus(status);
}

/** Registers kernel(call) for an operation without attributes. */
template <void (*kernel)(Call&)>
void add(const char* operation, TF_DataType type) {
  registerKernel(
      operation, type, nullptr,
      [](void*, TF_OpKernelContext* context) {
        Call call(context);
        kernel(call);
      },
      nullptr);
}

/** Registers kernel(call, attributes), where `Attributes` are made from a construction. */
template <typename Attributes, void (*kernel)(Call&, const Attributes&)>
void add(const char* operation, TF_DataType type) {
  registerKernel(
      operation, type,
      [](TF_OpKernelConstruction* construction) -> void* { return new Attributes(Construction(construction)); },
      [](void* attributes, TF_OpKernelContext* context) {
        Call call(context);
        kernel(call, *static_cast<Attributes*>(attributes));
      },
      [](void* attributes) { delete static_cast<Attributes*>(attributes); });
}

}  // namespace RINGMASTER_LEVEL
