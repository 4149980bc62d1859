// The kernels of all operations for one instruction set; `RINGMASTER_LEVEL` names it, and `#pragma GCC target` before
// this file chooses it.
#pragma once

#include "activation.h"
#include "add-rows.h"
#include "attention.h"
#include "cross-entropy.h"
#include "dropout.h"
#include "residual.h"
#include "self-attention.h"
#include "store.h"

namespace RINGMASTER_LEVEL {

/** Attributes of operations that have any. */
struct Attributes {
  float epsilon = 0;
  int32_t sequences = 0;
  int32_t heads = 0;
  int32_t causal = 0;
  int32_t dropped = 0;
};

inline void readInteger(TF_OpKernelConstruction* construction, const char* name, int32_t* value) {
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt32(construction, name, value, status);
  TF_DeleteStatus(status);
}

inline void* readEpsilon(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &attributes->epsilon, status);
  TF_DeleteStatus(status);
  return attributes;
}

inline void* readHeads(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  readInteger(construction, "sequences", &attributes->sequences);
  readInteger(construction, "heads", &attributes->heads);
  return attributes;
}

inline void* readAttended(TF_OpKernelConstruction* construction) {
  auto* attributes = static_cast<Attributes*>(readHeads(construction));
  readInteger(construction, "causal", &attributes->causal);
  return attributes;
}

inline void* readDropped(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  readInteger(construction, "dropped", &attributes->dropped);
  return attributes;
}

inline void forget(void* attributes) { delete static_cast<Attributes*>(attributes); }

template <void (*kernel)(Call&)>
void plain(void*, TF_OpKernelContext* context) {
  Call call(context);
  kernel(call);
}

template <typename T>
void normaliseCall(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  normalise<T>(call, static_cast<Attributes*>(attributes)->epsilon);
}

template <typename T>
void splitHeadsCall(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  const auto* given = static_cast<Attributes*>(attributes);
  splitHeads<T>(call, given->sequences, given->heads);
}

inline void selfAttentionCall(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  const auto* given = static_cast<Attributes*>(attributes);
  selfAttention(call, given->sequences, given->heads, given->causal != 0);
}

inline void selfAttentionGradientCall(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  const auto* given = static_cast<Attributes*>(attributes);
  selfAttentionGradient(call, given->sequences, given->heads, given->causal != 0);
}

inline void dropoutMaskCall(void* attributes, TF_OpKernelContext* context) {
  Call call(context);
  dropoutMask(call, static_cast<Attributes*>(attributes)->dropped);
}

using Create = void* (*)(TF_OpKernelConstruction*);
using Compute = void (*)(void*, TF_OpKernelContext*);

inline void add(const char* operation, TF_DataType type, Compute compute, Create create = nullptr) {
  TF_Status* status = TF_NewStatus();
  TF_KernelBuilder* builder =
      TF_NewKernelBuilder(operation, "CPU", create, compute, create == nullptr ? nullptr : forget);
  TF_KernelBuilder_TypeConstraint(builder, "T", type, status);
  TF_RegisterKernelBuilder(operation, builder, status);
  TF_DeleteStatus(status);
}

template <typename T>
void addAll() {
  constexpr TF_DataType type = TypeOf<T>::value;
  add("RingmasterGelu", type, plain<activate<Gelu, T>>);
  add("RingmasterGeluGradient", type, plain<activateGradient<Gelu, T>>);
  add("RingmasterGeluTanh", type, plain<activate<GeluTanh, T>>);
  add("RingmasterGeluTanhGradient", type, plain<activateGradient<GeluTanh, T>>);
  add("RingmasterAddBranch", type, plain<addBranch<T>>);
  add("RingmasterNormalise", type, normaliseCall<T>, readEpsilon);
  add("RingmasterNormaliseGradient", type, plain<normaliseGradient<T>>);
  add("RingmasterSplitHeads", type, splitHeadsCall<T>, readHeads);
  add("RingmasterMergeHeads", type, plain<mergeHeads<T>>);
  add("RingmasterAttentionSoftmax", type, plain<attentionSoftmax<T>>);
  add("RingmasterAttentionSoftmaxGradient", type, plain<attentionSoftmaxGradient<T>>);
  add("RingmasterApplyMask", type, plain<applyMask<T>>);
  add("RingmasterCrossEntropy", type, plain<crossEntropy<T>>);
  add("RingmasterStoreInto", type, plain<storeInto<T>>);
}

inline void addKernels() {
  addAll<float>();
  addAll<BFloat16>();
  add("RingmasterSelfAttention", TF_FLOAT, selfAttentionCall, readAttended);
  add("RingmasterSelfAttentionGradient", TF_FLOAT, selfAttentionGradientCall, readAttended);
  add("RingmasterAddRows", TF_FLOAT, plain<addRows>);
  add("RingmasterDropoutMask", TF_FLOAT, dropoutMaskCall, readDropped);
}

}  // namespace RINGMASTER_LEVEL
