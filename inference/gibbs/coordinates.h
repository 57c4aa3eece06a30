/* Between the values of a chain's sites and their unconstrained coordinates. */
#ifndef URN_INFERENCE_GIBBS_COORDINATES_H
#define URN_INFERENCE_GIBBS_COORDINATES_H

#include "gibbs.h"

/* The bounds of sites' supports at the chain's values, for the calls below. */
void urn__gibbs_find_bounds(urn__gibbs *g);
/* The coordinates of a site's values (free_size numbers, or the values of a discrete site). */
void urn__gibbs_unconstrain(const urn__gibbs *g, int site, double *to);
/* The values at these coordinates become those of the chain; log_jacobian: of each row of the
 * support, may be NULL. */
void urn__gibbs_constrain(urn__gibbs *g, int site, const double *from, double *log_jacobian);

#endif
