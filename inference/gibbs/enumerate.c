/* A discrete site with few values: the terms of the joint density it occurs in are evaluated at
 * each value. Rows that are independent given the rest take all values at once (the components of a
 * mixture); the others move one after another. */
#include "chain.h"
#include "gibbs.h"
#include <math.h>
#include <string.h>

enum { MOST_VALUES = 256, MOST_SEQUENTIAL = 20000 };

typedef struct term {
    int site;
    int64_t n;         /* rows of its density */
    urn__index *index; /* to rows of the site; NULL: by place */
} term;

typedef struct enumeration {
    int64_t n_values;
    int n_terms;
    term *terms; /* the prior first */
    urn__id *roots;
    urn__evaluation *densities; /* a number a row, of each term */
    double *trial;              /* rows: the site's values while evaluating */
    double *log_weight;         /* rows x n_values */
} enumeration;

/* ---- planning ---- */

/* 0: not known, or too many. */
static int64_t count_values(const urn__gibbs_block *b)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    if (s->support == urn_support_boolean())
        return 2;
    if (s->support == urn_support_category())
        return s->dim <= MOST_VALUES ? s->dim : 0;
    const double *high = s->high == 0 ? NULL : urn__known_values(b->g->m, s->high);
    if (s->support != urn_support_count() || high == NULL)
        return 0;
    double most = 0.0;
    const int64_t n = urn__shape_size(urn__graph_shape(b->g->m->graph, s->high));
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, high[i]);
    return most < MOST_VALUES ? (int64_t)most + 1 : 0;
}

static urn_status find_rows(urn__gibbs_block *b, const urn__link *link, term *t, bool *fits,
                            urn_error *error)
{
    const urn__site *s = &b->g->m->site[link->site];
    *fits = s->family != NULL && link->param != URN__LINK_MASK &&
            link->form.reach != URN__REACH_SEVERAL;
    if (!*fits)
        return URN_OK;
    t->site = link->site;
    t->n = urn__site_family_rows(s);
    return urn__reach_rows(b->g->nodes, b->site[0], 0, link->site, s->family->event_rank,
                           &link->form, b->arena, &t->index, fits, error);
}

static bool same_reach(const urn__form *a, const urn__form *b)
{
    return a->reach == b->reach && a->index == b->index;
}

/* Are rows independent given the rest? Fills the terms if so. */
static urn_status find_terms(urn__gibbs_block *b, enumeration *own, bool *independent,
                             urn_error *error)
{
    const urn__gibbs_plan *plan = b->g->plan;
    const urn__site *s = &b->g->m->site[b->site[0]];
    const int n = plan->n_links[b->site[0]];
    const urn__link *link = plan->link[b->site[0]];
    own->terms = urn__arena_alloc(b->arena, (size_t)n + 1, sizeof *own->terms);
    own->roots = urn__arena_alloc(b->arena, (size_t)n + 1, sizeof *own->roots);
    if (urn__arena_failed(b->arena))
        return urn__fail_memory(error, "a block", (size_t)n);
    own->terms[0] = (term){.site = b->site[0], .n = b->rows};
    own->n_terms = 1;
    *independent = b->rows == 1 || s->shape.n_event == 0;
    for (int i = 0; *independent && i < n; i++) {
        if (i > 0 && link[i].site == link[i - 1].site) {
            *independent = same_reach(&link[i].form, &link[i - 1].form);
            continue;
        }
        URN_TRY(find_rows(b, &link[i], &own->terms[own->n_terms++], independent, error));
    }
    for (int k = 0; *independent && k < own->n_terms; k++) {
        own->roots[k] = urn__nodes_density(b->g->nodes, own->terms[k].site, true);
        *independent =
            own->roots[k] != 0 &&
            urn__shape_size(urn__graph_shape(b->g->nodes->graph, own->roots[k])) == own->terms[k].n;
    }
    return URN_OK;
}

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    bool independent;
    enumeration *own = b->own = urn__arena_alloc(b->arena, 1, sizeof *own);
    if (own == NULL)
        return urn__fail_memory(error, "a block", sizeof *own);
    own->n_values = count_values(b);
    *able = own->n_values > 0 && b->event == 1;
    if (!*able) {
        b->why = urn__block_say(b, "%s; its values are not few", b->why);
        return URN_OK;
    }
    URN_TRY(find_terms(b, own, &independent, error));
    b->sequential = !independent;
    if (independent)
        return URN_OK;
    *able = b->rows * own->n_values <= MOST_SEQUENTIAL;
    if (!*able)
        b->why = urn__block_say(b, "%s; its rows depend on each other, and there are many", b->why);
    return urn__block_want_density(b, error);
}

static urn_status open_block(urn__gibbs_block *b, urn_error *error)
{
    enumeration *own = b->own;
    const size_t rows = (size_t)b->rows, n = (size_t)own->n_values;
    own->trial = urn__arena_alloc(b->arena, rows + 1, sizeof *own->trial);
    own->log_weight = urn__arena_alloc(b->arena, rows * n + 1, sizeof *own->log_weight);
    if (urn__arena_failed(b->arena))
        return urn__fail_memory(error, "a block", rows * n * sizeof(double));
    if (b->sequential)
        return URN_OK;
    URN_TRY(urn__evaluation_new(b->g->nodes, own->n_terms, own->roots, false, b->g->most_threads,
                                &own->densities, error));
    urn__gibbs_bind(b->g, own->densities);
    urn__evaluation_bind(own->densities, b->site[0], own->trial);
    return URN_OK;
}

static void close_block(urn__gibbs_block *b)
{
    if (b->own != NULL)
        urn__evaluation_free(((enumeration *)b->own)->densities);
}

/* ---- weights ---- */

/* What is impossible by the prior is so whatever a child says of it. */
static void add_term(const urn__gibbs_block *b, const enumeration *own, int t, int64_t k)
{
    const double *density = urn__evaluation_root(own->densities, t);
    const term *at = &own->terms[t];
    const int64_t per = b->rows > 0 ? at->n / b->rows : 0;
    for (int64_t r = 0; r < at->n; r++) {
        const int64_t row = at->index != NULL ? at->index->row[r] : per > 0 ? r / per : 0;
        double *sum = &own->log_weight[row * own->n_values + k];
        if (*sum > (double)-INFINITY)
            *sum += density[r];
    }
}

static void weigh_all(urn__gibbs_block *b)
{
    enumeration *own = b->own;
    memset(own->log_weight, 0, (size_t)(b->rows * own->n_values) * sizeof *own->log_weight);
    urn__evaluation_threads(own->densities, b->g->threads);
    for (int64_t k = 0; k < own->n_values; k++) {
        for (int64_t row = 0; row < b->rows; row++)
            own->trial[row] = (double)k;
        urn__evaluation_run(own->densities);
        for (int t = 0; t < own->n_terms; t++)
            add_term(b, own, t, k);
    }
}

/* One row, the others being where they are. */
static void weigh_row(urn__gibbs_block *b, int64_t row)
{
    enumeration *own = b->own;
    double *value = urn__block_value(b, 0) + row;
    const double before = *value;
    for (int64_t k = 0; k < own->n_values; k++) {
        *value = (double)k;
        own->log_weight[row * own->n_values + k] = urn__block_density(b);
    }
    *value = before;
}

/* log of the sum of the weights of a row; NaN or -infinity: no distribution. */
static double log_total(const enumeration *own, int64_t row)
{
    const double *w = own->log_weight + row * own->n_values;
    double top = (double)-INFINITY, sum = 0.0;
    for (int64_t k = 0; k < own->n_values; k++)
        top = w[k] > top || isnan(w[k]) ? w[k] : top;
    for (int64_t k = 0; k < own->n_values && isfinite(top); k++)
        sum += exp(w[k] - top);
    return isfinite(top) ? top + log(sum) : (double)NAN;
}

/* ---- moving ---- */

static bool draw_row(urn__gibbs_block *b, const urn__stream *stream, int64_t row)
{
    const enumeration *own = b->own;
    const double *w = own->log_weight + row * own->n_values, total = log_total(own, row);
    urn_rng rng;
    urn__rng_at_row(&rng, stream, row);
    double left = urn_rng_uniform(&rng);
    int64_t chosen = -1;
    for (int64_t k = 0; k < own->n_values && left >= 0.0; k++) {
        const double p = exp(w[k] - total);
        if (p > 0.0) {
            chosen = k;
            left -= p;
        }
    }
    if (chosen >= 0)
        urn__block_value(b, 0)[row] = (double)chosen;
    return chosen >= 0;
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    const urn__stream stream = urn__block_stream(b);
    if (!b->sequential)
        weigh_all(b);
    for (int64_t row = 0; row < b->rows; row++) {
        if (b->sequential)
            weigh_row(b, row);
        if (!draw_row(b, &stream, row))
            return urn__block_fail(b, row, log_total(b->own, row), error);
    }
    return URN_OK;
}

/* Where rows depend on each other the most probable value of each in turn. */
static urn_status mode(urn__gibbs_block *b, urn_error *error)
{
    const enumeration *own = b->own;
    (void)error;
    if (!b->sequential)
        weigh_all(b);
    for (int64_t row = 0; row < b->rows; row++) {
        if (b->sequential)
            weigh_row(b, row);
        int64_t best = 0;
        for (int64_t k = 1; k < own->n_values; k++)
            if (own->log_weight[row * own->n_values + k] >
                own->log_weight[row * own->n_values + best])
                best = k;
        urn__block_value(b, 0)[row] = (double)best;
    }
    return URN_OK;
}

static urn_status collect(urn__gibbs_block *b, int64_t part, urn_error *error)
{
    (void)error;
    if (b->sequential)
        weigh_row(b, part);
    else
        weigh_all(b);
    return URN_OK;
}

static double log_conditional(urn__gibbs_block *b, int64_t part)
{
    const enumeration *own = b->own;
    const double *value = urn__block_value(b, 0);
    const int64_t last = b->sequential ? part + 1 : b->rows;
    double sum = 0.0;
    for (int64_t row = b->sequential ? part : 0; row < last; row++)
        sum += own->log_weight[row * own->n_values + (int64_t)value[row]] - log_total(own, row);
    return sum;
}

const urn__block_kind urn__kind_enumerate = {.name = "enumerate",
                                             .exact = true,
                                             .prepare = prepare,
                                             .open = open_block,
                                             .update = update,
                                             .mode = mode,
                                             .collect = collect,
                                             .log_conditional = log_conditional,
                                             .close = close_block};
