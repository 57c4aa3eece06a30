/* A point: a mode of the posterior. */
#include "guides.h"

const urn__guide_kind urn__guide_delta = {.name = "delta"};
