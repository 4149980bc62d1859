// All loops of an update; included once a level (levels.h).
#include "gradient.h"

#include "adam.h"
#include "adamw.h"
#include "average.h"
#include "lion.h"
#include "sgd.h"
#include "squares.h"

#include "factored.h"
#include "matrices.h"
