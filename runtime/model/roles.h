/* What a trace says about the part a site plays: which sites meet as factors of a product, which
 * turn with them, and which are the noise of an observed site. Comparisons of runs need it: factors
 * are not identified (U A and V A^-T give the same products). */
#ifndef URN_MODEL_ROLES_H
#define URN_MODEL_ROLES_H

#include "../base/base.h"
#include <urn/run.h>

enum {
    URN__ROLE_FACTOR = 1, /* gathered rows of it meet those of another site in a product a row */
    URN__ROLE_AXES = 2,   /* vectors or matrices that a factor's distribution, or value, is made of:
                             they turn with it */
    URN__ROLE_NOISE = 4   /* a number that the spread of an observed site is made of */
};

/* roles[i] of every site. */
urn_status urn__model_roles(const urn_model *model, unsigned *roles, urn_error *error);

/* Sites of the k-th product of gathered rows (row_dot); false past the last. Each pair of sites is
 * given once. */
bool urn__model_factors(const urn_model *model, int k, int *a, int *b);

#endif
