// Attention of sequences on themselves, with the projections of all heads packed in one.
#pragma once

#include "attention.h"

namespace RINGMASTER_LEVEL {

struct SelfAttentionAttributes {
  int64_t sequences, heads;
  bool causal;
  int32_t dropped;

  explicit SelfAttentionAttributes(const Construction& given)
      : sequences(given.integer("sequences")), heads(given.integer("heads")), causal(given.integer("causal") != 0),
        dropped(given.integer("dropped")) {}
};

/**
 * Attention of packed projections [B·T,3AD], their bias [3AD], lengths and dropout, inputs from `at` on, if they fit. Rows of
 * the projections hold the queries of all heads, then the keys, then the values.
 */
inline bool readPacked(Call& call, int at, const SelfAttentionAttributes& attributes, Attention* of) {
  const TF_Tensor* packed = call.input(at);
  const TF_Tensor* bias = call.input(at + 1);
  const int64_t W = width(packed);
  const int64_t heads = attributes.heads;
  const int64_t length = rows(packed) / attributes.sequences;
  const bool fits =
      W % (3 * heads) == 0 && rows(packed) == attributes.sequences * length && elements(bias) == W;
  if (!call.require(fits, "three vectors a head and token")) return false;
  const int64_t D = W / (3 * heads);
  const auto part = [=](int which) -> Vectors {
    return {data<float>(packed) + which * heads * D, W, data<float>(bias) + which * heads * D};
  };
  *of = {attributes.sequences, heads, heads, length, length, D, attributes.causal, 1.0f / sqrtf((float)D), part(0),
         part(1), part(2), nullptr, nullptr, {}};
  return readMasks(call, call.input(at + 2), call.input(at + 3), attributes.dropped, of);
}

/**
 * (packed [B·T,3AD], bias[3AD], lengths int32 [B] or [0], key int32 [2] or [0]) → softmax(q kᵀ / √D) ∘ mask · v [B·T,AD],
 * where the mask is the key's over [B,A,T,T]
 */
inline void selfAttention(Call& call, const SelfAttentionAttributes& attributes) {
  Attention of;
  if (!readPacked(call, 0, attributes, &of)) return;
  float* context = call.output<float>(0, {of.sequences * of.queryLength, of.heads * of.D});
  if (context == nullptr) return;
  attendAll(of, context);
}

/** (dcontext [B·T,AD], packed, bias, lengths, key) → (dpacked [B·T,3AD], dbias[3AD]) */
inline void selfAttentionGradient(Call& call, const SelfAttentionAttributes& attributes) {
  const TF_Tensor* dContext = call.input(0);
  Attention of;
  if (!readPacked(call, 1, attributes, &of)) return;
  const int64_t tokens = of.sequences * of.queryLength;
  const int64_t part = of.heads * of.D;
  if (!call.require(elements(dContext) == tokens * part, "a gradient for every vector")) return;
  const int64_t W = 3 * part;
  float* dPacked = call.output<float>(0, {tokens, W});
  float* dBias = call.output<float>(1, {W});
  if (dPacked == nullptr || dBias == nullptr) return;
  float* partial = static_cast<float*>(malloc(of.sequences * W * sizeof(float)));
  attendAllGradient(of, {data<float>(dContext),
                         {dPacked, W, partial},
                         {dPacked + part, W, partial + part},
                         {dPacked + 2 * part, W, partial + 2 * part},
                         nullptr});
  memset(dBias, 0, W * sizeof(float));
  for (int64_t sequence = 0; sequence < of.sequences; sequence++)
    for (int64_t column = 0; column < W; column += LANES)
      addTo(dBias + column, load(partial + sequence * W + column, lanesAt(column, W)), lanesAt(column, W));
  free(partial);
}

inline void addSelfAttentionKernels() {
  add<SelfAttentionAttributes, selfAttention>("RingmasterSelfAttention", TF_FLOAT);
  add<SelfAttentionAttributes, selfAttentionGradient>("RingmasterSelfAttentionGradient", TF_FLOAT);
}

}  // namespace RINGMASTER_LEVEL
