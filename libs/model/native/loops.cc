// The elementwise parts of a step's update, as assembly/ has them for WebAssembly: a file an algorithm.
#define LOOPS "update.h"
#include "levels.h"
