/* Groups of draws.nc with a number for each draw and training row: log_likelihood and
 * posterior_predictive. Left out where they would be large. */
#include "../inference/forward.h"
#include "save.h"
#include <stdlib.h>

typedef struct rows {
    const urn_model *model;
    urn__io_nc *nc;
    const cli_kept *kept;
    urn__forward *forward;
    int likelihood, predictive;           /* groups; -1: left out */
    int *likelihood_var, *predictive_var; /* per site; -1: none */
} rows;

static bool is_observed(const urn_model *model, int site, urn_site_info *info)
{
    urn_model_site(model, site, info);
    return info->role == URN_SITE_OBSERVED && info->size > 0;
}

/* Bytes of a number for each element of the observed sites. */
static double bytes_of(const urn_model *model)
{
    double n = 0.0;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        if (is_observed(model, i, &info))
            n += 8.0 * (double)info.size;
    }
    return n;
}

static urn_status define(rows *r, int64_t room, urn_error *error)
{
    const cli_kept *k = r->kept;
    const double one = bytes_of(r->model), all = one * (double)k->chains * (double)k->draws;
    r->likelihood = r->predictive = -1;
    if (one == 0.0 || all > (double)room)
        return URN_OK;
    URN_TRY(urn__io_nc_group(r->nc, "log_likelihood", &r->likelihood, error));
    URN_TRY(urn__io_nc_group(r->nc, "posterior_predictive", &r->predictive, error));
    for (int i = 0; i < urn_model_site_count(r->model); i++) {
        urn_site_info info;
        if (!is_observed(r->model, i, &info))
            continue;
        URN_TRY(urn__io_nc_site_rows(r->nc, r->likelihood, r->model, i, k->chains, k->draws,
                                     &r->likelihood_var[i], error));
        URN_TRY(urn__io_nc_site(r->nc, r->predictive, r->model, i, NULL, k->chains, k->draws, 0,
                                &r->predictive_var[i], error));
    }
    return URN_OK;
}

static urn_status put_site(const rows *r, int site, int64_t chain, int64_t draw, urn_error *error)
{
    urn_site_info info;
    urn_model_site(r->model, site, &info);
    int64_t start[URN__IO_NC_MAX_RANK] = {chain, draw}, count[URN__IO_NC_MAX_RANK] = {1, 1};
    for (int d = 0; d < info.n_dims; d++)
        count[2 + d] = info.dims[d];
    const double *density = urn__forward_result(r->forward, 0, site, URN_RESULT_LOG_DENSITY);
    const double *drawn = urn__forward_result(r->forward, 0, site, URN_RESULT_DRAW);
    if (density == NULL || drawn == NULL)
        return cli_fail(error, URN_ERR_INTERNAL, NULL, "site \"%s\" has no densities", info.name);
    URN_TRY(urn__io_nc_put_double(r->nc, r->likelihood, r->likelihood_var[site], start, count,
                                  density, error));
    return urn__io_nc_put_double(r->nc, r->predictive, r->predictive_var[site], start, count, drawn,
                                 error);
}

static urn_status put_draw(const rows *r, const cli_fitted *fitted, int64_t chain, int64_t draw,
                           urn_error *error)
{
    const urn_posterior *p = urn_fit_posterior(fitted->fit);
    const int64_t s = chain * urn_posterior_draws(p) + draw * r->kept->thin;
    const int64_t all = urn_posterior_chains(p) * urn_posterior_draws(p);
    URN_TRY(urn__forward_draw(r->forward, s, all, fitted->seed, error));
    for (int i = 0; i < urn_model_site_count(r->model); i++)
        if (r->likelihood_var[i] >= 0)
            URN_TRY(put_site(r, i, chain, draw, error));
    urn__forward_pace(r->forward);
    return URN_OK;
}

static urn_status put_draws(rows *r, const cli_fitted *fitted, urn_error *error)
{
    int target;
    if (r->likelihood < 0)
        return URN_OK;
    URN_TRY(urn__forward_new(r->model, urn_fit_posterior(fitted->fit), fitted->threads, &r->forward,
                             error));
    URN_TRY(urn__forward_add(r->forward, r->model, &target, error));
    for (int64_t c = 0; c < r->kept->chains; c++)
        for (int64_t d = 0; d < r->kept->draws; d++)
            URN_TRY(put_draw(r, fitted, c, d, error));
    return URN_OK;
}

urn_status cli_save_rows(const cli_fitted *fitted, const cli_kept *kept, int64_t room,
                         urn__io_nc *nc, urn_error *error)
{
    const size_t n = (size_t)urn_model_site_count(fitted->model);
    rows r = {.model = fitted->model, .nc = nc, .kept = kept};
    r.likelihood_var = malloc((2 * n + 1) * sizeof *r.likelihood_var);
    if (r.likelihood_var == NULL)
        return cli_fail_memory(error);
    r.predictive_var = r.likelihood_var + n;
    for (size_t i = 0; i < 2 * n; i++)
        r.likelihood_var[i] = -1;
    urn_status status = define(&r, room, error);
    if (status == URN_OK)
        status = put_draws(&r, fitted, error);
    urn__forward_free(r.forward);
    free(r.likelihood_var);
    return status;
}
