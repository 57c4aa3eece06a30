/* Writes a run: draws.nc and fit.json. (log.csv is written while the fit runs.) */
#ifndef URN_CLI_SAVE_H
#define URN_CLI_SAVE_H

#include "../io/io.h"
#include "data.h"
#include "load.h"
#include "score.h"
#include "watch.h"

/* A finished fit and what it came from; all borrowed. */
typedef struct cli_fitted {
    const cli_args *args;
    const char *spec; /* MODEL as given */
    const cli_model *source;
    const cli_setup *setup;
    const urn_dataset *data;
    const urn_model *model;
    const urn_fit *fit;
    const cli_watch *watch; /* of samplers, or NULL */
    uint64_t seed;
    int threads;
    bool interrupted;
    double wall_s, memory_estimate;
    int64_t n_training, n_held_out;
    const json_t *sites;
    const cli_score *scores;
    int n_scores;
} cli_fitted;

enum {
    CLI_GUIDE_DRAWS = 1000, /* draws of a guide kept in draws.nc, of sites of at most ... */
    CLI_GUIDE_SITE = 10000, /* ... so many elements */
};

/* Draws kept in draws.nc: so many a chain, every so manieth of the posterior's. */
typedef struct cli_kept {
    int64_t chains, draws, thin;
} cli_kept;

/* Adds log_likelihood and posterior_predictive of a sampler's run, as far as each takes at most
 * `room` bytes. */
urn_status cli_save_rows(const cli_fitted *fitted, const cli_kept *kept, int64_t room,
                         urn__io_nc *nc, urn_error *error);
/* Adds observed_data, and constant_data: what else the model read, as far as each takes at most
 * `room` bytes. */
urn_status cli_save_observed(const cli_fitted *fitted, int64_t room, urn__io_nc *nc,
                             urn_error *error);
urn_status cli_save_constant(const cli_fitted *fitted, int64_t room, urn__io_nc *nc,
                             urn_error *error);
/* Adds prior and prior_predictive: `draws` joint draws of the model without its data. */
urn_status cli_save_prior(const cli_fitted *fitted, int64_t draws, urn__io_nc *nc,
                          urn_error *error);
/* Can the model be drawn from? Before a fit that will be asked for it. */
urn_status cli_check_prior(const urn_model *model, urn_error *error);
urn_status cli_save_draws(const cli_fitted *fitted, int64_t budget, const char *path,
                          urn_error *error);
/* Bytes of the draws it keeps of a normal guide. */
double cli_guide_draws_bytes(const urn_model *model, int64_t budget);
/* What fit.json holds. */
urn_status cli_fit_json(const cli_fitted *fitted, json_t **json, urn_error *error);

#endif
