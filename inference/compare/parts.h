/* What the files that make a digest share. */
#ifndef URN_INFERENCE_COMPARE_PARTS_H
#define URN_INFERENCE_COMPARE_PARTS_H

#include "../diagnostics/chains.h"
#include "plan.h"

/* A field being filled. */
typedef struct urn__track {
    urn__field *field;
    double *squares;  /* sums of squared distances from the mean */
    double *followed; /* n_followed x draws */
    int64_t seen, room;
} urn__track;

/* An observed site of a target. */
typedef struct urn__watched {
    int target, site; /* -1: none */
    int64_t rows;
    const double *observed;
} urn__watched;

typedef struct urn__digesting {
    const urn__digest_input *in;
    urn__digest *out;
    urn__arena *arena; /* of the work */
    const urn_allocator *allocator;
    urn__forward *forward;
    urn__plan_of plan;
    int64_t n_predict, n_sites; /* draws for predictions, and for sites: at least as many */
    urn__watched held_out, training, fresh;
    double *values;     /* of the series, one draw */
    urn__track *tracks; /* those of the plan's fields first */
    urn__track *held_track, *fresh_track;
    urn__series *held_mean, *fresh_mean, *log_likelihood, *training_rmse;
    double *largest;    /* of the log densities of cells */
    double *predictive; /* draws x cells */
    int64_t n_predictive;
    double *log_lik; /* draws x rows left out */
    int64_t *left_out;
} urn__digesting;

/* Zeros from an arena, at least one. */
static inline double *urn__digest_numbers(urn__arena *arena, int64_t n)
{
    return urn__arena_alloc(arena, (size_t)(n > 0 ? n : 1), sizeof(double));
}

/* Series that predictions give: they have as many draws as these. */
static inline bool urn__digest_of_predictions(const urn__digesting *w, const urn__series *s)
{
    return s - w->out->series >= w->plan.n_series;
}

/* Names the series and fields and makes room for their draws (digest_room.c). */
urn_status urn__digest_room(urn__digesting *w, urn_error *error);
/* Moments, diagnostics and scores, when all draws are there (digest_finish.c). */
urn_status urn__digest_finish(urn__digesting *w, urn_error *error);

#endif
