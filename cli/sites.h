/* The table of a fit's sites: mean, sd and quantiles of the small ones. */
#ifndef URN_CLI_SITES_H
#define URN_CLI_SITES_H

#include "cli.h"

enum {
    CLI_SMALL_SITE = 16
}; /* sites of more elements are listed by shape only, unless asked for */

/* Summaries of latent, recorded and param sites. `names` is a comma-separated list of sites to give
 * whole, however large; NULL: the small ones. */
urn_status cli_sites_json(const urn_model *model, const urn_posterior *posterior, const char *names,
                          int threads, json_t **sites, urn_error *error);
/* Prints what cli_sites_json gave. */
void cli_sites_print(const json_t *sites);

#endif
