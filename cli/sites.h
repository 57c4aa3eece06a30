/* The table of a fit's sites: mean, sd and quantiles of the small ones. */
#ifndef URN_CLI_SITES_H
#define URN_CLI_SITES_H

#include "cli.h"

enum {
    CLI_SMALL_SITE = 16
}; /* sites of more elements are listed by shape only, unless asked for */

/* Is `name` among the comma-separated `names`? Are all of these among the n known ones? */
bool cli_listed(const char *names, const char *name);
/* Has each draw of a sampler values of its own for it? */
bool cli_is_drawn(const urn_site_info *site);
urn_status cli_check_listed(const char *names, const char *const *known, size_t n,
                            urn_error *error);

/* Of draws of a sampler, elements have errors, effective sample sizes and R-hat, too.
 * Summaries of latent, recorded and param sites. `names` is a comma-separated list of sites to give
 * whole, however large; NULL: the small ones. */
urn_status cli_sites_json(const urn_model *model, const urn_posterior *posterior, const char *names,
                          int threads, json_t **sites, urn_error *error);
/* What k-hat is of: "guide", or "approximation" where that has left independent draws. */
const char *cli_approximation(const urn_posterior *posterior);
/* Prints what cli_sites_json gave. */
void cli_sites_print(const json_t *sites);

/* What sites are to the model (runtime/model/roles.h), to be freed; does one turn with factors, so
 * that chains need not agree on it? */
urn_status cli_site_roles(const urn_model *model, unsigned **roles, urn_error *error);
bool cli_site_turns(const unsigned *roles, int site);

/* ---- do the chains agree? (convergence.c) ---- */

/* Of the elements listed, without those of sites that turn with factors: worst R-hat and least ESS
 * ("r_hat", "ess_bulk", "ess_tail", each with the element's `name` and `value`), and "warnings" of
 * what is not good enough, with what to try. NULL for guides. */
json_t *cli_convergence_json(const json_t *sites, int64_t chains);
/* The warnings of fit.json but for those: a new list. */
json_t *cli_warnings_without_convergence(const json_t *fit);
/* A line for what cannot be said, and all warnings. */
void cli_warnings_print(const json_t *sites, int64_t chains, const json_t *warnings);

#endif
