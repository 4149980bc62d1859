// Attention in one operation: from projections to what the heads have read.
#pragma once

#include "attend-head.h"
#include "kernel.h"

namespace RINGMASTER_LEVEL {

/** Attention of every head of every sequence; they are independent of each other. */
inline void attendAll(const Attention& of, float* context) {
#pragma omp parallel for schedule(static) if (of.scores() > FEW)
  for (int64_t item = 0; item < of.sequences * of.heads; item++) attendHead(Head(of, item), context);
}

/** The gradient of every head of every sequence; those that share keys and values depend on each other. */
inline void attendAllGradient(const Attention& of, const AttentionGradient& gradient) {
#pragma omp parallel for schedule(static) if (of.scores() > FEW)
  for (int64_t item = 0; item < of.sequences * of.keyHeads; item++) attendHeadsGradient(of, item, gradient);
}

/** Lengths, int32 [B] or [0], and the key of dropout, int32 [2] or [0], of attention, if they fit. */
inline bool readMasks(Call& call, const TF_Tensor* lengths, const TF_Tensor* key, int32_t dropped, Attention* of) {
  const bool eachLength = elements(lengths) == 0 || elements(lengths) == of->sequences;
  if (!call.require(eachLength, "a length for every sequence")) return false;
  if (!call.require(elements(key) == 0 || elements(key) == 2, "a key of two words")) return false;
  of->lengths = elements(lengths) == 0 ? nullptr : data<int32_t>(lengths);
  of->mask = {elements(key) == 0 ? nullptr : data<uint32_t>(key), dropped};
  for (int64_t sequence = 0; of->lengths != nullptr && sequence < of->sequences; sequence++) {
    const int32_t real = of->lengths[sequence];
    if (!call.require(real > 0 && real <= of->keyLength, "lengths of at least 1 that fit")) return false;
  }
  return true;
}

struct AttentionAttributes {
  int64_t sequences, heads, keyHeads;
  bool causal;
  float scale;
  int32_t dropped;

  explicit AttentionAttributes(const Construction& given)
      : sequences(given.integer("sequences")), heads(given.integer("heads")),
        keyHeads(given.integer("key_value_heads")), causal(given.integer("causal") != 0),
        scale(given.number("scale")), dropped(given.integer("dropped")) {}
};

struct AttentionGradientAttributes : AttentionAttributes {
  bool wantsScores;

  explicit AttentionGradientAttributes(const Construction& given)
      : AttentionAttributes(given), wantsScores(given.integer("wants_scores") != 0) {}
};

/** Attention of queries, keys, values, lengths, bias and dropout, inputs from `at` on, if they fit. */
inline bool readProjections(Call& call, int at, const AttentionAttributes& attributes, Attention* of) {
  const TF_Tensor* queries = call.input(at);
  const TF_Tensor* keys = call.input(at + 1);
  const TF_Tensor* values = call.input(at + 2);
  const int64_t B = attributes.sequences;
  const int64_t D = width(queries) / attributes.heads;
  const int64_t Q = rows(queries) / B;
  const int64_t K = rows(keys) / B;
  const bool fits = attributes.heads % attributes.keyHeads == 0 && D > 0 && width(queries) == attributes.heads * D &&
                    width(keys) == attributes.keyHeads * D && width(values) == width(keys) && Q > 0 && K > 0 &&
                    rows(queries) == B * Q && rows(keys) == B * K && rows(values) == B * K;
  if (!call.require(fits, "a vector a head and token of every sequence")) return false;
  if (!call.require(!attributes.causal || Q <= K, "a key for every query")) return false;
  *of = {B,
         attributes.heads,
         attributes.keyHeads,
         Q,
         K,
         D,
         attributes.causal,
         attributes.scale,
         {data<float>(queries), width(queries), nullptr},
         {data<float>(keys), width(keys), nullptr},
         {data<float>(values), width(values), nullptr},
         nullptr,
         nullptr,
         {}};
  if (!readMasks(call, call.input(at + 3), call.input(at + 5), attributes.dropped, of)) return false;
  const TF_Tensor* bias = call.input(at + 4);
  const bool eachScore = elements(bias) == 0 || elements(bias) == attributes.heads * Q * K;
  if (!call.require(eachScore, "a bias for every score of a sequence")) return false;
  of->bias = elements(bias) == 0 ? nullptr : data<float>(bias);
  return true;
}

/**
 * (queries [B·Q,AD], keys [B·K,GD], values [B·K,GD], lengths int32 [B] or [0], bias [A,Q,K] or [0], key int32 [2] or [0])
 * → softmax(scale · q kᵀ + bias) ∘ mask · v [B·Q,AD], where the mask is the key's over [B,A,Q,K]
 */
inline void attention(Call& call, const AttentionAttributes& attributes) {
  Attention of;
  if (!readProjections(call, 0, attributes, &of)) return;
  float* context = call.output<float>(0, {of.sequences * of.queryLength, of.heads * of.D});
  if (context == nullptr) return;
  attendAll(of, context);
}

/**
 * (dcontext, queries, keys, values, lengths, bias, key) → (dqueries, dkeys, dvalues, those of the scores with
 * their bias [B,A,Q,K], or [0,0,0,0] where they are not wanted)
 */
inline void attentionGradient(Call& call, const AttentionGradientAttributes& attributes) {
  const TF_Tensor* dContext = call.input(0);
  Attention of;
  if (!readProjections(call, 1, attributes, &of)) return;
  const int64_t queries = of.sequences * of.queryLength;
  const int64_t keys = of.sequences * of.keyLength;
  const bool fits = elements(dContext) == queries * of.heads * of.D;
  if (!call.require(fits, "a gradient for every vector")) return;
  float* dQueries = call.output<float>(0, {queries, of.heads * of.D});
  float* dKeys = call.output<float>(1, {keys, of.keyHeads * of.D});
  float* dValues = call.output<float>(2, {keys, of.keyHeads * of.D});
  const bool wants = attributes.wantsScores;
  float* dScores = wants ? call.output<float>(3, {of.sequences, of.heads, of.queryLength, of.keyLength})
                         : call.output<float>(3, {0, 0, 0, 0});
  if (dQueries == nullptr || dKeys == nullptr || dValues == nullptr || (wants && dScores == nullptr)) return;
  attendAllGradient(of, {data<float>(dContext),
                         {dQueries, of.heads * of.D, nullptr},
                         {dKeys, of.keyHeads * of.D, nullptr},
                         {dValues, of.keyHeads * of.D, nullptr},
                         wants ? dScores : nullptr});
}

inline void addAttentionKernels() {
  add<AttentionAttributes, attention>("RingmasterAttention", TF_FLOAT);
  add<AttentionGradientAttributes, attentionGradient>("RingmasterAttentionGradient", TF_FLOAT);
}

}  // namespace RINGMASTER_LEVEL
