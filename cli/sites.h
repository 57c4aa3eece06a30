/* The table of a fit's sites: mean, sd and quantiles of the small ones. */
#ifndef URN_CLI_SITES_H
#define URN_CLI_SITES_H

#include "cli.h"

enum {
    CLI_SMALL_SITE = 16
}; /* sites of more elements are listed by shape only, unless asked for */

/* Of draws of a sampler, elements have errors, effective sample sizes and R-hat, too.
 * Summaries of latent, recorded and param sites. `names` is a comma-separated list of sites to give
 * whole, however large; NULL: the small ones. */
urn_status cli_sites_json(const urn_model *model, const urn_posterior *posterior, const char *names,
                          int threads, json_t **sites, urn_error *error);
/* Prints what cli_sites_json gave. */
void cli_sites_print(const json_t *sites);

/* ---- do the chains agree? (convergence.c) ---- */

/* Worst R-hat and least ESS of the elements listed: "r_hat", "ess_bulk", "ess_tail", each with the
 * element's `name` and `value`; NULL for guides. */
json_t *cli_convergence_json(const json_t *sites);
/* Appends to `warnings` what of it is not good enough, with what to try; not what is in it already.
 */
void cli_convergence_warn(const json_t *sites, const urn_model *model, int64_t chains,
                          json_t *warnings);
/* A line for what cannot be said, and all warnings. */
void cli_warnings_print(const json_t *sites, int64_t chains, const json_t *warnings);

#endif
