/* All draws of chosen sites (see keep.h). */
#include "keep.h"
#include "../inference/forward.h"
#include "memory.h"
#include "sites.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES = 256 };

struct cli_keep {
    const urn_model *model;
    const urn_allocator *allocator;
    urn__forward *forward;
    int n;
    int sites[MOST_NAMES];
    double *values[MOST_NAMES]; /* chains x draws x size */
    int n_chains;
    int64_t draws, drawn; /* of a chain; of all */
};

urn_status cli_keep_check(const urn_model *model, const char *sites, urn_error *error)
{
    const char *known[MOST_NAMES];
    size_t n = 0;
    for (int i = 0; i < urn_model_site_count(model) && n < MOST_NAMES; i++) {
        urn_site_info site;
        urn_model_site(model, i, &site);
        if (cli_is_drawn(&site))
            known[n++] = site.name;
    }
    return cli_check_listed(sites, known, n, error);
}

static urn_status make_room(cli_keep *k, const cli_keep_options *options, urn_error *error)
{
    double bytes = 0.0;
    const double draws = (double)k->n_chains * (double)k->draws;
    for (int i = 0; i < urn_model_site_count(k->model) && k->n < MOST_NAMES; i++) {
        urn_site_info site;
        urn_model_site(k->model, i, &site);
        if (!cli_is_drawn(&site) || !cli_listed(options->sites, site.name))
            continue;
        k->sites[k->n++] = i;
        bytes += 8.0 * draws * (double)site.size;
    }
    char need[32], most[32];
    if (bytes > (double)options->bytes)
        return cli_fail(error, URN_ERR_USAGE, "allow more with --save-budget, or make fewer draws",
                        "--keep %s: %.0f draws of these sites take %s, and there is room for %s",
                        options->sites, draws, cli_bytes(bytes, need),
                        cli_bytes((double)options->bytes, most));
    for (int i = 0; i < k->n; i++) {
        urn_site_info site;
        urn_model_site(k->model, k->sites[i], &site);
        k->values[i] =
            urn__alloc(k->allocator, ((size_t)draws * (size_t)site.size + 1) * sizeof(double));
        if (k->values[i] == NULL)
            return cli_fail_memory(error);
    }
    return URN_OK;
}

urn_status cli_keep_new(const urn_model *model, const cli_keep_options *options, cli_keep **keep,
                        urn_error *error)
{
    *keep = NULL;
    URN_TRY(cli_keep_check(model, options->sites, error));
    cli_keep *k = calloc(1, sizeof *k);
    if (k == NULL)
        return cli_fail_memory(error);
    k->model = model;
    k->allocator = options->allocator;
    k->n_chains = options->chains;
    k->draws = options->draws;
    urn_status status = make_room(k, options, error);
    if (status == URN_OK)
        status = urn__forward_open(model, options->cpu, k->allocator, 1, &k->forward, error);
    if (status == URN_OK)
        *keep = k;
    else
        cli_keep_free(k);
    return status;
}

void cli_keep_free(cli_keep *k)
{
    if (k == NULL)
        return;
    urn__forward_free(k->forward);
    for (int i = 0; i < k->n; i++)
        urn__free(k->allocator, k->values[i]);
    free(k);
}

urn_status cli_keep_draw(cli_keep *k, const urn_draw *draw, urn_error *error)
{
    const int64_t at = draw->chain * k->draws + draw->draw;
    URN_TRY(urn__forward_run(k->forward, draw->state, draw->draw, 0, error));
    for (int i = 0; i < k->n; i++) {
        urn_site_info site;
        urn_model_site(k->model, k->sites[i], &site);
        const double *values = urn__forward_value(k->forward, k->sites[i]);
        if (values == NULL)
            return cli_fail(error, URN_ERR_INTERNAL, NULL, "site \"%s\" has no value", site.name);
        memcpy(k->values[i] + at * site.size, values, (size_t)site.size * sizeof *values);
    }
    k->drawn++;
    return URN_OK;
}

bool cli_keep_complete(const cli_keep *k)
{
    return k != NULL && k->drawn == k->n_chains * k->draws;
}

urn_status cli_keep_save(const cli_keep *k, urn__io_nc *nc, int group, urn_error *error)
{
    for (int i = 0; i < k->n; i++) {
        int var;
        URN_TRY(urn__io_nc_site(nc, group, k->model, k->sites[i], NULL, k->n_chains, k->draws, 0,
                                &var, error));
        URN_TRY(urn__io_nc_put_double(nc, group, var, NULL, NULL, k->values[i], error));
    }
    return URN_OK;
}
