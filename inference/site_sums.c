/* Means and sds of sites over all draws of a sampler: see site_sums.h. */
#include "site_sums.h"

#include "forward.h"

#include <math.h>
#include <string.h>

struct urn__site_sums {
    const urn_allocator *allocator;
    urn__arena *arena;
    urn__forward *forward;
    int n, n_chains;
    int *sites;
    int64_t *from;          /* where each site's elements begin, and where the last ends */
    int64_t *draws;         /* a chain */
    double *mean, *squares; /* [chain][element] */
};

static urn_status make_room(urn__site_sums *s, const urn_model *model, const int *sites,
                            urn_error *error)
{
    const size_t n = (size_t)s->n, chains = (size_t)s->n_chains;
    s->sites = urn__arena_alloc(s->arena, n + 1, sizeof *s->sites);
    s->from = urn__arena_alloc(s->arena, n + 1, sizeof *s->from);
    s->draws = urn__arena_alloc(s->arena, chains, sizeof *s->draws);
    if (urn__arena_failed(s->arena))
        return urn__fail_memory(error, "means of sites", n * sizeof *s->from);
    for (int k = 0; k < s->n; k++) {
        urn_site_info info;
        urn_model_site(model, sites[k], &info);
        s->sites[k] = sites[k];
        s->from[k + 1] = s->from[k] + info.size;
    }
    const size_t cells = chains * (size_t)s->from[n] + 1;
    s->mean = urn__arena_alloc(s->arena, cells, sizeof *s->mean);
    s->squares = urn__arena_alloc(s->arena, cells, sizeof *s->squares);
    return urn__arena_failed(s->arena)
               ? urn__fail_memory(error, "means of sites", 2 * cells * sizeof *s->mean)
               : URN_OK;
}

urn_status urn__site_sums_new(const urn_model *model, const urn__site_sums_options *options,
                              urn__site_sums **sums, urn_error *error)
{
    *sums = NULL;
    urn__site_sums *s = urn__calloc(options->allocator, 1, sizeof *s);
    if (!s)
        return urn__fail_memory(error, "means of sites", sizeof *s);
    *s = (urn__site_sums){.allocator = options->allocator,
                          .arena = urn__arena_new(options->allocator),
                          .n = options->n,
                          .n_chains = options->chains > 0 ? options->chains : 1};
    urn_status status = s->arena ? make_room(s, model, options->sites, error)
                                 : urn__fail_memory(error, "means of sites", sizeof *s);
    if (status == URN_OK)
        status = urn__forward_open(model, options->cpu, options->allocator, options->threads,
                                   &s->forward, error);
    if (status == URN_OK)
        *sums = s;
    else
        urn__site_sums_free(s);
    return status;
}

void urn__site_sums_free(urn__site_sums *s)
{
    if (!s)
        return;
    urn__forward_free(s->forward);
    urn__arena_free(s->arena);
    urn__free(s->allocator, s);
}

urn_status urn__site_sums_add(urn__site_sums *s, const urn_draw *draw, urn_error *error)
{
    const int c = draw->chain;
    if (c < 0 || c >= s->n_chains)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a draw of chain %d came to means of %d chains", c, s->n_chains);
    URN_TRY(urn__forward_run(s->forward, draw->state, draw->draw, 0, error));
    const double n = (double)++s->draws[c];
    for (int k = 0; k < s->n; k++) {
        const double *value = urn__forward_value(s->forward, s->sites[k]);
        const int64_t at = c * s->from[s->n] + s->from[k], size = s->from[k + 1] - s->from[k];
        double *mean = s->mean + at, *squares = s->squares + at;
        if (!value)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "site %d has no value of its own", s->sites[k]);
        for (int64_t i = 0; i < size; i++) {
            const double change = value[i] - mean[i];
            mean[i] += change / n;
            squares[i] += change * (value[i] - mean[i]);
        }
    }
    return URN_OK;
}

/* As urn__row_sums_merge does. */
bool urn__site_sums_of(const urn__site_sums *s, int k, double *mean, double *sd)
{
    const int64_t size = s->from[k + 1] - s->from[k];
    double n = 0.0;
    memset(mean, 0, (size_t)size * sizeof *mean);
    memset(sd, 0, (size_t)size * sizeof *sd);
    for (int c = 0; c < s->n_chains; c++) {
        const double more = (double)s->draws[c], all = n + more;
        const int64_t at = c * s->from[s->n] + s->from[k];
        for (int64_t i = 0; more > 0.0 && i < size; i++) {
            const double change = s->mean[at + i] - mean[i];
            mean[i] += change * (more / all);
            sd[i] += s->squares[at + i] + change * change * (n * more / all);
        }
        n = all;
    }
    for (int64_t i = 0; i < size; i++)
        sd[i] = sqrt(sd[i] / (n - 1.0));
    return n >= 2.0;
}
