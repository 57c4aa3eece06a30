/* What comes of the draws of a digest: moments, errors, scores. */
#include "../../runtime/tensor/tensor.h"
#include "distances.h"
#include "parts.h"

#include <math.h>
#include <string.h>

enum { CELLS_AT_ONCE = 64 };

bool urn__decides(urn__quantity_kind kind, bool turns)
{
    return !turns && kind != URN__QUANTITY_AXES;
}

static void note_worst(urn__digest *out, const char *name, double r_hat, double ess)
{
    if (r_hat > out->worst_r_hat || (isnan(out->worst_r_hat) && !isnan(r_hat))) {
        out->worst_r_hat = r_hat;
        out->worst_r_hat_of = name;
    }
    if (ess < out->least_ess || (isnan(out->least_ess) && !isnan(ess))) {
        out->least_ess = ess;
        out->least_ess_of = name;
    }
}

/* Moments and errors of a series: of independent draws, or of chains. */
static void finish_series(urn__digesting *w, urn__chains *chains, urn__series *s)
{
    const bool sampler = w->out->posterior == URN_POSTERIOR_DRAWS;
    urn__chains_summary summary;
    urn__chains_read(chains, s->draws, s->n_draws, 1);
    for (int64_t c = 0; c < s->n_chains; c++)
        s->chain_mean[c] = urn__mean_of(s->n_draws, s->draws + c * s->n_draws, NULL);
    s->r_hat = s->ess_mean = s->ess_bulk = s->ess_tail = (double)NAN;
    if (sampler) {
        urn__chains_summarise(chains, &summary);
        s->r_hat = summary.r_hat;
        s->ess_bulk = summary.ess_bulk;
        s->ess_tail = summary.ess_tail;
        s->ess_mean = urn__ess_mean(chains);
    }
    s->mean = urn__chains_mean(chains);
    s->sd = urn__chains_sd(chains);
    const double n = (double)(s->n_chains * s->n_draws);
    s->mcse = sampler ? summary.mcse_mean : s->sd / sqrt(n);
    if (n < 2.0)
        s->sd = s->mcse = 0.0;
    for (int k = 0; k < 3; k++)
        s->quantile[k] = urn__chains_quantile(chains, k == 0 ? 0.05 : k == 1 ? 0.5 : 0.95);
    if (urn__decides(s->kind, s->turns))
        note_worst(w->out, s->name, s->r_hat, fmin(s->ess_bulk, s->ess_tail));
}

static const char *name_of_worst(const urn__digest *out, const urn__field *field)
{
    const char *name = urn__arena_printf(out->arena, "the worst of %lld %s",
                                         (long long)field->n_followed, field->name);
    return name ? name : field->name;
}

static void finish_field(urn__digesting *w, urn__chains *chains, const urn__track *t)
{
    urn__field *field = t->field;
    const double n = (double)t->seen;
    for (int64_t i = 0; i < field->n; i++)
        field->sd[i] = n > 1.0 ? sqrt(t->squares[i] / (n - 1.0)) : 0.0;
    field->r_hat = field->ess_bulk = (double)NAN;
    for (int64_t k = 0; k < field->n_followed; k++) {
        urn__chains_read(chains, t->followed + k * t->room, w->out->n_draws, 1);
        field->r_hat = fmax(field->r_hat, urn__rhat(chains, URN__RHAT_RANK));
        field->ess_bulk = fmin(field->ess_bulk, urn__ess_bulk(chains));
    }
    if (urn__decides(field->kind, field->turns) && field->n_followed > 0)
        note_worst(w->out, name_of_worst(w->out, field), field->r_hat, field->ess_bulk);
}

static urn_status finish_quantities(urn__digesting *w, urn_error *error)
{
    urn__digest *out = w->out;
    urn__chains *predict = NULL, *sites = NULL;
    const bool same = w->n_sites == w->n_predict;
    URN_TRY(urn__chains_new(w->allocator, out->n_chains, out->n_draws, &predict, error));
    urn_status status = same ? URN_OK : urn__chains_new(w->allocator, 1, w->n_sites, &sites, error);
    for (int i = 0; status == URN_OK && i < out->n_series; i++)
        finish_series(w, same || urn__digest_of_predictions(w, &out->series[i]) ? predict : sites,
                      &out->series[i]);
    for (int i = 0; status == URN_OK && i < out->n_fields; i++)
        finish_field(w, predict, &w->tracks[i]);
    urn__chains_free(sites);
    urn__chains_free(predict);
    return status;
}

/* Cells a thread scores at once. */
typedef struct scoring {
    const urn__digesting *w;
    double *room; /* threads x draws */
} scoring;

static void score_chunk(void *context, int64_t chunk, int thread)
{
    const scoring *job = context;
    const urn__held_cells *cells = &job->w->out->cells;
    const int64_t n = job->w->n_predictive, first = chunk * CELLS_AT_ONCE;
    const int64_t end = first + CELLS_AT_ONCE < cells->n ? first + CELLS_AT_ONCE : cells->n;
    double *x = job->room + thread * n;
    for (int64_t i = first; i < end; i++) {
        for (int64_t s = 0; s < n; s++)
            x[s] = job->w->predictive[s * cells->n + i];
        cells->crps[i] = urn__crps(n, x, cells->observed[i]);
    }
}

static unsigned char group_of(int64_t n_rows)
{
    return n_rows == 0 ? 1 : n_rows <= 5 ? 2 : n_rows <= 20 ? 3 : 4;
}

static urn_status finish_cells(urn__digesting *w, urn_error *error)
{
    urn__held_cells *cells = &w->out->cells;
    const double n = (double)w->n_predict;
    if (cells->n == 0)
        return URN_OK;
    memcpy(cells->observed, w->held_out.observed, (size_t)cells->n * sizeof *cells->observed);
    memcpy(cells->mean, w->out->held_out->mean, (size_t)cells->n * sizeof *cells->mean);
    for (int64_t i = 0; i < cells->n; i++) {
        if (cells->log_density)
            cells->log_density[i] = w->largest[i] + log(cells->log_density[i] / n);
        if (cells->cdf)
            cells->cdf[i] /= n;
        cells->group[i] = w->in->n_training_rows ? group_of(w->in->n_training_rows[i]) : 0;
    }
    const int threads = urn__thread_count(w->in->threads);
    const scoring job = {w, urn__digest_numbers(w->arena, threads * w->n_predictive)};
    if (!job.room)
        return urn__fail_memory(error, "scores", (size_t)w->n_predictive * sizeof(double));
    urn__parallel(threads, (cells->n + CELLS_AT_ONCE - 1) / CELLS_AT_ONCE, score_chunk,
                  (void *)(uintptr_t)&job);
    return URN_OK;
}

/* Mean of ESS over draws of what is identified; 1 for independent draws, and for one chain. */
static double relative_efficiency(const urn__digest *out)
{
    double sum = 0.0, n = 0.0;
    if (out->posterior != URN_POSTERIOR_DRAWS || out->n_chains < 2)
        return 1.0;
    for (int i = 0; i < out->n_series; i++) {
        const urn__series *s = &out->series[i];
        if (!urn__decides(s->kind, s->turns) || !isfinite(s->ess_mean))
            continue;
        sum += s->ess_mean / (double)(s->n_chains * s->n_draws);
        n += 1.0;
    }
    return n > 0.0 && sum > 0.0 ? sum / n : 1.0;
}

static urn_status finish_left_out(urn__digesting *w, urn_error *error)
{
    urn__digest *out = w->out;
    if (out->n_loo == 0 || isnan(w->log_lik[0]) || out->posterior == URN_POSTERIOR_POINT) {
        out->n_loo = 0;
        out->loo = NULL;
        return URN_OK;
    }
    const urn__log_lik data = {.log_lik = w->log_lik,
                               .n_draws = w->n_predict,
                               .n_points = out->n_loo,
                               .draw_stride = out->n_loo,
                               .point_stride = 1};
    return urn__loo(w->allocator, &data, relative_efficiency(out), out->loo, &out->loo_total,
                    error);
}

urn_status urn__digest_finish(urn__digesting *w, urn_error *error)
{
    URN_TRY(finish_quantities(w, error));
    URN_TRY(finish_cells(w, error));
    return finish_left_out(w, error);
}
