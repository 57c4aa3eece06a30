/* Diagnostics of a fit's sites: the draws are replayed, their values transposed to chains. */
#include "sites.h"

#include "../driver.h"
#include "../replays.h"

typedef struct work {
    const urn_posterior *posterior;
    urn_site_info info;
    int site;
    int64_t chains, draws;
    urn__runner values;
    urn__pace pace;
    urn__chains *room;
    double *position, *block; /* block: elements x chains x draws */
    int64_t block_rows;
} work;

static urn_status check(const urn_model *model, const urn_posterior *posterior, int site,
                        urn_error *error)
{
    if (site < 0 || site >= urn_model_site_count(model))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "site %d was asked for, but the model has %d sites", site,
                         urn_model_site_count(model));
    if (urn_posterior_kind_of(posterior) != URN_POSTERIOR_DRAWS)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "fit with an engine that samples",
                         "the posterior is a guide or a point, which has no chains to diagnose");
    if (urn_posterior_size(posterior) != urn_model_position_size(model))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "use the options and ids of the fit",
                         "the posterior has %lld coordinates, but the model has %lld",
                         (long long)urn_posterior_size(posterior),
                         (long long)urn_model_position_size(model));
    return URN_OK;
}

static urn_status make_room(work *w, urn_error *error)
{
    const urn_allocator *allocator = urn__posterior_allocator(w->posterior);
    const int64_t n = w->chains * w->draws, size = w->info.size;
    const int64_t fit = URN__DRAWS_BYTES / (int64_t)sizeof(double) / n;
    w->block_rows = fit > size ? size : fit < 1 ? 1 : fit;
    const size_t cells = (size_t)(w->block_rows * n);
    w->block = urn__calloc(allocator, cells, sizeof(double));
    w->position = urn__calloc(allocator, (size_t)urn_posterior_size(w->posterior), sizeof(double));
    if (!w->block || !w->position)
        return urn__fail_memory(error, "draws of a site", cells * sizeof(double));
    return urn__chains_new(allocator, w->chains, w->draws, &w->room, error);
}

/* Elements first .. first + count - 1 of every draw. */
static urn_status fill_block(work *w, int64_t first, int64_t count, urn_error *error)
{
    const int64_t n = w->chains * w->draws;
    for (int64_t s = 0; s < n; s++) {
        urn_posterior_draw(w->posterior, s, w->position);
        urn_replay_set_threads(w->values.replay, w->pace.threads);
        urn_replay_run(w->values.replay, w->position);
        const double *value = urn_replay_result(w->values.replay, w->site, URN_RESULT_VALUE);
        if (!value)
            return urn__fail(error, URN_ERR_USAGE, w->info.where, w->info.name, NULL,
                             "the site has no value of its own to diagnose");
        for (int64_t i = 0; i < count; i++)
            w->block[i * n + s] = value[first + i];
        urn__pace_step(&w->pace);
    }
    return URN_OK;
}

static urn_status diagnose(work *w, const urn_model *model, int threads, urn__chains_summary *rows,
                           urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = URN_PROGRAM_VALUES,
                                         .cpu = urn__posterior_cpu(w->posterior)};
    const int64_t size = w->info.size;
    URN_TRY(urn__runner_open(&w->values, model, &options, threads, error));
    URN_TRY(make_room(w, error));
    urn__pace_start(&w->pace, threads);
    for (int64_t first = 0; first < size; first += w->block_rows) {
        const int64_t count = size - first < w->block_rows ? size - first : w->block_rows;
        URN_TRY(fill_block(w, first, count, error));
        for (int64_t i = 0; i < count; i++) {
            urn__chains_read(w->room, w->block + i * w->chains * w->draws, w->draws, 1);
            urn__chains_summarise(w->room, &rows[first + i]);
        }
    }
    return URN_OK;
}

urn_status urn__diagnose_site(const urn_model *model, const urn_posterior *posterior, int site,
                              int threads, urn__chains_summary *rows, urn_error *error)
{
    URN_TRY(check(model, posterior, site, error));
    const urn_allocator *allocator = urn__posterior_allocator(posterior);
    work w = {.posterior = posterior,
              .site = site,
              .chains = urn_posterior_chains(posterior),
              .draws = urn_posterior_draws(posterior)};
    urn_model_site(model, site, &w.info);
    const urn_status status = diagnose(&w, model, threads, rows, error);
    urn__chains_free(w.room);
    urn__free(allocator, w.position);
    urn__free(allocator, w.block);
    urn__runner_close(&w.values);
    return status;
}
