// The inner loops of the fixed-point all-reduce, as assembly/ has them for WebAssembly.
#define LOOPS "ring.h"
#include "levels.h"
