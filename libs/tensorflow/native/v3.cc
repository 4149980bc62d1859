// Kernels for x86-64-v3: AVX2.
#ifdef __x86_64__
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"
#pragma GCC target("avx2,fma,bmi,bmi2,f16c,lzcnt,movbe")
#define RINGMASTER_LEVEL v3
#define RINGMASTER_TILE_VECTORS 1
#include "level.h"

void addV3Kernels() { v3::addKernels(); }
#endif
