/* From values of sites to their coordinates. */
#include "nodes.h"
#include <math.h>
#include <string.h>

/* What else a site's coordinates depend on: bounds, or loc and scale. */
enum { LOW, HIGH, LOC, SCALE, N_OTHERS };

typedef struct others {
    const double *value[N_OTHERS]; /* NULL: none */
    urn__shape shape[N_OTHERS];
} others;

/* Values of one of them, one a row of the family. */
static void spread(const urn__site *s, const others *o, int which, double *to)
{
    const urn__walk w = urn__walk_of(&o->shape[which], &s->shape);
    urn__walk_expand(&w, o->value[which], 0, s->support_rows, to);
}

static urn_status check_finite(const urn__site *s, const double *value, const double *position,
                               urn_error *error)
{
    for (int64_t i = 0; i < s->free_size; i++)
        if (!isfinite(position[i])) {
            const int64_t at = i / s->free_row;
            return urn__fail(error, URN_ERR_DATA, NULL, s->name, "start from values inside it",
                             "row %lld is on the boundary of the support (%s): found %g",
                             (long long)at, s->support->name,
                             urn__shown(value[at * s->value_size]));
        }
    return URN_OK;
}

/* L z = value - loc, row by row. */
static void standardise_vectors(const urn__site *s, const others *o, const double *value,
                                double *position)
{
    const int64_t d = s->dim;
    const urn__shape rows = urn__shape_drop_event(&s->shape, 1);
    const urn__shape loc_rows = urn__shape_drop_event(&o->shape[LOC], 1);
    const urn__shape scale_rows = urn__shape_drop_event(&o->shape[SCALE], 2);
    const urn__walk loc_at = urn__walk_of(&loc_rows, &rows);
    const urn__walk scale_at = urn__walk_of(&scale_rows, &rows);
    for (int64_t r = 0; r < s->support_rows; r++) {
        const double *loc = o->value[LOC] + urn__walk_offset(&loc_at, r) * d;
        const double *l = o->value[SCALE] + urn__walk_offset(&scale_at, r) * d * d;
        double *z = position + r * d;
        for (int64_t i = 0; i < d; i++) {
            z[i] = value[r * d + i] - loc[i];
            for (int64_t j = 0; j < i; j++)
                z[i] -= l[i * d + j] * z[j];
            z[i] /= l[i * d + i];
        }
    }
}

static void standardise(const urn__site *s, const others *o, const double *value, double *position,
                        double *room)
{
    if (s->family == urn_family_mvn()) {
        standardise_vectors(s, o, value, position);
        return;
    }
    double *loc = room, *scale = room + s->support_rows;
    spread(s, o, LOC, loc);
    spread(s, o, SCALE, scale);
    const bool of_log = s->family == urn_family_log_normal();
    for (int64_t i = 0; i < s->support_rows; i++)
        position[i] = ((of_log ? log(value[i]) : value[i]) - loc[i]) / scale[i];
}

/* `room` holds two numbers a row. */
static urn_status unconstrain(const urn__site *s, const others *o, const double *value,
                              double *position, double *room, urn_error *error)
{
    union {
        const double *in;
        double *out;
    } v = {.in = value}; /* read only, though the member serves for writing elsewhere */
    urn_bijection_call call = {.n = s->support_rows,
                               .dim = s->dim,
                               .value_size = s->value_size,
                               .free_size = s->free_row,
                               .value = v.out,
                               .free = position};
    for (int k = LOW; k <= HIGH; k++)
        if (o->value[k] != NULL)
            spread(s, o, k, room + k * s->support_rows);
    call.low = o->value[LOW] != NULL ? room : NULL;
    call.high = o->value[HIGH] != NULL ? room + s->support_rows : NULL;
    const int64_t row = s->support->first_outside == NULL ? -1 : s->support->first_outside(&call);
    if (row >= 0) {
        char found[160];
        call.value += row * s->value_size;
        urn__outside_text(s, &call, found, sizeof found);
        return urn__fail(error, URN_ERR_DATA, NULL, s->name, "start from values in the support",
                         "row %lld is outside the support (%s): %s", (long long)row,
                         s->support->name, found);
    }
    if (s->noncentred)
        standardise(s, o, value, position, room);
    else
        s->support->unconstrain(&call);
    return check_finite(s, value, position, error);
}

static urn_status with_room(const urn_model *m, const urn__site *s, const others *o,
                            const double *value, double *position, urn_error *error)
{
    double *room = urn__calloc(m->allocator, 2 * (size_t)s->support_rows + 1, sizeof *room);
    if (room == NULL)
        return urn__fail_memory(error, "bounds", (size_t)s->support_rows);
    const urn_status status = unconstrain(s, o, value, position, room, error);
    urn__free(m->allocator, room);
    return status;
}

/* Nodes of `m` that the coordinates of a site depend on; 0: none. */
static void list_others(const urn__site *s, urn__id low, urn__id high, const urn__id *param,
                        urn__id *id)
{
    int loc, scale;
    id[LOW] = low;
    id[HIGH] = high;
    id[LOC] = id[SCALE] = 0;
    if (s->noncentred && urn__loc_scale(s, &loc, &scale)) {
        id[LOC] = param[loc];
        id[SCALE] = param[scale];
    }
}

/* ---- one site ---- */

static bool has_coordinates(const urn__site *s)
{
    return s->offset >= 0 && !s->support->discrete;
}

urn_status urn_model_unconstrain(const urn_model *model, int site, const double *value,
                                 double *position, urn_error *error)
{
    if (model->full != NULL)
        model = model->full;
    if (site < 0 || (size_t)site >= model->n_sites)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "there is no site number %d",
                         site);
    const urn__site *s = &model->site[site];
    if (!has_coordinates(s))
        return urn__fail(error, URN_ERR_USAGE, s->where, s->name, NULL,
                         "the site has no coordinates");
    others o = {0};
    urn__id id[N_OTHERS];
    list_others(s, s->low, s->high, s->param, id);
    for (int k = 0; k < N_OTHERS; k++) {
        if (id[k] == 0)
            continue;
        o.value[k] = urn__known_values(model, id[k]);
        o.shape[k] = *urn__graph_shape(model->graph, id[k]);
        if (o.value[k] == NULL)
            return urn__fail(error, URN_ERR_MODEL, s->where, s->name,
                             "give starting values as a position instead, or of all sites",
                             "(%s): its %s depend on other sites", s->family->name,
                             k <= HIGH ? "bounds" : "loc and scale");
    }
    return with_room(model, s, &o, value, position, error);
}

/* ---- all of them ---- */

typedef struct whole {
    urn__nodes *nodes;
    urn__evaluation *at;
    const double *const *values;
} whole;

static urn_status bind(const whole *w, urn_error *error)
{
    const urn_model *m = w->nodes->m;
    for (size_t i = 0; i < m->n_sites; i++) {
        const urn__site *s = &m->site[i];
        if (s->role != URN_SITE_LATENT && s->role != URN_SITE_PARAM)
            continue;
        if (w->values[i] == NULL)
            return urn__fail(error, URN_ERR_USAGE, s->where, s->name, NULL,
                             "a position takes the values of all latent sites, and this one has "
                             "none");
        urn__evaluation_bind(w->at, (int)i, w->values[i]);
    }
    return URN_OK;
}

static urn_status unconstrain_all(const whole *w, const urn__id *root, double *position,
                                  urn_error *error)
{
    const urn_model *m = w->nodes->m;
    URN_TRY(bind(w, error));
    urn__evaluation_run(w->at);
    for (size_t i = 0; i < m->n_sites; i++) {
        const urn__site *s = &m->site[i];
        others o = {0};
        if (!has_coordinates(s))
            continue;
        for (int k = 0; k < N_OTHERS; k++) {
            const urn__id id = root[i * N_OTHERS + (size_t)k];
            if (id == 0)
                continue;
            o.value[k] = urn__evaluation_root(w->at, (int)i * N_OTHERS + k);
            o.shape[k] = *urn__graph_shape(w->nodes->graph, id);
        }
        URN_TRY(with_room(m, s, &o, w->values[i], position + s->offset, error));
    }
    return URN_OK;
}

urn_status urn_model_unconstrain_all(const urn_model *model, const double *const *values,
                                     double *position, urn_error *error)
{
    whole w = {.values = values};
    URN_TRY(urn__nodes_new(model, NULL, &w.nodes, error));
    const urn_model *m = w.nodes->m;
    const size_t n = m->n_sites * N_OTHERS;
    urn__id *root = urn__calloc(m->allocator, n + 1, sizeof *root);
    urn_status status = root != NULL ? URN_OK : urn__fail_memory(error, "a position", n);
    for (size_t i = 0; i < m->n_sites && status == URN_OK; i++) {
        const urn__node_site *node = &w.nodes->site[i];
        if (has_coordinates(&m->site[i]))
            list_others(&m->site[i], node->low, node->high, node->param, root + i * N_OTHERS);
    }
    if (status == URN_OK)
        status = urn__evaluation_new(w.nodes, (int)n, root, false, 1, &w.at, error);
    if (status == URN_OK)
        status = unconstrain_all(&w, root, position, error);
    urn__evaluation_free(w.at);
    urn__free(m->allocator, root);
    urn__nodes_free(w.nodes);
    return status;
}

static urn_status place_among(const urn_model *model, const urn_replay *replay, int site,
                              const double *value, const double **values, double *all,
                              double *position, urn_error *error)
{
    urn_site_info info;
    urn_model_site(model, site, &info);
    for (int i = 0; i < urn_model_site_count(model); i++)
        values[i] = i == site ? value : urn_replay_result(replay, i, URN_RESULT_VALUE);
    URN_TRY(urn_model_unconstrain_all(model, values, all, error));
    memcpy(position + info.offset, all + info.offset, (size_t)info.free_size * sizeof *position);
    return URN_OK;
}

urn_status urn_model_unconstrain_among(const urn_model *model, const urn_replay *replay, int site,
                                       const double *value, double *position, urn_error *error)
{
    const size_t n = (size_t)urn_model_site_count(model);
    const size_t size = (size_t)urn_model_position_size(model);
    const double **values = urn__calloc(model->allocator, n + 1, sizeof *values);
    double *all = urn__calloc(model->allocator, size + 1, sizeof *all);
    const urn_status status =
        values != NULL && all != NULL
            ? place_among(model, replay, site, value, values, all, position, error)
            : urn__fail_memory(error, "a position", size * sizeof *all);
    urn__free(model->allocator, values);
    urn__free(model->allocator, all);
    return status;
}
