/* Independent normals: the mean-field guide. The sweeps of guide_sweeps.c are all there is to it.
 */
#include "guides.h"

const urn__guide_kind urn__guide_normal = {.name = "normal", .normal = true};
