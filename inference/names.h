/* Names of a site's elements. */
#ifndef URN_INFERENCE_NAMES_H
#define URN_INFERENCE_NAMES_H

#include <urn/run.h>

/* "tril_u[1,2]", with the labels of plates of ids. Returns `text`. */
const char *urn__element_name(const urn_model *model, const urn_site_info *site, int64_t element,
                              char *text, size_t size);

#endif
