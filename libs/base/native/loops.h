// What a file of native loops begins with. Such a file is compiled once and includes its loops once for each set of
// instructions, with `LEVEL` as the prefix of what it exports; `loop_level` says which of them suits the processor.
//
// Each loop does what the WebAssembly loop of its name does, to the bit: only operations that IEEE 754 or the integers
// define, in an order that the result does not depend on or that is written down. It is compiled without fused
// multiply-add (libs/base/tools/compile-loops.mjs). All begin with the address of the memory; then come byte offsets in
// it, lengths in elements and factors.
#pragma once

#include <stdint.h>
#include <string.h>

#define JOIN_TOKENS(a, b) a##_##b
#define JOIN(a, b) JOIN_TOKENS(a, b)

/** The exported name of a loop at this level. */
#define LOOP(type, name) extern "C" __attribute__((visibility("default"))) type JOIN(LEVEL, name)

/** Elements at a byte offset of the memory, which no other argument reaches. */
#define AT(type, offset) reinterpret_cast<type*>(memory + (offset))

/** Helpers are compiled anew for each level. */
#define HELPER static inline __attribute__((always_inline))

/** 2: x86-64-v4 (AVX-512), 1: x86-64-v3 (AVX2), 0: any processor of the architecture. */
extern "C" __attribute__((visibility("default"))) int32_t loop_level() {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 2;
  if (__builtin_cpu_supports("avx2")) return 1;
#endif
  return 0;
}
