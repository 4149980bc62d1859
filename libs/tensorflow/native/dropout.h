// Dropout masks from counters: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011),
// sixteen counters at a time.
#pragma once

#include "kernel.h"
#include "rows.h"

namespace RINGMASTER_LEVEL {

typedef uint64_t Longs __attribute__((vector_size(128)));

/** Both halves of the products of 32-bit words. */
struct Products {
  Words high;
  Words low;

  Products(Words x, uint32_t factor) {
#ifdef RINGMASTER_AVX512
    // GCC multiplies all 64 bits of a lane there, which takes several times as long.
    const __m512i factors = _mm512_set1_epi32((int)factor);
    const __m512i even = _mm512_mul_epu32((__m512i)x, factors);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)x, 32), factors);
    high = (Words)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    low = (Words)_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
#else
    const Longs product = __builtin_convertvector(x, Longs) * factor;
    high = __builtin_convertvector(product >> 32, Words);
    low = __builtin_convertvector(product, Words);
#endif
  }
};

/** Four words of each counter (c, 0, 0, 0), c < 2^32. */
struct Philox {
  Words words[4];

  Philox(Words counters, uint32_t low, uint32_t high) : words{counters, {}, {}, {}} {
    for (int round = 0; round < 10; round++) {
      const Products first(words[0], 0xd2511f53u);
      const Products second(words[2], 0xcd9e8d57u);
      words[0] = second.high ^ words[1] ^ low;
      words[1] = second.low;
      words[2] = first.high ^ words[3] ^ high;
      words[3] = first.low;
      low += 0x9e3779b9u;
      high += 0xbb67ae85u;
    }
  }
};

constexpr int64_t HALVES = 8;
constexpr int64_t DRAWS = LANES * HALVES;

/**
 * A mask of any size: 0 where a draw of 16 bits is below `dropped`, and elsewhere what makes the mean 1. Element
 * 128 c + 16 p + l has half p % 2 (the lower one first) of word p / 2 of counter 16 c + l.
 */
struct Mask {
  /** The key; null where nothing is dropped. */
  const uint32_t* key;
  int32_t dropped;

  /** Calls use(at, values) for the elements of a chunk, from `at` on LANES at a time, as long as it answers true. */
  template <typename Use>
  void drawChunk(int64_t chunk, const Use& use) const {
    const Words lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Philox random(lanes + (uint32_t)(chunk * LANES), key[0], key[1]);
    const Floats kept = all(65536.0f / (65536 - dropped));
    for (int part = 0; part < HALVES; part++) {
      const Words word = random.words[part / 2];
      const Words half = part % 2 == 0 ? word & 0xffffu : word >> 16;
      if (!use(chunk * DRAWS + part * LANES, (Ints)half < dropped ? Floats{} : kept)) return;
    }
  }

  /** Elements `first` to first + count, in `room` for count + 2 LANES; where the first of them lies. */
  const float* draw(int64_t first, int64_t count, float* room) const {
    const int64_t start = first / LANES * LANES;
    for (int64_t chunk = first / DRAWS; chunk * DRAWS < first + count; chunk++)
      drawChunk(chunk, [=](int64_t at, Floats values) {
        if (at >= start) store(room + at - start, values);
        return at + LANES < first + count;
      });
    return room + first - start;
  }
};

struct DropoutAttributes {
  int32_t dropped;

  explicit DropoutAttributes(const Construction& given) : dropped(given.integer("dropped")) {}
};

/** (shape int32[rank], key int32[2]) → `Mask` of that shape */
inline void dropoutMask(Call& call, const DropoutAttributes& attributes) {
  const TF_Tensor* shape = call.input(0);
  const TF_Tensor* key = call.input(1);
  int64_t extents[8];
  const int64_t rank = elements(shape);
  if (!call.require(rank <= 8 && elements(key) == 2, "a shape and a key of two words")) return;
  int64_t size = 1;
  for (int64_t at = 0; at < rank; at++) size *= extents[at] = data<int32_t>(shape)[at];
  float* mask = call.output<float>(0, extents, rank);
  if (mask == nullptr) return;
  const Mask drawn = {data<uint32_t>(key), attributes.dropped};
  forRows((size + DRAWS - 1) / DRAWS, DRAWS, [=](int64_t chunk) {
    drawn.drawChunk(chunk, [=](int64_t at, Floats values) {
      if (at < size) store(mask + at, values, lanesAt(at, size));
      return at + LANES < size;
    });
  });
}

/** (x T, mask) → x ∘ mask, T */
template <typename T>
void applyMask(Call& call) {
  const TF_Tensor* x = call.input(0);
  const TF_Tensor* mask = call.input(1);
  const int64_t C = width(x);
  if (!call.require(elements(mask) == elements(x), "a mask of the same shape")) return;
  T* y = call.like<T>(0, x);
  if (y == nullptr) return;
  const T* from = data<T>(x);
  const float* keep = data<float>(mask);
  forRows(rows(x), width(x), [=](int64_t row) {
    for (int64_t c = 0; c < C; c += LANES) {
      const int64_t n = lanesAt(c, C);
      store(y + row * C + c, load(from + row * C + c, n) * load(keep + row * C + c, n), n);
    }
  });
}

inline void addDropoutKernels() {
  add<DropoutAttributes, dropoutMask>("RingmasterDropoutMask", TF_FLOAT);
  add<applyMask<float>>("RingmasterApplyMask", TF_FLOAT);
  add<applyMask<BFloat16>>("RingmasterApplyMask", TF_BFLOAT16);
}

}  // namespace RINGMASTER_LEVEL
