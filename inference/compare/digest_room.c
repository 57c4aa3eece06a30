/* Room for a digest: its series and fields by name, and what their draws need. */
#include "parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PREDICTIVE_DRAWS = 1000, /* at most, for CRPS */
    FOLLOWED = 64,           /* elements of a field */
    LEFT_OUT = 2000,         /* training rows, at most */
    EXTRA_SERIES = 5,        /* besides those of the plan */
    EXTRA_FIELDS = 2
};
#define CRPS_BYTES ((int64_t)256 << 20)

static urn__series *extra_series(urn__digesting *w, urn__quantity_kind kind, const char *name)
{
    urn__series *s = &w->out->series[w->out->n_series++];
    *s = (urn__series){.kind = kind};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static urn__track *extra_field(urn__digesting *w, urn__quantity_kind kind, const char *name,
                               int64_t n)
{
    urn__field *field = &w->out->fields[w->out->n_fields++];
    *field = (urn__field){.kind = kind, .n = n};
    snprintf(field->name, sizeof field->name, "%s", name);
    return &w->tracks[field - w->out->fields];
}

static void name_quantities(urn__digesting *w)
{
    char name[96];
    urn__digest *out = w->out;
    out->n_series = w->plan.n_series;
    out->n_fields = w->plan.n_fields;
    memcpy(out->series, w->plan.series, (size_t)out->n_series * sizeof *out->series);
    memcpy(out->fields, w->plan.fields, (size_t)out->n_fields * sizeof *out->fields);
    if (w->held_out.site >= 0) {
        w->held_mean = extra_series(w, URN__QUANTITY_HELD_OUT, "mean held-out prediction");
        w->held_track =
            extra_field(w, URN__QUANTITY_HELD_OUT, "held-out predictions", w->held_out.rows);
        out->held_out = w->held_track->field = &out->fields[out->n_fields - 1];
    }
    if (w->training.site >= 0) {
        w->log_likelihood = extra_series(w, URN__QUANTITY_LIKELIHOOD, "log likelihood");
        if (w->training.observed)
            w->training_rmse =
                extra_series(w, URN__QUANTITY_LIKELIHOOD, "RMSE on training rows, of a draw");
    }
    if (w->fresh.site >= 0) {
        const char *who = w->in->fresh_name ? w->in->fresh_name : "new id";
        snprintf(name, sizeof name, "mean prediction for a %s", who);
        w->fresh_mean = extra_series(w, URN__QUANTITY_NEW, name);
        snprintf(name, sizeof name, "predictions for a %s", who);
        w->fresh_track = extra_field(w, URN__QUANTITY_NEW, name, w->fresh.rows);
    }
}

static void room_for_tracks(urn__digesting *w)
{
    for (int i = 0; i < w->out->n_fields; i++) {
        urn__field *field = &w->out->fields[i];
        const int64_t n = i < w->plan.n_fields ? w->n_sites : w->n_predict;
        field->n_followed = field->n < FOLLOWED ? field->n : FOLLOWED;
        if (w->out->posterior != URN_POSTERIOR_DRAWS)
            field->n_followed = 0;
        field->mean = urn__digest_numbers(w->out->arena, field->n);
        field->sd = urn__digest_numbers(w->out->arena, field->n);
        w->tracks[i] =
            (urn__track){.field = field,
                         .squares = urn__digest_numbers(w->arena, field->n),
                         .followed = urn__digest_numbers(w->arena, field->n_followed * n),
                         .room = n};
    }
}

static void room_for_series(urn__digesting *w)
{
    urn__digest *out = w->out;
    for (int i = 0; i < out->n_series; i++) {
        urn__series *s = &out->series[i];
        s->n_chains = out->n_chains;
        s->n_draws = (urn__digest_of_predictions(w, s) ? w->n_predict : w->n_sites) / out->n_chains;
        s->draws = urn__digest_numbers(out->arena, s->n_chains * s->n_draws);
        s->chain_mean = urn__digest_numbers(out->arena, s->n_chains);
    }
}

static void room_for_cells(urn__digesting *w)
{
    urn__held_cells *cells = &w->out->cells;
    urn__arena *arena = w->out->arena;
    if (w->held_out.site < 0 || !w->held_out.observed)
        return;
    const int64_t n = cells->n = w->held_out.rows;
    const int64_t fit = CRPS_BYTES / (int64_t)sizeof(double) / n;
    w->n_predictive = w->n_predict < PREDICTIVE_DRAWS ? w->n_predict : PREDICTIVE_DRAWS;
    if (w->n_predictive > fit)
        w->n_predictive = fit > 2 ? fit : 2;
    if (w->n_predictive > w->n_predict)
        w->n_predictive = w->n_predict;
    cells->observed = urn__digest_numbers(arena, n);
    cells->mean = urn__digest_numbers(arena, n);
    cells->log_density = urn__digest_numbers(arena, n);
    cells->cdf = urn__digest_numbers(arena, n);
    cells->crps = urn__digest_numbers(arena, n);
    cells->group = urn__arena_alloc(arena, (size_t)n, 1);
    w->largest = urn__digest_numbers(w->arena, n);
    w->predictive = urn__digest_numbers(w->arena, n * w->n_predictive);
}

static void room_for_left_out(urn__digesting *w)
{
    urn__digest *out = w->out;
    out->n_training = w->training.site >= 0 ? w->training.rows : 0;
    if (out->n_training == 0 || w->n_predict < 2)
        return;
    out->n_loo = out->n_training < LEFT_OUT ? out->n_training : LEFT_OUT;
    out->loo = urn__arena_alloc(out->arena, (size_t)out->n_loo, sizeof *out->loo);
    w->left_out = urn__arena_alloc(w->arena, (size_t)out->n_loo, sizeof *w->left_out);
    w->log_lik = urn__digest_numbers(w->arena, out->n_loo * w->n_predict);
    for (int64_t i = 0; w->left_out && i < out->n_loo; i++)
        w->left_out[i] = urn__spread(i, out->n_loo, out->n_training);
}

urn_status urn__digest_room(urn__digesting *w, urn_error *error)
{
    urn__digest *out = w->out;
    const size_t series = (size_t)w->plan.n_series + EXTRA_SERIES;
    const size_t fields = (size_t)w->plan.n_fields + EXTRA_FIELDS;
    out->series = urn__arena_alloc(out->arena, series, sizeof *out->series);
    out->fields = urn__arena_alloc(out->arena, fields, sizeof *out->fields);
    w->tracks = urn__arena_alloc(w->arena, fields, sizeof *w->tracks);
    w->values = urn__digest_numbers(w->arena, w->plan.n_series);
    if (!urn__arena_failed(out->arena) && !urn__arena_failed(w->arena)) {
        name_quantities(w);
        room_for_tracks(w);
        room_for_series(w);
        room_for_cells(w);
        room_for_left_out(w);
    }
    if (urn__arena_failed(out->arena) || urn__arena_failed(w->arena))
        return urn__fail_memory(error, "the draws of a comparison",
                                (size_t)(w->n_sites * w->plan.n_series) * sizeof(double));
    return URN_OK;
}
