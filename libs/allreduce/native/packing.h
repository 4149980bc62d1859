// Integers in as few bits as their block needs; included once a level (levels.h). assembly/packing.ts has the same layout
// and describes it: sixteen rows of four lanes, each lane a stream of its own.

namespace LEVEL {

constexpr int ROWS = 16;
constexpr int BLOCK = 4 * ROWS;

typedef uint32_t Row __attribute__((vector_size(16)));
typedef int32_t SignedRow __attribute__((vector_size(16)));

HELPER Row load(const uint32_t* from) {
  Row row;
  memcpy(&row, from, sizeof row);
  return row;
}

HELPER void store(uint32_t* to, Row row) { memcpy(to, &row, sizeof row); }

/** Packs a block with `width` bits an element; all shifts are constants. */
template <int width>
static void packBlock(uint32_t* __restrict target, const uint32_t* __restrict source) {
  Row word = {};
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    const int at = row * width;
    const int shift = at & 31;
    const int end = shift + width;
    const Row value = load(source + 4 * row) & (UINT32_MAX >> (32 - width));
    const Row filled = shift == 0 ? value : word | (value << shift);
    if (end >= 32) store(target + 4 * (at >> 5), filled);
    word = end > 32 ? value >> (32 - shift) : filled;
  }
}

template <>
void packBlock<0>(uint32_t*, const uint32_t*) {}

/** The signed values of a row of a packed block. */
template <int width>
HELPER Row unpackedRow(const uint32_t* source, int row) {
  const int at = row * width;
  const int shift = at & 31;
  const int end = shift + width;
  const uint32_t* word = source + 4 * (at >> 5);
  // Shifted to the top first and down again, so that the sign goes on to the left.
  if (end <= 32) return (Row)((SignedRow)(load(word) << (32 - end)) >> (32 - width));
  return (load(word) >> shift) | (Row)((SignedRow)(load(word + 4) << (64 - end)) >> (32 - width));
}

template <int width, bool adds>
static void unpackBlock(uint32_t* __restrict target, const uint32_t* __restrict source) {
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    const Row value = unpackedRow<width>(source, row);
    store(target + 4 * row, adds ? load(target + 4 * row) + value : value);
  }
}

template <>
void unpackBlock<0, true>(uint32_t*, const uint32_t*) {}

template <>
void unpackBlock<0, false>(uint32_t* target, const uint32_t*) {
  memset(target, 0, 4 * BLOCK);
}

typedef void (*BlockLoop)(uint32_t*, const uint32_t*);

/** By half the width. */
#define WIDTHS(function)                                                                          \
  {                                                                                               \
    function(0), function(2), function(4), function(6), function(8), function(10), function(12),  \
        function(14), function(16), function(18), function(20), function(22), function(24),       \
        function(26), function(28), function(30), function(32)                                    \
  }
#define PACK(width) packBlock<width>
#define ADD(width) unpackBlock<width, true>
#define SET(width) unpackBlock<width, false>
static const BlockLoop packs[] = WIDTHS(PACK);
static const BlockLoop unpacksAdding[] = WIDTHS(ADD);
static const BlockLoop unpacksSetting[] = WIDTHS(SET);
#undef WIDTHS
#undef PACK
#undef ADD
#undef SET

/** Half of the even width that 64 integers need in two's complement. */
HELPER uint32_t halfWidth(const uint32_t* __restrict from) {
  uint32_t any = 0;
  uint32_t significant = 0;
  for (int k = 0; k < BLOCK; k++) {
    any |= from[k];
    // Bits that differ from the sign.
    significant |= from[k] ^ (uint32_t)((int32_t)from[k] >> 31);
  }
  const int zeros = significant == 0 ? 32 : __builtin_clz(significant);
  return any == 0 ? 0 : (uint32_t)(34 - zeros) >> 1;
}

HELPER void unpackAll(const BlockLoop* loops, uint32_t* target, const uint32_t* source, const uint8_t* halves,
                      uint32_t blocks) {
  for (uint32_t block = 0; block < blocks; block++) {
    loops[halves[block]](target, source);
    source += halves[block] * (BLOCK / 16);
    target += BLOCK;
  }
}

}  // namespace LEVEL

/** Half the width of each block goes to target[0, blocks), a byte each; answers the bytes of all packed blocks. */
LOOP(uint32_t, widths)(char* memory, uint64_t target, uint64_t source, uint32_t blocks) {
  uint8_t* __restrict to = AT(uint8_t, target);
  const uint32_t* __restrict from = AT(const uint32_t, source);
  uint32_t halves = 0;
  for (uint32_t block = 0; block < blocks; block++) {
    const uint32_t half = LEVEL::halfWidth(from + block * LEVEL::BLOCK);
    to[block] = (uint8_t)half;
    halves += half;
  }
  return halves * (LEVEL::BLOCK / 4);
}

/** Packs blocks one after another with the widths that `widths` has found, 32 bits at most. */
LOOP(void, pack)(char* memory, uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks) {
  uint32_t* to = AT(uint32_t, target);
  const uint32_t* from = AT(const uint32_t, source);
  const uint8_t* half = AT(const uint8_t, halves);
  for (uint32_t block = 0; block < blocks; block++) {
    LEVEL::packs[half[block]](to, from);
    to += half[block] * (LEVEL::BLOCK / 16);
    from += LEVEL::BLOCK;
  }
}

/** target[k] += what was packed. */
LOOP(void, unpackAdd)(char* memory, uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks) {
  LEVEL::unpackAll(LEVEL::unpacksAdding, AT(uint32_t, target), AT(const uint32_t, source),
                   AT(const uint8_t, halves), blocks);
}

/** target[k] = what was packed. */
LOOP(void, unpackSet)(char* memory, uint64_t target, uint64_t source, uint64_t halves, uint32_t blocks) {
  LEVEL::unpackAll(LEVEL::unpacksSetting, AT(uint32_t, target), AT(const uint32_t, source),
                   AT(const uint8_t, halves), blocks);
}
