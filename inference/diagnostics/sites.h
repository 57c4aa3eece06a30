/* Diagnostics of a fit's sites. */
#ifndef URN_INFERENCE_DIAGNOSTICS_SITES_H
#define URN_INFERENCE_DIAGNOSTICS_SITES_H

#include "chains.h"

#include <urn/fit.h>

/* Moments, quantiles, errors, effective sizes and R-hat of every element of a latent, recorded or
 * param site, in its natural space, from the draws a sampler stored. `rows` gets the site's size of
 * them. A posterior of another kind has no chains: URN_ERR_USAGE. */
urn_status urn__diagnose_site(const urn_model *model, const urn_posterior *posterior, int site,
                              int threads, urn__chains_summary *rows, urn_error *error);
/* The same of several sites, whose draws are replayed together: rows[k] gets those of sites[k]. */
urn_status urn__diagnose_sites(const urn_model *model, const urn_posterior *posterior, int n,
                               const int *sites, int threads, urn__chains_summary *const *rows,
                               urn_error *error);

#endif
