/* Groups prior and prior_predictive of draws.nc: joint draws of the fitted model, its data aside.
 */
#include "../inference/engine.h"
#include "save.h"
#include <stdlib.h>

typedef struct prior {
    const urn_model *model;
    urn__io_nc *nc;
    int64_t draws;
    int prior, predictive; /* groups */
    int *vars;             /* per site; -1: not drawn */
    urn_program *program;
    urn_replay *replay;
} prior;

static urn_status open_program(prior *p, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    URN_TRY(urn_program_compile(p->model, &options, &p->program, error));
    return urn_replay_new(p->program, 1, &p->replay, error);
}

static void release(prior *p)
{
    urn_replay_free(p->replay);
    urn_program_free(p->program);
    free(p->vars);
}

urn_status cli_check_prior(const urn_model *model, urn_error *error)
{
    prior p = {.model = model};
    const urn_status status = open_program(&p, error);
    release(&p);
    return status;
}

/* The group a site belongs into; -1: none. */
static int group_of(const prior *p, const urn_site_info *info)
{
    switch (info->role) {
    case URN_SITE_LATENT:
    case URN_SITE_RECORDED:
        return p->prior;
    case URN_SITE_OBSERVED:
        return p->predictive;
    default:
        return -1;
    }
}

static urn_status define(prior *p, urn_error *error)
{
    URN_TRY(urn__io_nc_group(p->nc, "prior", &p->prior, error));
    URN_TRY(urn__io_nc_group(p->nc, "prior_predictive", &p->predictive, error));
    for (int i = 0; i < urn_model_site_count(p->model); i++) {
        urn_site_info info;
        urn_model_site(p->model, i, &info);
        p->vars[i] = -1;
        const int group = group_of(p, &info);
        if (group >= 0 && info.size > 0)
            URN_TRY(urn__io_nc_site(p->nc, group, p->model, i, NULL, 1, p->draws, 0, &p->vars[i],
                                    error));
    }
    return URN_OK;
}

static urn_status put_site(const prior *p, int site, int64_t draw, urn_error *error)
{
    urn_site_info info;
    urn_model_site(p->model, site, &info);
    const double *values = urn_replay_result(p->replay, site, URN_RESULT_VALUE);
    int64_t start[URN__IO_NC_MAX_RANK] = {0, draw}, count[URN__IO_NC_MAX_RANK] = {1, 1};
    for (int d = 0; d < info.n_dims; d++)
        count[2 + d] = info.dims[d];
    if (values == NULL)
        return cli_fail(error, URN_ERR_INTERNAL, NULL, "site \"%s\" has not been drawn", info.name);
    return urn__io_nc_put_double(p->nc, group_of(p, &info), p->vars[site], start, count, values,
                                 error);
}

static urn_status put_draws(const prior *p, uint64_t seed, urn_error *error)
{
    for (int64_t d = 0; d < p->draws; d++) {
        urn_replay_seed(p->replay, seed, urn__chain_for(URN__USE_PRIOR, 0), (uint64_t)d + 1);
        urn_replay_run(p->replay, NULL);
        for (int i = 0; i < urn_model_site_count(p->model); i++)
            if (p->vars[i] >= 0)
                URN_TRY(put_site(p, i, d, error));
    }
    return URN_OK;
}

urn_status cli_save_prior(const cli_fitted *fitted, int64_t draws, urn__io_nc *nc, urn_error *error)
{
    prior p = {.model = fitted->model, .nc = nc, .draws = draws};
    p.vars = calloc((size_t)urn_model_site_count(p.model) + 1, sizeof *p.vars);
    urn_status status = p.vars != NULL ? open_program(&p, error) : cli_fail_memory(error);
    if (status == URN_OK)
        status = define(&p, error);
    if (status == URN_OK)
        status = put_draws(&p, fitted->seed, error);
    release(&p);
    return status;
}
