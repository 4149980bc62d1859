// Compiles the loops of the file that `LOOPS` names, once for each set of instructions; it may be included again, with
// another file. What is chosen by the processor is said by `loop_level` (loops.h).
#include "loops.h"

#define LEVEL baseline
#include LOOPS
#undef LEVEL

#ifdef __x86_64__
#pragma GCC push_options
#pragma GCC target("avx2")
#define LEVEL v3
#include LOOPS
#undef LEVEL
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2")
#define LEVEL v4
#include LOOPS
#undef LEVEL
#pragma GCC pop_options
#endif

#undef LOOPS
