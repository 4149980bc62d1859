// Every kernel of ../native at every level that this processor has, on random extents, with each tensor in memory of its
// own exact size: built with -fsanitize=address,undefined it ends at the first access beside one. Inputs that do not fit
// must be refused. No TensorFlow is needed.
//
//     g++ -std=c++17 -O1 -g -fopenmp -fsanitize=address,undefined -fno-sanitize-recover=all -I. \
//       kernels.cc ../native/baseline.cc ../native/v3.cc ../native/v4.cc -o kernels && ./kernels ROUNDS SEED
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"

void addBaselineKernels();
void addV3Kernels();
void addV4Kernels();

struct TF_Status {};

struct TF_Tensor {
  TF_DataType type;
  std::vector<int64_t> extents;
  char* data;

  int64_t count() const {
    int64_t product = 1;
    for (const int64_t extent : extents) product *= extent;
    return product;
  }
};

struct TF_OpKernelContext {
  std::vector<TF_Tensor*> inputs;
  std::map<int, TF_Tensor*> outputs;
  bool failed = false;
};

struct TF_OpKernelConstruction {
  std::map<std::string, double> attributes;
};

struct TF_KernelBuilder {
  void* (*create)(TF_OpKernelConstruction*);
  void (*compute)(void*, TF_OpKernelContext*);
  void (*forget)(void*);
  TF_DataType type;
};

namespace {

using Key = std::pair<std::string, TF_DataType>;
std::map<Key, TF_KernelBuilder> kernels;

size_t widthOf(TF_DataType type) { return type == TF_BFLOAT16 ? 2 : 4; }

/** Memory of exactly this size, never null. */
TF_Tensor* tensor(TF_DataType type, std::vector<int64_t> extents) {
  auto* made = new TF_Tensor{type, std::move(extents), nullptr};
  made->data = static_cast<char*>(malloc(made->count() * widthOf(type)));
  return made;
}

void release(TF_Tensor* tensor) {
  free(tensor->data);
  delete tensor;
}

}  // namespace

TF_Status* TF_NewStatus() { return new TF_Status(); }
void TF_DeleteStatus(TF_Status* status) { delete status; }
void TF_SetStatus(TF_Status*, TF_Code, const char*) {}
void* TF_TensorData(const TF_Tensor* tensor) { return tensor->data; }
void TF_DeleteTensor(TF_Tensor*) {}
int TF_NumDims(const TF_Tensor* tensor) { return (int)tensor->extents.size(); }
int64_t TF_Dim(const TF_Tensor* tensor, int at) { return tensor->extents.at(at); }
int64_t TF_TensorElementCount(const TF_Tensor* tensor) { return tensor->count(); }

void TF_GetInput(TF_OpKernelContext* context, int index, TF_Tensor** input, TF_Status*) {
  *input = context->inputs.at(index);
}

TF_Tensor* TF_AllocateOutput(TF_OpKernelContext* context, int index, TF_DataType type, const int64_t* extents, int rank,
                             size_t bytes, TF_Status*) {
  TF_Tensor* made = tensor(type, {extents, extents + rank});
  if (made->count() * widthOf(type) != bytes) abort();
  if (!context->outputs.emplace(index, made).second) abort();
  return made;
}

void TF_OpKernelContext_Failure(TF_OpKernelContext* context, TF_Status*) { context->failed = true; }

void TF_OpKernelConstruction_GetAttrInt32(TF_OpKernelConstruction* construction, const char* name, int32_t* value,
                                          TF_Status*) {
  *value = (int32_t)construction->attributes.at(name);
}

void TF_OpKernelConstruction_GetAttrFloat(TF_OpKernelConstruction* construction, const char* name, float* value,
                                          TF_Status*) {
  *value = (float)construction->attributes.at(name);
}

TF_KernelBuilder* TF_NewKernelBuilder(const char*, const char*, void* (*create)(TF_OpKernelConstruction*),
                                      void (*compute)(void*, TF_OpKernelContext*), void (*forget)(void*)) {
  return new TF_KernelBuilder{create, compute, forget, TF_FLOAT};
}

void TF_KernelBuilder_TypeConstraint(TF_KernelBuilder* builder, const char*, TF_DataType type, TF_Status*) {
  builder->type = type;
}

void TF_RegisterKernelBuilder(const char* operation, TF_KernelBuilder* builder, TF_Status*) {
  kernels[{operation, builder->type}] = *builder;
  delete builder;
}

namespace {

std::mt19937_64 random_;

int64_t below(int64_t bound) { return (int64_t)(random_() % (uint64_t)bound); }

/** An extent of 1 to `most`, often beside a multiple of a vector. */
int64_t extent(int64_t most) {
  const int64_t edges[] = {1, 15, 16, 17, 31, 32, 33, 64, 65};
  const int64_t chosen = below(2) ? edges[below(9)] : 1 + below(most);
  return chosen <= most ? chosen : 1 + below(most);
}

uint16_t narrow(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)(bits >> 16);
}

/** Numbers as they occur, and a few that are extreme. */
TF_Tensor* numbers(TF_DataType type, std::vector<int64_t> extents) {
  TF_Tensor* made = tensor(type, std::move(extents));
  static const float odd[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-40f};
  std::normal_distribution<float> normal;
  const bool extreme = below(4) == 0;
  for (int64_t at = 0; at < made->count(); at++) {
    const float value = extreme && below(16) == 0 ? odd[below(8)] : 2 * normal(random_);
    if (type == TF_FLOAT) ((float*)made->data)[at] = value;
    else ((uint16_t*)made->data)[at] = narrow(value);
  }
  return made;
}

TF_Tensor* integers(const std::vector<int32_t>& values) {
  TF_Tensor* made = tensor(TF_INT32, {(int64_t)values.size()});
  if (!values.empty()) memcpy(made->data, values.data(), values.size() * sizeof(int32_t));
  return made;
}

std::vector<int32_t> draws(int64_t count, int64_t from, int64_t bound) {
  std::vector<int32_t> values(count);
  for (int32_t& value : values) value = (int32_t)(from + below(bound - from));
  return values;
}

struct Case {
  std::string operation;
  TF_DataType type;
  std::vector<TF_Tensor*> inputs;
  std::map<std::string, double> attributes;
};

/** Inputs of one operation that fit each other. */
Case drawn(int operation, TF_DataType T) {
  const int64_t N = extent(70), C = extent(90), B = extent(3), A = extent(3), L = extent(70), D = extent(40);
  const auto maybe = [](TF_DataType type, std::vector<int64_t> extents) {
    return below(2) ? numbers(type, std::move(extents)) : tensor(type, {0});
  };
  const std::map<std::string, double> heads = {
      {"sequences", (double)B}, {"heads", (double)A}, {"causal", (double)below(2)}};
  // Dropout, and its key: some of the time there is none.
  const auto dropped = [](std::map<std::string, double> given) {
    given["dropped"] = (double)below(65536);
    return given;
  };
  const auto key = [&] { return below(2) ? integers({(int32_t)random_(), (int32_t)random_()}) : integers({}); };
  const auto lengths = [&] { return below(2) ? integers(draws(B, 1, L + 1)) : integers({}); };
  switch (operation) {
    case 0: return {"RingmasterGelu", T, {numbers(T, {N, C}), numbers(TF_FLOAT, {C})}, {}};
    case 1: return {"RingmasterGeluTanh", T, {numbers(T, {N, C}), numbers(TF_FLOAT, {C})}, {}};
    case 2:
      return {"RingmasterGeluGradient", T, {numbers(T, {N, C}), numbers(T, {N, C}), numbers(TF_FLOAT, {C})}, {}};
    case 3:
      return {"RingmasterGeluTanhGradient", T, {numbers(T, {N, C}), numbers(T, {N, C}), numbers(TF_FLOAT, {C})}, {}};
    case 4:
      return {"RingmasterAddBranch",
              T,
              {numbers(TF_FLOAT, {N, C}), numbers(T, {N, C}), maybe(TF_FLOAT, {C}), maybe(TF_FLOAT, {N, C})},
              {}};
    case 5:
      return {"RingmasterNormalise",
              T,
              {numbers(TF_FLOAT, {N, C}), numbers(TF_FLOAT, {C}), numbers(TF_FLOAT, {C})},
              {{"epsilon", 1e-5}}};
    case 6:
      return {"RingmasterNormaliseGradient",
              T,
              {numbers(T, {N, C}), numbers(TF_FLOAT, {N, C}), numbers(TF_FLOAT, {N, 2}), numbers(TF_FLOAT, {C}),
               maybe(TF_FLOAT, {N, C})},
              {}};
    case 7:
      return {"RingmasterSplitHeads", T, {numbers(T, {B * L, 3 * A * D}), numbers(TF_FLOAT, {3 * A * D})}, heads};
    case 8:
      return {"RingmasterMergeHeads",
              T,
              {numbers(T, {B, A, L, D}), numbers(T, {B, A, L, D}), numbers(T, {B, A, L, D})},
              {}};
    case 9:
    case 10: {
      // N of Q queries, from any or from the first one on, over k of K keys.
      const int64_t first = below(2) ? 0 : C;
      const int64_t Q = first + N + below(5);
      const int64_t K = Q + below(9);
      const bool causal = below(2);
      const int64_t least = causal ? first + N + K - Q : 1;
      const int64_t k = least + below(K - least + 1);
      const std::map<std::string, double> given = {{"scale", 0.5},
                                                   {"causal", (double)causal},
                                                   {"first", (double)first},
                                                   {"queries", (double)Q},
                                                   {"keys", (double)K}};
      TF_Tensor* scores = numbers(T, {B, A, N, k});
      TF_Tensor* real = below(2) ? integers(draws(B, 1, K + 1)) : integers({});
      TF_Tensor* bias = maybe(TF_FLOAT, {A, Q, K});
      if (operation == 9) return {"RingmasterTileProbabilities", T, {scores, real, bias, key()}, dropped(given)};
      return {"RingmasterTileGradient",
              T,
              {numbers(T, {B, A, N, k}), scores, numbers(TF_FLOAT, {B, A, N, 2}), real, bias, key()},
              dropped(given)};
    }
    case 11:
      return {"RingmasterSelfAttention",
              TF_FLOAT,
              {numbers(TF_FLOAT, {B * L, 3 * A * D}), numbers(TF_FLOAT, {3 * A * D}), lengths(), key()},
              dropped(heads)};
    case 12:
      return {"RingmasterSelfAttentionGradient",
              TF_FLOAT,
              {numbers(TF_FLOAT, {B * L, A * D}), numbers(TF_FLOAT, {B * L, 3 * A * D}), numbers(TF_FLOAT, {3 * A * D}),
               lengths(), key()},
              dropped(heads)};
    case 13: return {"RingmasterApplyMask", T, {numbers(T, {N, C}), numbers(TF_FLOAT, {N, C})}, {}};
    case 14:
      return {"RingmasterAddRows",
              TF_FLOAT,
              {numbers(TF_FLOAT, {L, C}), numbers(TF_FLOAT, {N, C}), integers(draws(N, 0, L))},
              {}};
    case 15: {
      const int64_t K = below(8) == 0 ? 0 : N;
      return {"RingmasterCrossEntropy", T, {numbers(T, {K, C}), maybe(TF_FLOAT, {C}), integers(draws(K, 0, C))}, {}};
    }
    case 16:
      return {"RingmasterDropoutMask",
              TF_FLOAT,
              {integers({(int32_t)N, (int32_t)C, (int32_t)B}), integers({(int32_t)random_(), (int32_t)random_()})},
              {{"dropped", (double)below(65536)}}};
    case 17:
      return {"RingmasterRotate",
              T,
              {numbers(T, {B * L, A * 2 * D}), numbers(TF_FLOAT, {L + below(5), 2 * D})},
              {{"length", (double)L}, {"back", (double)below(2)}}};
    case 18:
    case 19: {
      // Sequences of N queries and L keys; A heads of keys for some heads of queries each.
      const int64_t heads = A * (1 + below(3));
      const bool causal = N <= L && below(2);
      std::map<std::string, double> given = {{"sequences", (double)B},      {"heads", (double)heads},
                                             {"key_value_heads", (double)A}, {"causal", (double)causal},
                                             {"scale", 0.5},                 {"wants_scores", (double)below(2)}};
      TF_Tensor* queries = numbers(TF_FLOAT, {B * N, heads * D});
      TF_Tensor* keys = numbers(TF_FLOAT, {B * L, A * D});
      TF_Tensor* values = numbers(TF_FLOAT, {B * L, A * D});
      TF_Tensor* bias = maybe(TF_FLOAT, {heads, N, L});
      if (operation == 18)
        return {"RingmasterAttention", TF_FLOAT, {queries, keys, values, lengths(), bias, key()}, dropped(given)};
      return {"RingmasterAttentionGradient",
              TF_FLOAT,
              {numbers(TF_FLOAT, {B * N, heads * D}), queries, keys, values, lengths(), bias, key()},
              dropped(given)};
    }
    case 20:
    case 21: {
      const std::map<std::string, double> given = {{"sequences", (double)B}, {"backward", (double)below(2)}};
      TF_Tensor* weights = numbers(TF_FLOAT, {4 * D, D});
      if (operation == 20) return {"RingmasterLstm", TF_FLOAT, {numbers(TF_FLOAT, {B * L, 4 * D}), weights, lengths()}, given};
      return {"RingmasterLstmGradient",
              TF_FLOAT,
              {numbers(TF_FLOAT, {B * L, D}), weights, numbers(TF_FLOAT, {B * L, D}), numbers(TF_FLOAT, {B * L, 4 * D}),
               numbers(TF_FLOAT, {B * L, D}), lengths()},
              given};
    }
    case 22: {
      const int64_t S = extent(5), V = extent(40);
      TF_Tensor* windows = tensor(TF_INT32, {N, 2});
      TF_Tensor* samples = tensor(TF_INT32, {N, S});
      for (int64_t row = 0; row < N; row++) {
        ((int32_t*)windows->data)[2 * row] = (int32_t)(row - below(row < 5 ? row + 1 : 6));
        ((int32_t*)windows->data)[2 * row + 1] = (int32_t)(row + 1 + below(N - row < 6 ? N - row : 6));
      }
      for (int64_t at = 0; at < N * S; at++) ((int32_t*)samples->data)[at] = (int32_t)(below(V + 1) - 1);
      return {"RingmasterNegativeSampling",
              TF_FLOAT,
              {numbers(TF_FLOAT, {N, C}), numbers(TF_FLOAT, {V, C}), windows, samples},
              {{"mean", (double)below(2)}}};
    }
    case 23: return {"RingmasterAddLeading", T, {numbers(TF_FLOAT, {B, A, N + below(9), D}), numbers(T, {B, A, N, D})}, {}};
    case 24:
      return {"RingmasterSoftmaxGradient", T, {numbers(T, {B, A, N, L}), numbers(T, {B, A, N, L})}, {{"scale", 0.5}}};
    default: return {"RingmasterStoreInto", T, {numbers(TF_FLOAT, {N * C}), numbers(T, {N, C})}, {}};
  }
}
constexpr int OPERATIONS = 26;

/** Runs a case and returns whether it was refused. */
bool run(const Case& given) {
  const auto found = kernels.find({given.operation, given.type});
  if (found == kernels.end()) {
    fprintf(stderr, "there is no kernel %s\n", given.operation.c_str());
    exit(1);
  }
  const TF_KernelBuilder& kernel = found->second;
  TF_OpKernelConstruction construction{given.attributes};
  void* attributes = kernel.create == nullptr ? nullptr : kernel.create(&construction);
  TF_OpKernelContext context{given.inputs, {}};
  kernel.compute(attributes, &context);
  if (kernel.forget != nullptr) kernel.forget(attributes);
  for (const auto& output : context.outputs) release(output.second);
  return context.failed;
}

/** An input that has another number of elements: it must be refused, or be one that fits by chance. */
void damage(Case& given) {
  // A shape is only ever the program's own.
  const bool isShape = given.operation == "RingmasterDropoutMask";
  TF_Tensor*& input = given.inputs[isShape ? 1 : below((int64_t)given.inputs.size())];
  std::vector<int64_t> extents = input->extents;
  extents.back() = below(40);
  const TF_DataType type = input->type;
  release(input);
  input = type == TF_INT32 ? integers(draws(extents.back(), -3, 100)) : numbers(type, extents);
}

void tryLevel(const char* name, void (*add)(), int rounds, uint64_t seed) {
  add();
  random_.seed(seed);
  for (int round = 0; round < rounds; round++) {
    for (int operation = 0; operation < OPERATIONS; operation++) {
      Case given = drawn(operation, below(2) ? TF_FLOAT : TF_BFLOAT16);
      if (run(given)) {
        fprintf(stderr, "%s refuses inputs that fit at %s\n", given.operation.c_str(), name);
        exit(1);
      }
      damage(given);
      run(given);
      for (TF_Tensor* input : given.inputs) release(input);
    }
  }
  printf("%s: %d operations\n", name, rounds * OPERATIONS);
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 20;
  const uint64_t seed = count > 2 ? strtoull(arguments[2], nullptr, 10) : 1;
  tryLevel("baseline", addBaselineKernels, rounds, seed);
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    tryLevel("v3", addV3Kernels, rounds, seed);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512cd"))
    tryLevel("v4", addV4Kernels, rounds, seed);
#endif
  return 0;
}
