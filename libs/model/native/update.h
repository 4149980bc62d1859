// All loops of an update; included once a level (loops.cc).
#include "gradient.h"

#include "adam.h"
#include "adamw.h"
#include "sgd.h"
#include "squares.h"
