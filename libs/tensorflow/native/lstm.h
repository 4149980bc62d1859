// Long short-term memory (Hochreiter and Schmidhuber, 1997) in one direction, with the forget gate of Gers, Schmidhuber and
// Cummins (2000). Each sequence is read to its own length; the direction backward begins at its last token.
#pragma once

#include "kernel.h"
#include "product.h"

namespace RINGMASTER_LEVEL {

/** Sequences that go through all steps together, on one thread: bits do not depend on which they are. */
constexpr int64_t GROUP = 32;

/** Columns of a product that lie together. */
constexpr int64_t PANEL = TILE_VECTORS * LANES;

inline int64_t roundedUp(int64_t count, int64_t multiple) { return (count + multiple - 1) / multiple * multiple; }

/** `count` zeros at the beginning of a cache line. */
inline float* zeroed(int64_t count) {
  const size_t bytes = roundedUp(count * sizeof(float), 64);
  float* memory = static_cast<float*>(aligned_alloc(64, bytes));
  memset(memory, 0, bytes);
  return memory;
}

inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exponential(-x)); }

/** tanh(x); near 0 as a polynomial (Cephes, tanhf). */
inline Floats hyperbolicTangent(Floats x) {
  const Floats square = x * x;
  Floats p = all(-5.70498872745e-3f);
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Floats small = x + x * square * p;
  const Floats large = 1.0f - 2.0f / (exponential(x * 2.0f) + 1.0f);
  return square < 0.390625f ? small : large;
}

struct LstmAttributes {
  int64_t sequences;
  bool backward;

  explicit LstmAttributes(const Construction& given)
      : sequences(given.integer("sequences")), backward(given.integer("backward") != 0) {}
};

/** B sequences of T tokens, and states of H units. */
struct Recurrence {
  int64_t B, T, H;
  /** H in whole panels, as scratch memory has it. */
  int64_t padded;
  bool backward;
  /** Real lengths [B]; null where all are full. */
  const int32_t* lengths;

  int64_t lengthOf(int64_t sequence) const { return lengths == nullptr ? T : lengths[sequence]; }

  /** The row of the token that a sequence reads in a step. */
  int64_t rowAt(int64_t sequence, int64_t step) const {
    return sequence * T + (backward ? lengthOf(sequence) - 1 - step : step);
  }
};

/** Numbers of the sequences [B], the longest first, so that at each step those that are not over yet stand in front. */
inline int64_t* longestFirst(const Recurrence& of) {
  int64_t* order = static_cast<int64_t*>(malloc(of.B * sizeof(int64_t)));
  for (int64_t sequence = 0; sequence < of.B; sequence++) {
    int64_t at = sequence;
    for (; at > 0 && of.lengthOf(order[at - 1]) < of.lengthOf(sequence); at--) order[at] = order[at - 1];
    order[at] = sequence;
  }
  return order;
}

/** Columns n of a factor at(k, n) [K,N], a panel after the other. */
template <typename At>
float* panelsOf(int64_t K, int64_t N, const At& at) {
  float* panels = zeroed(K * N);
  for (int64_t n = 0; n < N; n += PANEL)
    for (int64_t k = 0; k < K; k++)
      for (int64_t lane = 0; lane < PANEL; lane++) panels[n * K + k * PANEL + lane] = at(k, n + lane);
  return panels;
}

/** c [M,N] = or += a [M,K] · the factor of the panels [K,N]; rows are computed four at a time. */
template <Into into>
void multiply(const float* a, const float* panels, float* c, int64_t rows, int64_t N, int64_t K) {
  for (int64_t n = 0; n < N; n += PANEL)
    product<Left::plain, into>({a, K}, {panels + n * K, PANEL}, c + n, N, roundedUp(rows, TILE_ROWS), PANEL, K);
}

/** weights [4H,H], whose rows are the input, forget, cell and output gates, at a gate, a unit and a unit before; 0 beyond. */
inline float weightAt(const float* weights, int64_t H, int64_t gate, int64_t unit, int64_t before) {
  return unit < H && before < H ? weights[(gate * H + unit) * H + before] : 0;
}

inline bool readRecurrence(Call& call, const LstmAttributes& attributes, const TF_Tensor* rowed, int64_t width,
                           const TF_Tensor* weights, const TF_Tensor* lengths, Recurrence* of) {
  const int64_t B = attributes.sequences;
  const int64_t H = elements(weights) == 0 ? 0 : TF_Dim(weights, TF_NumDims(weights) - 1);
  const int64_t count = rows(rowed);
  const bool fits = B > 0 && H > 0 && elements(weights) == 4 * H * H && count % B == 0 && elements(rowed) == count * width * H;
  if (!call.require(fits, "four gates a unit")) return false;
  const int64_t T = count / B;
  if (!call.require(elements(lengths) == 0 || elements(lengths) == B, "a length for every sequence")) return false;
  const int32_t* given = elements(lengths) == 0 ? nullptr : data<int32_t>(lengths);
  *of = {B, T, H, roundedUp(H, PANEL), attributes.backward, given};
  for (int64_t sequence = 0; sequence < B; sequence++)
    if (!call.require(of->lengthOf(sequence) >= 0 && of->lengthOf(sequence) <= T, "lengths within the sequences")) return false;
  return true;
}

/** Zeros in the rows [width] of what pads a sequence. */
inline void clearPadding(const Recurrence& of, int64_t sequence, float* rows, int64_t width) {
  const int64_t real = of.lengthOf(sequence);
  memset(rows + (sequence * of.T + real) * width, 0, (of.T - real) * width * sizeof(float));
}

/**
 * (projected [B·T,4H], weights [4H,H], lengths int32 [B] or [0]) → (states [B·T,H], gates [B·T,4H], cells [B·T,H]): with
 * (i, f, g, o) = (σ, σ, tanh, σ)(projected + weights · h), c becomes f ∘ c + i ∘ g, and h is o ∘ tanh c. Zeros where
 * there is padding.
 */
inline void lstm(Call& call, const LstmAttributes& attributes) {
  const TF_Tensor* projected = call.input(0);
  const TF_Tensor* weight = call.input(1);
  const TF_Tensor* lengths = call.input(2);
  Recurrence of;
  if (!readRecurrence(call, attributes, projected, 4, weight, lengths, &of)) return;
  const int64_t H = of.H;
  const int64_t P = of.padded;
  float* states = call.output<float>(0, {of.B * of.T, H});
  float* gates = call.output<float>(1, {of.B * of.T, 4 * H});
  float* cells = call.output<float>(2, {of.B * of.T, H});
  if (states == nullptr || gates == nullptr || cells == nullptr) return;
  const float* input = data<float>(projected);
  const float* weights = data<float>(weight);
  float* panels = panelsOf(P, 4 * P, [=](int64_t k, int64_t n) { return weightAt(weights, H, n / P, n % P, k); });
  int64_t* order = longestFirst(of);
#pragma omp parallel for schedule(dynamic)
  for (int64_t first = 0; first < of.B; first += GROUP) {
    const int64_t count = of.B - first < GROUP ? of.B - first : GROUP;
    const int64_t* group = order + first;
    float* sums = zeroed(GROUP * 4 * P);
    float* state = zeroed(GROUP * P);
    float* cell = zeroed(GROUP * P);
    int64_t live = count;
    for (int64_t step = 0; step < of.lengthOf(group[0]); step++) {
      while (of.lengthOf(group[live - 1]) <= step) live--;
      for (int64_t at = 0; at < live; at++)
        for (int64_t gate = 0; gate < 4; gate++)
          memcpy(sums + (at * 4 + gate) * P, input + (of.rowAt(group[at], step) * 4 + gate) * H, H * sizeof(float));
      if (step > 0) multiply<Into::sum>(state, panels, sums, live, 4 * P, P);
      for (int64_t at = 0; at < live; at++) {
        const int64_t row = of.rowAt(group[at], step);
        for (int64_t unit = 0; unit < H; unit += LANES) {
          const int64_t n = lanesAt(unit, H);
          const float* sum = sums + at * 4 * P + unit;
          const Floats i = sigmoid(load(sum));
          const Floats f = sigmoid(load(sum + P));
          const Floats g = hyperbolicTangent(load(sum + 2 * P));
          const Floats o = sigmoid(load(sum + 3 * P));
          const Floats c = f * load(cell + at * P + unit, n) + i * g;
          const Floats h = o * hyperbolicTangent(c);
          store(cell + at * P + unit, c, n);
          store(state + at * P + unit, h, n);
          float* opened = gates + row * 4 * H + unit;
          store(opened, i, n);
          store(opened + H, f, n);
          store(opened + 2 * H, g, n);
          store(opened + 3 * H, o, n);
          store(cells + row * H + unit, c, n);
          store(states + row * H + unit, h, n);
        }
      }
    }
    for (int64_t at = 0; at < count; at++) {
      clearPadding(of, group[at], states, H);
      clearPadding(of, group[at], gates, 4 * H);
      clearPadding(of, group[at], cells, H);
    }
    free(sums);
    free(state);
    free(cell);
  }
  free(order);
  free(panels);
}

/**
 * (dstates [B·T,H], weights [4H,H], states, gates, cells, lengths) → (dprojected [B·T,4H], previous [B·T,H]), where
 * `previous` are the states before each token, and dprojectedᵀ · previous is the gradient of the weights. Zeros where
 * there is padding.
 */
inline void lstmGradient(Call& call, const LstmAttributes& attributes) {
  const TF_Tensor* dStates = call.input(0);
  const TF_Tensor* weight = call.input(1);
  const TF_Tensor* state = call.input(2);
  const TF_Tensor* gate = call.input(3);
  const TF_Tensor* cell = call.input(4);
  const TF_Tensor* lengths = call.input(5);
  Recurrence of;
  if (!readRecurrence(call, attributes, gate, 4, weight, lengths, &of)) return;
  const int64_t size = of.B * of.T * of.H;
  const bool fits = elements(dStates) == size && elements(state) == size && elements(cell) == size;
  if (!call.require(fits, "a gradient for every state")) return;
  const int64_t H = of.H;
  const int64_t P = of.padded;
  float* dProjected = call.output<float>(0, {of.B * of.T, 4 * H});
  float* previous = call.output<float>(1, {of.B * of.T, H});
  if (dProjected == nullptr || previous == nullptr) return;
  const float* weights = data<float>(weight);
  const float* slopes = data<float>(dStates);
  const float* states = data<float>(state);
  const float* gates = data<float>(gate);
  const float* cells = data<float>(cell);
  float* panels = panelsOf(4 * P, P, [=](int64_t k, int64_t n) { return weightAt(weights, H, k / P, k % P, n); });
  int64_t* order = longestFirst(of);
#pragma omp parallel for schedule(dynamic)
  for (int64_t first = 0; first < of.B; first += GROUP) {
    const int64_t count = of.B - first < GROUP ? of.B - first : GROUP;
    const int64_t* group = order + first;
    float* dSums = zeroed(GROUP * 4 * P);
    float* dState = zeroed(GROUP * P);
    float* dCell = zeroed(GROUP * P);
    int64_t live = 0;
    for (int64_t step = of.lengthOf(group[0]) - 1; step >= 0; step--) {
      while (live < count && of.lengthOf(group[live]) > step) live++;
      for (int64_t at = 0; at < live; at++) {
        const int64_t row = of.rowAt(group[at], step);
        const int64_t before = step > 0 ? of.rowAt(group[at], step - 1) : -1;
        for (int64_t unit = 0; unit < H; unit += LANES) {
          const int64_t n = lanesAt(unit, H);
          const float* opened = gates + row * 4 * H + unit;
          const Floats i = load(opened, n);
          const Floats f = load(opened + H, n);
          const Floats g = load(opened + 2 * H, n);
          const Floats o = load(opened + 3 * H, n);
          const Floats c = hyperbolicTangent(load(cells + row * H + unit, n));
          const Floats last = before < 0 ? Floats{} : load(cells + before * H + unit, n);
          const Floats dh = load(slopes + row * H + unit, n) + load(dState + at * P + unit, n);
          const Floats dc = load(dCell + at * P + unit, n) + dh * o * (1.0f - c * c);
          store(dCell + at * P + unit, dc * f, n);
          const Floats shares[4] = {dc * g * i * (1.0f - i), dc * last * f * (1.0f - f), dc * i * (1.0f - g * g),
                                    dh * c * o * (1.0f - o)};
          for (int64_t which = 0; which < 4; which++) {
            store(dSums + (at * 4 + which) * P + unit, shares[which], n);
            store(dProjected + (row * 4 + which) * H + unit, shares[which], n);
          }
          store(previous + row * H + unit, before < 0 ? Floats{} : load(states + before * H + unit, n), n);
        }
      }
      if (step > 0) multiply<Into::zero>(dSums, panels, dState, live, P, 4 * P);
    }
    for (int64_t at = 0; at < count; at++) {
      clearPadding(of, group[at], dProjected, 4 * H);
      clearPadding(of, group[at], previous, H);
    }
    free(dSums);
    free(dState);
    free(dCell);
  }
  free(order);
  free(panels);
}

inline void addLstmKernels() {
  add<LstmAttributes, lstm>("RingmasterLstm", TF_FLOAT);
  add<LstmAttributes, lstmGradient>("RingmasterLstmGradient", TF_FLOAT);
}

}  // namespace RINGMASTER_LEVEL
