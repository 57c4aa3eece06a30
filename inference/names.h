/* Names of a site's elements. */
#ifndef URN_INFERENCE_NAMES_H
#define URN_INFERENCE_NAMES_H

#include "engine.h"

#include <urn/run.h>

/* "tril_u[1,2]", with the labels of plates of ids. Returns `text`. */
const char *urn__element_name(const urn_model *model, const urn_site_info *site, int64_t element,
                              char *text, size_t size);

/* Coordinate i of a target's position: an element of its site, or "site (coordinate 3 of 5)" where
 * coordinates are no elements. Returns `text`. */
const char *urn__coordinate_name(const urn__target *target, int64_t i, char *text, size_t size);

#endif
