// Kernels for any processor of the architecture.
#define RINGMASTER_LEVEL baseline
#include "level.h"

void addBaselineKernels() { baseline::addKernels(); }
