// Kernels for x86-64-v4: AVX-512.
#ifdef __x86_64__
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_tensor.h"
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi,bmi2,f16c,lzcnt,movbe")
#define RINGMASTER_LEVEL v4
#define RINGMASTER_TILE_VECTORS 2
#define RINGMASTER_AVX512
#include "level.h"

void addV4Kernels() { v4::addKernels(); }
#endif
