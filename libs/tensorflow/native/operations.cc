// Says to TensorFlow, when this library is loaded, which operations there are, and gives it the kernels that suit the
// processor.
#include <initializer_list>

#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"

void addBaselineKernels();
void addV3Kernels();
void addV4Kernels();

namespace {

struct Operation {
  const char* name;
  std::initializer_list<const char*> inputs;
  std::initializer_list<const char*> outputs;
  std::initializer_list<const char*> attributes = {};
};

const Operation OPERATIONS[] = {
    {"RingmasterGelu", {"x: T", "bias: float"}, {"y: T"}},
    {"RingmasterGeluGradient", {"dy: T", "x: T", "bias: float"}, {"dx: T", "dbias: float"}},
    {"RingmasterGeluTanh", {"x: T", "bias: float"}, {"y: T"}},
    {"RingmasterGeluTanhGradient", {"dy: T", "x: T", "bias: float"}, {"dx: T", "dbias: float"}},
    {"RingmasterAddBranch", {"x: float", "branch: T", "bias: float", "mask: float"}, {"sum: float"}},
    {"RingmasterNormalise",
     {"x: float", "gain: float", "shift: float"},
     {"y: T", "moments: float"},
     {"epsilon: float"}},
    {"RingmasterNormaliseGradient",
     {"dy: T", "x: float", "moments: float", "gain: float", "along: float"},
     {"dx: float", "dgain: float", "dshift: float"}},
    {"RingmasterRmsNormalise", {"x: float", "gain: float"}, {"y: T", "scales: float"}, {"epsilon: float"}},
    {"RingmasterRmsNormaliseGradient",
     {"dy: T", "x: float", "scales: float", "gain: float", "along: float"},
     {"dx: float", "dgain: float"}},
    {"RingmasterGatedGeluTanh", {"gate: T", "up: T"}, {"y: T"}},
    {"RingmasterGatedGeluTanhGradient", {"dy: T", "gate: T", "up: T"}, {"dgate: T", "dup: T"}},
    {"RingmasterGatedSilu", {"gate: T", "up: T"}, {"y: T"}},
    {"RingmasterGatedSiluGradient", {"dy: T", "gate: T", "up: T"}, {"dgate: T", "dup: T"}},
    {"RingmasterSplitHeads",
     {"packed: T", "bias: float"},
     {"queries: T", "keys: T", "values: T"},
     {"sequences: int", "heads: int"}},
    {"RingmasterMergeHeads", {"queries: T", "keys: T", "values: T"}, {"packed: T", "dbias: float"}},
    {"RingmasterTileProbabilities",
     {"scores: T", "lengths: int32", "bias: float", "key: int32"},
     {"probabilities: T", "moments: float"},
     {"scale: float", "causal: int", "dropped: int", "first: int", "queries: int", "keys: int"}},
    {"RingmasterSoftmaxGradient", {"gradient: T", "probabilities: T"}, {"dscores: T"}, {"scale: float"}},
    {"RingmasterTileGradient",
     {"gradient: T", "scores: T", "moments: float", "lengths: int32", "bias: float", "key: int32"},
     {"probabilities: T", "dscores: T"},
     {"scale: float", "causal: int", "dropped: int", "first: int", "queries: int", "keys: int"}},
    {"RingmasterAttention",
     {"queries: T", "keys: T", "values: T", "lengths: int32", "bias: float", "key: int32"},
     {"context: T"},
     {"sequences: int", "heads: int", "key_value_heads: int", "causal: int", "scale: float", "dropped: int"}},
    {"RingmasterAttentionGradient",
     {"dcontext: T", "queries: T", "keys: T", "values: T", "lengths: int32", "bias: float", "key: int32"},
     {"dqueries: T", "dkeys: T", "dvalues: T", "dscores: float"},
     {"sequences: int", "heads: int", "key_value_heads: int", "causal: int", "scale: float", "dropped: int",
      "wants_scores: int"}},
    {"RingmasterSelfAttention",
     {"packed: T", "bias: float", "lengths: int32", "key: int32"},
     {"context: T"},
     {"sequences: int", "heads: int", "causal: int", "dropped: int"}},
    {"RingmasterSelfAttentionGradient",
     {"dcontext: T", "packed: T", "bias: float", "lengths: int32", "key: int32"},
     {"dpacked: T", "dbias: float"},
     {"sequences: int", "heads: int", "causal: int", "dropped: int"}},
    {"RingmasterLstm",
     {"projected: T", "weights: float", "lengths: int32"},
     {"states: T", "gates: float", "cells: float"},
     {"sequences: int", "backward: int"}},
    {"RingmasterLstmGradient",
     {"dstates: T", "weights: float", "states: float", "gates: float", "cells: float", "lengths: int32"},
     {"dprojected: T", "previous: float"},
     {"sequences: int", "backward: int"}},
    {"RingmasterNegativeSampling",
     {"x: T", "table: float", "windows: int32", "samples: int32"},
     {"losses: float", "dx: float", "dtable: float"},
     {"mean: int"}},
    {"RingmasterApplyMask", {"x: T", "mask: float"}, {"y: T"}},
    {"RingmasterAddLeading", {"target: float", "source: T"}, {}},
    {"RingmasterAddRows", {"target: T", "source: T", "indices: int32"}, {}},
    {"RingmasterCrossEntropy",
     {"logits: T", "bias: float", "targets: int32"},
     {"probabilities: float", "dlogits: T", "dbias: float"}},
    {"RingmasterFewRows", {"x: T", "weights: T"}, {"y: T"}},
    {"RingmasterDropoutMask", {"shape: int32", "key: int32"}, {"mask: T"}, {"dropped: int"}},
    {"RingmasterRotate", {"x: T", "table: float"}, {"y: T"}, {"length: int", "back: int"}},
    {"RingmasterWindows",
     {"products: T", "bias: float", "lengths: int32", "widths: int32"},
     {"y: float"},
     {"sequences: int"}},
    {"RingmasterWindowsGradient",
     {"dy: float", "y: float", "lengths: int32", "widths: int32"},
     {"dproducts: T", "dbias: float"},
     {"sequences: int"}},
    {"RingmasterStoreInto", {"target: float", "source: T"}, {}},
};

void define(const Operation& operation) {
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(operation.name);
  TF_OpDefinitionBuilderAddAttr(builder, "T: {float, bfloat16}");
  for (const char* attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  for (const char* input : operation.inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : operation.outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(builder, status);
  TF_DeleteStatus(status);
}

__attribute__((constructor)) void load() {
  for (const Operation& operation : OPERATIONS) define(operation);
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512cd"))
    return addV4Kernels();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    return addV3Kernels();
#endif
  addBaselineKernels();
}

}  // namespace
