/* Sentences whose words make another family of the one they name; see runtime/family/made.h. */
#ifndef URN_MODEL_MADE_H
#define URN_MODEL_MADE_H

#include "trace.h"

/* The family of a sentence: the one it names, or one made of that, kept as long as the model. NULL
 * with what is wrong in *why. */
const urn_family *urn__made_family(urn_model *m, const urn_family *family, const urn_site *site,
                                   bool observed, const char **why);
/* Truncation of what starts at 0 has that as its lower bound. */
void urn__made_defaults(urn_model *m, const urn_family *family, urn_site *site);
/* Parameter k of such a family: a number where a vector is wanted is the same for all elements. */
urn_var urn__made_parameter(const urn_family *family, const urn_site *site, int k, urn_var value);
/* Reports a truncation to an interval without probability, as far as it is known. */
void urn__check_truncation(urn_model *m, const urn__site *s);

#endif
