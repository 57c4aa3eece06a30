/* Diagnostics of a fit's sites: the draws are replayed, their values transposed to chains. */
#include "sites.h"

#include "../driver.h"
#include "../replays.h"

typedef struct work {
    const urn_model *model;
    const urn_posterior *posterior;
    int n; /* sites, ... */
    const int *sites;
    int64_t size; /* ... with so many elements together */
    int64_t chains, draws;
    urn__runner values;
    urn__pace pace;
    urn__chains *room;
    double *position, *block; /* block: elements x chains x draws */
    int64_t block_rows;
    urn__chains_summary *const *rows;
} work;

static urn_status check(work *w, urn_error *error)
{
    for (int k = 0; k < w->n; k++) {
        urn_site_info info;
        if (w->sites[k] < 0 || w->sites[k] >= urn_model_site_count(w->model))
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "site %d was asked for, but the model has %d sites", w->sites[k],
                             urn_model_site_count(w->model));
        urn_model_site(w->model, w->sites[k], &info);
        w->size += info.size;
    }
    if (urn_posterior_kind_of(w->posterior) != URN_POSTERIOR_DRAWS)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "fit with an engine that samples",
                         "the posterior has no chains to diagnose: it is a guide, a point, or "
                         "independent draws");
    return urn__posterior_fits(w->posterior, w->model, error);
}

static urn_status make_room(work *w, urn_error *error)
{
    const urn_allocator *allocator = urn__posterior_allocator(w->posterior);
    const int64_t n = w->chains * w->draws;
    const int64_t fit = URN__DRAWS_BYTES / (int64_t)sizeof(double) / n;
    w->block_rows = fit > w->size ? w->size : fit < 1 ? 1 : fit;
    const size_t cells = (size_t)(w->block_rows * n);
    w->block = urn__calloc(allocator, cells, sizeof(double));
    w->position = urn__calloc(allocator, (size_t)urn_posterior_size(w->posterior), sizeof(double));
    if (!w->block || !w->position)
        return urn__fail_memory(error, "draws of a site", cells * sizeof(double));
    return urn__chains_new(allocator, w->chains, w->draws, &w->room, error);
}

/* Elements first .. first + count - 1, counted through all sites, of draw s. */
static urn_status put_draw(work *w, int64_t first, int64_t count, int64_t s, urn_error *error)
{
    const int64_t n = w->chains * w->draws;
    int64_t from = 0;
    for (int k = 0; k < w->n; k++) {
        urn_site_info info;
        urn_model_site(w->model, w->sites[k], &info);
        const int64_t low = first > from ? first : from;
        const int64_t end = from + info.size, high = first + count < end ? first + count : end;
        const double *value =
            low < high ? urn_replay_result(w->values.replay, w->sites[k], URN_RESULT_VALUE) : NULL;
        if (low < high && !value)
            return urn__fail(error, URN_ERR_USAGE, info.where, info.name, NULL,
                             "the site has no value of its own to diagnose");
        for (int64_t i = low; i < high; i++)
            w->block[(i - first) * n + s] = value[i - from];
        from = end;
    }
    return URN_OK;
}

static urn_status fill_block(work *w, int64_t first, int64_t count, urn_error *error)
{
    for (int64_t s = 0; s < w->chains * w->draws; s++) {
        urn_posterior_draw(w->posterior, s, w->position);
        urn_replay_set_threads(w->values.replay, w->pace.threads);
        urn_replay_run(w->values.replay, w->position);
        URN_TRY(put_draw(w, first, count, s, error));
        urn__pace_step(&w->pace);
    }
    return URN_OK;
}

/* Where element i, counted through all sites, is summarised. */
static urn__chains_summary *row_of(const work *w, int64_t i)
{
    urn_site_info info;
    for (int k = 0; k < w->n; k++, i -= info.size) {
        urn_model_site(w->model, w->sites[k], &info);
        if (i < info.size)
            return &w->rows[k][i];
    }
    return NULL;
}

static urn_status diagnose(work *w, int threads, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options,
                                         .kind = URN_PROGRAM_VALUES,
                                         .cpu = urn__posterior_kernels(w->posterior)->name};
    URN_TRY(urn__runner_open(&w->values, w->model, &options, threads, error));
    URN_TRY(make_room(w, error));
    urn__pace_start(&w->pace, threads);
    for (int64_t first = 0; first < w->size; first += w->block_rows) {
        const int64_t left = w->size - first, count = left < w->block_rows ? left : w->block_rows;
        URN_TRY(fill_block(w, first, count, error));
        for (int64_t i = 0; i < count; i++) {
            urn__chains_read(w->room, w->block + i * w->chains * w->draws, w->draws, 1);
            urn__chains_summarise(w->room, row_of(w, first + i));
        }
    }
    return URN_OK;
}

urn_status urn__diagnose_sites(const urn_model *model, const urn_posterior *posterior, int n,
                               const int *sites, int threads, urn__chains_summary *const *rows,
                               urn_error *error)
{
    work w = {.model = model,
              .posterior = posterior,
              .n = n,
              .sites = sites,
              .chains = urn_posterior_chains(posterior),
              .draws = urn_posterior_draws(posterior),
              .rows = rows};
    URN_TRY(check(&w, error));
    const urn_allocator *allocator = urn__posterior_allocator(posterior);
    const urn_status status = diagnose(&w, threads, error);
    urn__chains_free(w.room);
    urn__free(allocator, w.position);
    urn__free(allocator, w.block);
    urn__runner_close(&w.values);
    return status;
}

urn_status urn__diagnose_site(const urn_model *model, const urn_posterior *posterior, int site,
                              int threads, urn__chains_summary *rows, urn_error *error)
{
    return urn__diagnose_sites(model, posterior, 1, &site, threads, &rows, error);
}
