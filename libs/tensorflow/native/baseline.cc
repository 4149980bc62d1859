// Kernels for any processor of the architecture.
#define RINGMASTER_LEVEL baseline
#define RINGMASTER_TILE_VECTORS 1
#include "level.h"

void addBaselineKernels() { baseline::addKernels(); }
