// All loops of the ring; included once a level (levels.h).
#include "elements.h"
#include "packing.h"
