// Sums of rows by their number: the gradient through a table that rows were looked up in.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

/** Columns that one thread sums; it takes all rows in their order, so no sum depends on how many threads there are. */
constexpr int64_t COLUMNS = 4 * LANES;

/** (target[V,H], source[K,H], indices int32[K]) → nothing: each row of the source is added to its row of the target. */
inline void addRows(Call& call) {
  const TF_Tensor* target = call.input(0);
  const TF_Tensor* source = call.input(1);
  const TF_Tensor* indices = call.input(2);
  const int64_t H = width(source);
  const int64_t count = rows(source);
  const bool fits = width(target) == H && elements(indices) == count;
  if (!call.require(fits, "an index for every row")) return;
  const int32_t* numbers = data<int32_t>(indices);
  for (int64_t row = 0; row < count; row++)
    if (!call.require(numbers[row] >= 0 && numbers[row] < rows(target), "indices of rows of the target")) return;
  float* to = const_cast<float*>(data<float>(target));
  const float* from = data<float>(source);
#pragma omp parallel for schedule(static) if (count * H > FEW)
  for (int64_t first = 0; first < H; first += COLUMNS) {
    const int64_t end = first + COLUMNS < H ? first + COLUMNS : H;
    for (int64_t row = 0; row < count; row++)
      for (int64_t column = first; column < end; column += LANES)
        addTo(to + numbers[row] * H + column, load(from + row * H + column, lanesAt(column, H)), lanesAt(column, H));
  }
}

inline void addRowsKernels() { add<addRows>("RingmasterAddRows", TF_FLOAT); }

}  // namespace RINGMASTER_LEVEL
