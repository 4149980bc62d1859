// Windows over the tokens of a text, each the sum of one row a place: what is left of a convolution (Kim, 2014) once every
// token has been multiplied with every place of every width.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

struct WindowsAttributes {
  int64_t sequences;

  explicit WindowsAttributes(const Construction& given) : sequences(given.integer("sequences")) {}
};

/** Which windows there are: they lie within their text, but for one that begins at the first token of a shorter text. */
struct Windows {
  int64_t length;
  /** Real length of each sequence; null where all are full. */
  const int32_t* lengths;
  /** Tokens of a window of each kind (W of them). */
  const int32_t* widths;
  int64_t kinds;
  /** Filters of each kind (F). */
  int64_t F;

  int64_t places() const {
    int64_t sum = 0;
    for (int64_t kind = 0; kind < kinds; kind++) sum += widths[kind];
    return sum;
  }

  int64_t real(int64_t row) const { return lengths == nullptr ? length : lengths[row / length]; }

  bool begins(int64_t first, int64_t width, int64_t real) const { return first == 0 || first + width <= real; }
};

inline Windows windowsOf(const TF_Tensor* lengths, const TF_Tensor* widths, int64_t length, int64_t columns) {
  const int32_t* real = elements(lengths) == 0 ? nullptr : data<int32_t>(lengths);
  Windows windows = {length, real, data<int32_t>(widths), elements(widths), 0};
  windows.F = windows.places() == 0 ? 0 : columns / windows.places();
  return windows;
}

inline bool fitsWindows(Call& call, const TF_Tensor* lengths, int64_t N, int64_t sequences, int64_t columns, int64_t parts) {
  const bool fits = sequences > 0 && N % sequences == 0 && parts > 0 && columns % parts == 0 &&
                    (elements(lengths) == 0 || elements(lengths) == sequences);
  return call.require(fits, "a product for every place of every token");
}

/**
 * (products T[B·T,PF], bias[WF], lengths int32[B or 0], widths int32[W]) → [B·T,WF]: max(0, bias + the sum over the places
 * of the window of each width that begins at the token), 0 where none does.
 */
template <typename T>
void windows(Call& call, const WindowsAttributes& attributes) {
  const TF_Tensor* products = call.input(0);
  const TF_Tensor* bias = call.input(1);
  const TF_Tensor* lengths = call.input(2);
  const TF_Tensor* widths = call.input(3);
  const int64_t N = rows(products);
  const int64_t PF = width(products);
  const Windows of = windowsOf(lengths, widths, N / (attributes.sequences > 0 ? attributes.sequences : 1), PF);
  if (!fitsWindows(call, lengths, N, attributes.sequences, PF, of.places())) return;
  const int64_t F = of.F;
  const int64_t WF = of.kinds * F;
  if (!call.require(elements(bias) == WF, "a bias for every filter")) return;
  float* y = call.output<float>(0, {N, WF});
  if (y == nullptr) return;
  const T* from = data<T>(products);
  const float* shifts = data<float>(bias);
  forRows(N, PF, [=](int64_t row) {
    const int64_t first = row % of.length;
    const int64_t real = of.real(row);
    int64_t before = 0;
    for (int64_t kind = 0; kind < of.kinds; kind++) {
      const int64_t width = of.widths[kind];
      float* to = y + row * WF + kind * F;
      if (!of.begins(first, width, real)) memset(to, 0, F * sizeof(float));
      else {
        const int64_t count = width < real - first ? width : real - first;
        for (int64_t f = 0; f < F; f += LANES) {
          const int64_t n = lanesAt(f, F);
          Floats sum = {};
          for (int64_t place = 0; place < count; place++)
            sum += load(from + (row + place) * PF + (before + place) * F + f, n);
          sum += load(shifts + kind * F + f, n);
          store(to + f, sum > 0.0f ? sum : Floats{}, n);
        }
      }
      before += width;
    }
  });
}

/**
 * (dy[B·T,WF], y[B·T,WF], lengths int32[B or 0], widths int32[W]) → (dproducts T[B·T,PF], dbias[WF]), for what `windows` has
 * made.
 */
template <typename T>
void windowsGradient(Call& call, const WindowsAttributes& attributes) {
  const TF_Tensor* dy = call.input(0);
  const TF_Tensor* y = call.input(1);
  const TF_Tensor* lengths = call.input(2);
  const TF_Tensor* widths = call.input(3);
  const int64_t N = rows(y);
  const int64_t WF = width(y);
  Windows of = windowsOf(lengths, widths, N / (attributes.sequences > 0 ? attributes.sequences : 1), 0);
  if (!fitsWindows(call, lengths, N, attributes.sequences, WF, of.kinds)) return;
  if (!call.require(elements(dy) == elements(y), "a gradient for every window")) return;
  const int64_t F = of.F = WF / of.kinds;
  const int64_t PF = of.places() * F;
  T* dProducts = call.output<T>(0, {N, PF});
  float* dBias = call.output<float>(1, {WF});
  if (dProducts == nullptr || dBias == nullptr) return;
  const float* slopes = data<float>(dy);
  const float* values = data<float>(y);
  sumRows(N, PF, WF, dBias, [=](int64_t row, float* sums) {
    const int64_t first = row % of.length;
    const int64_t real = of.real(row);
    T* to = dProducts + row * PF;
    for (int64_t kind = 0; kind < of.kinds; kind++) {
      const int64_t width = of.widths[kind];
      for (int64_t place = 0; place < width; place++, to += F) {
        const bool isRead = first < real && place <= first && of.begins(first - place, width, real);
        const int64_t at = (row - place) * WF + kind * F;
        for (int64_t f = 0; f < F; f += LANES) {
          const int64_t n = lanesAt(f, F);
          const Floats slope = isRead ? (load(values + at + f, n) > 0.0f ? load(slopes + at + f, n) : Floats{}) : Floats{};
          store(to + f, slope, n);
          if (place == 0) addTo(sums + kind * F + f, slope, n);
        }
      }
    }
  });
}

template <typename T>
void addWindowsKernels() {
  add<WindowsAttributes, windows<T>>("RingmasterWindows", TypeOf<T>::value);
  add<WindowsAttributes, windowsGradient<T>>("RingmasterWindowsGradient", TypeOf<T>::value);
}

}  // namespace RINGMASTER_LEVEL
