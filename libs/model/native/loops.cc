// The elementwise parts of a step's update, as assembly/ has them for WebAssembly: a file an algorithm.
#include "loops.h"

#define LEVEL baseline
#include "update.h"
#undef LEVEL

#ifdef __x86_64__
#pragma GCC push_options
#pragma GCC target("avx2")
#define LEVEL v3
#include "update.h"
#undef LEVEL
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2")
#define LEVEL v4
#include "update.h"
#undef LEVEL
#pragma GCC pop_options
#endif
