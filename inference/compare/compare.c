/* What two digests differ by, and scores of held-out rows (see compare.h). */
#include "compare.h"

#include "../replays.h"
#include "distances.h"

#include <math.h>
#include <string.h>

static double numbers_ratio(double a, double b)
{
    return b > 0.0 ? a / b : (double)NAN;
}

/* ---- series and fields ---- */

static urn_status compare_series(const urn__series *own, const urn__series *reference,
                                 const urn_allocator *allocator, urn__series_versus *v,
                                 urn_error *error)
{
    const int64_t n_a = own->n_chains * own->n_draws;
    const int64_t n_b = reference->n_chains * reference->n_draws;
    const double mcse = hypot(own->mcse, reference->mcse);
    *v = (urn__series_versus){.own = own,
                              .reference = reference,
                              .difference = own->mean - reference->mean,
                              .sd_ratio = numbers_ratio(own->sd, reference->sd)};
    v->over_error = mcse > 0.0 ? v->difference / mcse : (double)NAN;
    v->over_sd = reference->sd > 0.0 ? v->difference / reference->sd : (double)NAN;
    double *copies = urn__alloc(allocator, (size_t)(n_a + n_b) * sizeof *copies);
    if (!copies)
        return urn__fail_memory(error, "a comparison", (size_t)(n_a + n_b) * sizeof *copies);
    memcpy(copies, own->draws, (size_t)n_a * sizeof *copies);
    memcpy(copies + n_a, reference->draws, (size_t)n_b * sizeof *copies);
    v->wasserstein = urn__wasserstein(n_a, copies, n_b, copies + n_a);
    urn__free(allocator, copies);
    return URN_OK;
}

static urn_status compare_fields(const urn__field *own, const urn__field *reference,
                                 const urn_allocator *allocator, urn__field_versus *v,
                                 urn_error *error)
{
    const int64_t n = own->n;
    double *work = urn__alloc(allocator, (size_t)n * sizeof *work);
    if (!work)
        return urn__fail_memory(error, "a comparison", (size_t)n * sizeof *work);
    for (int64_t i = 0; i < n; i++)
        work[i] = fabs(own->mean[i] - reference->mean[i]);
    const double sd = urn__mean_of(n, reference->sd, NULL);
    *v = (urn__field_versus){.own = own,
                             .reference = reference,
                             .mean = urn__mean_of(n, own->mean, NULL),
                             .reference_mean = urn__mean_of(n, reference->mean, NULL),
                             .correlation = urn__correlation(n, own->mean, reference->mean),
                             .distance = urn__mean_of(n, work, NULL)};
    v->over_sd = numbers_ratio(v->distance, sd);
    v->sd_ratio = numbers_ratio(urn__mean_of(n, own->sd, NULL), sd);
    int64_t with_sd = 0;
    for (int64_t i = 0; i < n; i++)
        if (reference->sd[i] > 0.0)
            work[with_sd++] = own->sd[i] / reference->sd[i];
    v->sd_ratio_median = with_sd > 0 ? urn__quantile(with_sd, work, 0.5) : (double)NAN;
    urn__free(allocator, work);
    return URN_OK;
}

static const urn__series *find_series(const urn__digest *digest, const char *name)
{
    for (int i = 0; i < digest->n_series; i++)
        if (strcmp(digest->series[i].name, name) == 0)
            return &digest->series[i];
    return NULL;
}

static const urn__field *find_field(const urn__digest *digest, const urn__field *like)
{
    for (int i = 0; i < digest->n_fields; i++)
        if (strcmp(digest->fields[i].name, like->name) == 0 && digest->fields[i].n == like->n)
            return &digest->fields[i];
    return NULL;
}

/* ---- scores ---- */

/* Sums over the cells of a group, and over their differences from another run's. */
typedef struct tally {
    int64_t n;
    double mean, squares;
} tally;

static void count(tally *t, double x)
{
    const double change = x - t->mean;
    t->mean += change / (double)++t->n;
    t->squares += change * (x - t->mean);
}

static double error_of(const tally *t)
{
    const double n = (double)t->n;
    return t->n > 1 ? sqrt(t->squares / (n - 1.0) / n) : (double)NAN;
}

bool urn__score_cells(const urn__held_cells *cells, int group, urn__run_scores *scores)
{
    static const double levels[] = {0.50, 0.80, 0.95};
    tally squares = {0}, sizes = {0}, density = {0}, crps = {0}, inside[3] = {{0}};
    for (int64_t i = 0; i < cells->n; i++) {
        const double e = cells->mean[i] - cells->observed[i];
        if (group > 0 && cells->group[i] != group)
            continue;
        count(&squares, e * e);
        count(&sizes, fabs(e));
        count(&crps, cells->crps[i]);
        if (cells->log_density)
            count(&density, cells->log_density[i]);
        for (int k = 0; cells->cdf && k < 3; k++) {
            const double low = 0.5 * (1.0 - levels[k]), high = 0.5 * (1.0 + levels[k]);
            count(&inside[k], cells->cdf[i] >= low && cells->cdf[i] <= high ? 1.0 : 0.0);
        }
    }
    *scores = (urn__run_scores){.n = sizes.n,
                                .rmse = sqrt(squares.mean),
                                .mae = sizes.mean,
                                .density = density.n > 0 ? density.mean : (double)NAN,
                                .density_se = error_of(&density),
                                .crps = crps.mean,
                                .crps_se = error_of(&crps)};
    for (int k = 0; k < 3; k++)
        scores->coverage[k] = inside[k].n > 0 ? inside[k].mean : (double)NAN;
    return sizes.n > 0;
}

/* A difference of RMSEs is that of mean squares over their sum; so is its error, nearly. */
static void compare_cells(const urn__held_cells *own, const urn__held_cells *reference,
                          urn__score_versus *v)
{
    tally squares = {0}, density = {0}, crps = {0};
    double own_square = 0.0, reference_square = 0.0;
    for (int64_t i = 0; i < own->n; i++) {
        const double y = own->observed[i];
        const double a = (own->mean[i] - y) * (own->mean[i] - y);
        const double b = (reference->mean[i] - y) * (reference->mean[i] - y);
        own_square += a / (double)own->n;
        reference_square += b / (double)own->n;
        count(&squares, a - b);
        count(&crps, own->crps[i] - reference->crps[i]);
        if (own->log_density && reference->log_density)
            count(&density, own->log_density[i] - reference->log_density[i]);
    }
    const double rmse = sqrt(own_square), other = sqrt(reference_square);
    v->rmse = rmse - other;
    v->rmse_se = rmse + other > 0.0 ? error_of(&squares) / (rmse + other) : (double)NAN;
    v->density = density.n > 0 ? density.mean : (double)NAN;
    v->density_se = error_of(&density);
    v->crps = crps.mean;
    v->crps_se = error_of(&crps);
}

static bool same_cells(const urn__digest *a, const urn__digest *b)
{
    return a->cells.n > 0 && a->cells.n == b->cells.n &&
           memcmp(a->cells.observed, b->cells.observed,
                  (size_t)a->cells.n * sizeof *a->cells.observed) == 0;
}

/* Per row, so that a selection of rows speaks for all. */
static void compare_left_out(const urn__digest *own, const urn__digest *reference,
                             urn__score_versus *v)
{
    v->elpd = v->elpd_se = (double)NAN;
    if (!own->loo || !reference->loo || own->n_loo != reference->n_loo ||
        own->n_training != reference->n_training)
        return;
    const double n = (double)own->n_loo;
    v->elpd = urn__elpd_difference(own->n_loo, own->loo, reference->loo, &v->elpd_se) / n;
    v->elpd_se /= n;
}

urn_status urn__compare_digests(const urn__digest *own, const urn__digest *reference,
                                urn__arena *arena, urn__versus *versus, urn_error *error)
{
    const urn_allocator *allocator = urn__arena_allocator(arena);
    *versus = (urn__versus){
        .series = urn__arena_alloc(arena, (size_t)own->n_series + 1, sizeof *versus->series),
        .fields = urn__arena_alloc(arena, (size_t)own->n_fields + 1, sizeof *versus->fields),
        .has_scores = same_cells(own, reference)};
    if (urn__arena_failed(arena))
        return urn__fail_memory(error, "a comparison", sizeof *versus->series);
    for (int i = 0; i < own->n_series; i++) {
        const urn__series *other = find_series(reference, own->series[i].name);
        if (other)
            URN_TRY(compare_series(&own->series[i], other, allocator,
                                   &versus->series[versus->n_series++], error));
    }
    for (int i = 0; i < own->n_fields; i++) {
        const urn__field *other = find_field(reference, &own->fields[i]);
        const bool rows = own->fields[i].kind == URN__QUANTITY_HELD_OUT;
        if (other && (!rows || versus->has_scores))
            URN_TRY(compare_fields(&own->fields[i], other, allocator,
                                   &versus->fields[versus->n_fields++], error));
    }
    if (versus->has_scores)
        compare_cells(&own->cells, &reference->cells, &versus->scores);
    compare_left_out(own, reference, &versus->scores);
    return URN_OK;
}
