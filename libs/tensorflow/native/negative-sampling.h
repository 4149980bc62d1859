// Skip-gram and continuous bag of words with negative sampling (Mikolov et al., "Distributed representations of words and
// phrases and their compositionality", 2013), summed over a text, and the gradients.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct NegativeSamplingAttributes {
  /** Whether the mean of a window is one example; else each row of it is. */
  bool mean;

  explicit NegativeSamplingAttributes(const Construction& given) : mean(given.integer("mean") != 0) {}
};

/** Windows of K rows of a text, and the rows of the table that each predicts. */
struct Samples {
  int64_t K, H, V;
  /** Samples of a row: its own, and others. */
  int64_t count;
  /** First row and end of the window of each row [K,2], which the row itself is no part of. */
  const int32_t* windows;
  /** [K, count]: rows of the table; -1 for none. */
  const int32_t* samples;

  int64_t first(int64_t row) const { return windows[2 * row]; }
  int64_t end(int64_t row) const { return windows[2 * row + 1]; }
  /** Rows of the window but the row itself. */
  int64_t others(int64_t row) const { return end(row) - first(row) - 1; }

  bool fits() const {
    for (int64_t row = 0; row < K; row++) {
      if (first(row) < 0 || first(row) > row || end(row) <= row || end(row) > K) return false;
      for (int64_t at = 0; at < count; at++)
        if (samples[row * count + at] < -1 || samples[row * count + at] >= V) return false;
    }
    return true;
  }
};

inline float innerProduct(const float* a, const float* b, int64_t width) {
  Floats sum = {};
  for (int64_t column = 0; column < width; column += LANES) {
    const int64_t n = lanesAt(column, width);
    sum += load(a + column, n) * load(b + column, n);
  }
  return total(sum);
}

/** log x of a normal number, to about 1e-9: of its fraction m as 2 artanh((m - 1) / (m + 1)). */
inline double logarithm(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int64_t exponent = static_cast<int64_t>(bits >> 52) - 1022;
  bits = (bits & 0xfffffffffffffull) | (1022ull << 52);
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m < 0.70710678118654752) {
    m *= 2;
    exponent--;
  }
  const double t = (m - 1) / (m + 1);
  const double s = t * t;
  const double series =
      1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13))))));
  return exponent * 0.69314718055994531 + 2 * t * series;
}

/**
 * The probability that a score means what it should, which is multiplied into `likelihood`, and its gradient: that of
 * -log sigma(score) of the row's own sample, of -log sigma(-score) of another.
 */
inline float slope(float score, bool isOwn, double* likelihood) {
  const float right = isOwn ? -score : score;
  const float odds = exponential(all(right))[0];
  *likelihood *= 1.0 / (1.0 + static_cast<double>(odds));
  const float wrong = odds / (1.0f + odds);
  return isOwn ? -wrong : wrong;
}

/** The slopes of the scores of one vector with the samples of a row, 0 for none; returns the loss in nats. */
inline double slopesOf(const Samples& of, const float* vector, const float* table, int64_t row, float* slopes) {
  double likelihood = 1;
  double loss = 0;
  for (int64_t at = 0; at < of.count; at++) {
    const int32_t sample = of.samples[row * of.count + at];
    slopes[at] = sample < 0 ? 0 : slope(innerProduct(vector, table + sample * of.H, of.H), at == 0, &likelihood);
    // Below it, one more factor might leave what a double holds.
    if (likelihood < 1e-200) {
      loss -= logarithm(likelihood);
      likelihood = 1;
    }
  }
  return loss - logarithm(likelihood);
}

/**
 * (x[K,H], table[V,H], windows int32[K,2], samples int32[K,S]) -> (losses[K], dx[K,H], dtable[V,H]): every row of the
 * window of a row, or their mean, tells the first of its samples from the others by logistic regression.
 */
inline void negativeSampling(Call& call, const NegativeSamplingAttributes& attributes) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* weights = call.input(1);
  const TF_Tensor* windows = call.input(2);
  const TF_Tensor* samples = call.input(3);
  const int64_t K = TF_Dim(x, 0);
  const int64_t H = width(x);
  const bool sampled = K == 0 || width(samples) > 0;
  const bool matches = sampled && width(weights) == H && elements(windows) == 2 * K && elements(samples) == K * width(samples);
  if (!call.require(matches, "a window and samples for every row")) return;
  const Samples of = {K, H, TF_Dim(weights, 0), width(samples), data<int32_t>(windows), data<int32_t>(samples)};
  if (!call.require(of.fits(), "windows around their rows, and samples of the table")) return;
  float* losses = call.output<float>(0, {K});
  float* dx = call.like<float>(1, x);
  float* dTable = call.like<float>(2, weights);
  if (losses == nullptr || dx == nullptr || dTable == nullptr) return;
  const bool mean = attributes.mean;
  const float* vectors = data<float>(x);
  const float* table = data<float>(weights);
  /** Where the slopes of each row begin: of each vector of its window, or of their mean, as many as it has samples. */
  int64_t* starts = static_cast<int64_t*>(malloc((K + 1) * sizeof(int64_t)));
  starts[0] = 0;
  for (int64_t row = 0; row < K; row++)
    starts[row + 1] = starts[row] + of.count * (mean ? (of.others(row) > 0 ? 1 : 0) : of.others(row));
  float* slopes = static_cast<float*>(malloc((starts[K] + 1) * sizeof(float)));
  float* means = mean ? static_cast<float*>(calloc(K * H + 1, sizeof(float))) : nullptr;

  forRows(K, of.count * H, [=](int64_t row) {
    double loss = 0;
    float* to = slopes + starts[row];
    if (mean && of.others(row) > 0) {
      float* average = means + row * H;
      for (int64_t at = of.first(row); at < of.end(row); at++)
        for (int64_t column = 0; at != row && column < H; column += LANES)
          addTo(average + column, load(vectors + at * H + column, lanesAt(column, H)), lanesAt(column, H));
      const float share = 1.0f / static_cast<float>(of.others(row));
      for (int64_t column = 0; column < H; column++) average[column] *= share;
      loss += slopesOf(of, average, table, row, to);
    } else if (!mean) {
      for (int64_t at = of.first(row); at < of.end(row); at++) {
        if (at == row) continue;
        loss += slopesOf(of, vectors + at * H, table, row, to);
        to += of.count;
      }
    }
    losses[row] = static_cast<float>(loss);
  });

  // A thread sums columns of its own, of all rows in their order, so no sum depends on how many threads there are.
  constexpr int64_t COLUMNS_OF_ONE = 4 * LANES;
  memset(dx, 0, K * H * sizeof(float));
  memset(dTable, 0, of.V * H * sizeof(float));
#pragma omp parallel for schedule(static) if (K * H > FEW)
  for (int64_t begin = 0; begin < H; begin += COLUMNS_OF_ONE) {
    const int64_t stop = begin + COLUMNS_OF_ONE < H ? begin + COLUMNS_OF_ONE : H;
    for (int64_t row = 0; row < K; row++) {
      const float* from = slopes + starts[row];
      const int64_t examples = (starts[row + 1] - starts[row]) / of.count;
      const float share = mean ? 1.0f / static_cast<float>(of.others(row) < 1 ? 1 : of.others(row)) : 1.0f;
      for (int64_t column = begin; column < stop; column += LANES) {
        const int64_t n = lanesAt(column, H);
        for (int64_t at = 0; at < of.count; at++) {
          const int32_t sample = of.samples[row * of.count + at];
          if (sample < 0) continue;
          Floats sum = {};
          int64_t vector = of.first(row);
          for (int64_t example = 0; example < examples; example++, vector++) {
            if (vector == row) vector++;
            const float* read = mean ? means + row * H : vectors + vector * H;
            sum += from[example * of.count + at] * load(read + column, n);
          }
          addTo(dTable + sample * H + column, sum, n);
        }
        int64_t example = 0;
        Floats back = {};
        for (int64_t vector = of.first(row); vector < of.end(row); vector++) {
          if (vector == row || examples == 0) continue;
          if (!mean || example == 0) {
            back = Floats{};
            for (int64_t at = 0; at < of.count; at++) {
              const int32_t sample = of.samples[row * of.count + at];
              if (sample >= 0) back += from[example * of.count + at] * load(table + sample * H + column, n);
            }
            example++;
          }
          addTo(dx + vector * H + column, back * share, n);
        }
      }
    }
  }
  free(starts);
  free(slopes);
  free(means);
}

inline void addNegativeSamplingKernels() {
  add<NegativeSamplingAttributes, negativeSampling>("RingmasterNegativeSampling", TF_FLOAT);
}

}  // namespace RINGMASTER_LEVEL
