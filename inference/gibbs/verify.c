/* Every closed-form block is compared with the joint density: at two values x1, x2 of its sites and
 * one of the rest, log p(x1, rest) - log p(x2, rest) is the same by both. */
#include "verify.h"

#include <math.h>
#include <string.h>

/* ---- random values ---- */

static void random_position(const urn__gibbs *g, uint64_t seed, uint64_t step, double *position)
{
    for (size_t i = 0; i < g->m->n_sites; i++) {
        const urn__site *s = &g->m->site[i];
        if (g->value[i] == NULL || s->support->discrete)
            continue;
        const urn__stream stream =
            urn__stream_at(seed, urn__chain_for(URN__USE_EVALUATION, 0), s->name, step);
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, 0);
        for (int64_t k = 0; k < s->free_size; k++)
            position[s->offset + k] = 2.0 * urn_rng_uniform(&rng) - 1.0;
    }
}

static urn_status randomise(urn__gibbs *g, uint64_t seed, uint64_t step, urn_error *error)
{
    const size_t n = (size_t)g->m->state_size + 1;
    double *position = urn__calloc(g->allocator, n, sizeof *position);
    if (position == NULL)
        return urn__fail_memory(error, "a position", n * sizeof *position);
    random_position(g, seed, step, position);
    g->seed = seed;
    g->chain = urn__chain_for(URN__USE_EVALUATION, step);
    const urn_status status = urn__gibbs_set_position(g, position, error);
    urn__free(g->allocator, position);
    return status;
}

/* ---- moving a block ---- */

/* Elements of site[k] that part `part` of the block moves. */
static void range_of(const urn__gibbs_block *b, int k, int64_t part, int64_t *from, int64_t *n)
{
    const int64_t size = urn__shape_size(&b->g->m->site[b->site[k]].shape);
    *n = b->sequential ? size / b->rows : size;
    *from = b->sequential ? part * *n : 0;
}

/* The moved sites' values, one after another; `to` NULL: their number. */
static int64_t copy_out(const urn__gibbs_block *b, int64_t part, double *to)
{
    int64_t at = 0;
    for (int k = 0; k < b->n_sites; k++) {
        int64_t from, n;
        range_of(b, k, part, &from, &n);
        if (to != NULL)
            memcpy(to + at, urn__block_value(b, k) + from, (size_t)n * sizeof *to);
        at += n;
    }
    return at;
}

static void copy_in(const urn__gibbs_block *b, int64_t part, const double *values)
{
    for (int k = 0; k < b->n_sites; k++) {
        int64_t from, n;
        range_of(b, k, part, &from, &n);
        memcpy(urn__block_value(b, k) + from, values, (size_t)n * sizeof *values);
        values += n;
    }
}

typedef struct points {
    double *all;  /* the other values, to be put back */
    double *x[2]; /* of the moved part */
    double *rest; /* a whole state of natural values */
} points;

static int64_t values_size(const urn__gibbs *g)
{
    int64_t n = 0;
    for (size_t i = 0; i < g->m->n_sites; i++)
        if (g->value[i] != NULL)
            n += urn__shape_size(&g->m->site[i].shape);
    return n;
}

static void move_values(urn__gibbs *g, double *values, bool out)
{
    for (size_t i = 0; i < g->m->n_sites; i++) {
        if (g->value[i] == NULL)
            continue;
        const size_t n = (size_t)urn__shape_size(&g->m->site[i].shape);
        memcpy(out ? values : g->value[i], out ? g->value[i] : values, n * sizeof *values);
        values += n;
    }
}

/* x2 from another random state, x1 and the rest from this one. */
static urn_status find_points(urn__gibbs *g, const urn__gibbs_block *b, int64_t part, uint64_t seed,
                              int64_t point, points *p, urn_error *error)
{
    URN_TRY(randomise(g, seed, 2 * (uint64_t)point + 2, error));
    (void)copy_out(b, part, p->x[1]);
    URN_TRY(randomise(g, seed, 2 * (uint64_t)point + 1, error));
    (void)copy_out(b, part, p->x[0]);
    move_values(g, p->rest, true);
    return URN_OK;
}

static urn_status compare(urn__gibbs *g, urn__gibbs_block *b, int64_t part, const points *p,
                          urn__block_check *check, urn_error *error)
{
    move_values(g, p->rest, false);
    URN_TRY(b->kind->collect(b, part, error));
    for (int k = 0; k < 2; k++) {
        copy_in(b, part, p->x[k]);
        check->joint[k] = urn__gibbs_log_joint(g);
        check->conditional[k] = b->kind->log_conditional(b, part);
    }
    const double joint = check->joint[0] - check->joint[1];
    const double conditional = check->conditional[0] - check->conditional[1];
    check->difference = fabs(joint - conditional);
    check->allowed = 1e-9 * (1.0 + fabs(check->joint[0]) + fabs(check->joint[1]));
    check->agrees = check->difference <= check->allowed;
    if (!isfinite(check->joint[0]) || !isfinite(check->joint[1])) { /* says nothing there */
        check->agrees = true;
        check->difference = 0.0;
        check->allowed = 1.0;
    }
    return URN_OK;
}

enum { MOST_PARTS = 8 };

static urn_status check_parts(urn__gibbs *g, int block, uint64_t seed, int64_t point, points *p,
                              urn__block_check *check, urn_error *error)
{
    urn__gibbs_block *b = &g->block[block];
    const int64_t parts = b->sequential ? b->rows : 1;
    const int64_t n = parts < MOST_PARTS ? parts : MOST_PARTS;
    for (int64_t k = 0; check->agrees && k < n; k++) {
        const int64_t part = k * parts / n;
        URN_TRY(find_points(g, b, part, seed, point, p, error));
        URN_TRY(compare(g, b, part, p, check, error));
    }
    return URN_OK;
}

urn_status urn__gibbs_check(urn__gibbs *g, int block, uint64_t seed, int64_t point,
                            urn__block_check *check, urn_error *error)
{
    const urn__gibbs_block *b = &g->block[block];
    *check = (urn__block_check){.block = block, .agrees = true};
    if (b->kind == NULL || !b->kind->exact)
        return URN_OK;
    const size_t part = (size_t)copy_out(b, 0, NULL), whole = (size_t)values_size(g);
    points p = {.all = urn__calloc(g->allocator, 2 * part + whole + 1, sizeof(double))};
    if (p.all == NULL)
        return urn__fail_memory(error, "points of a check", (2 * part + whole) * sizeof(double));
    p.x[0] = p.all;
    p.x[1] = p.all + part;
    p.rest = p.all + 2 * part;
    const uint64_t kept[2] = {g->seed, g->chain};
    const urn_status status = check_parts(g, block, seed, point, &p, check, error);
    g->seed = kept[0];
    g->chain = kept[1];
    urn__free(g->allocator, p.all);
    return status;
}

/* ---- before a fit ---- */

/* About what a density and a conditional cost: elements of all sites, and of a row of each block
 * for every row of the children. */
static int64_t cost_of(const urn__gibbs *g)
{
    int64_t widest = 1, elements = 0;
    for (size_t i = 0; i < g->m->n_sites; i++) {
        const urn__site *s = &g->m->site[i];
        elements += urn__shape_size(&s->shape);
        if (g->value[i] != NULL && urn__shape_event(&s->shape) > widest)
            widest = urn__shape_event(&s->shape);
    }
    return elements * widest;
}

urn_status urn__gibbs_check_all(urn__gibbs *g, int64_t most, urn_error *error)
{
    if (cost_of(g) > most)
        return URN_OK;
    for (int i = 0; i < g->n_blocks; i++) {
        urn__block_check check;
        const urn__site *s = &g->m->site[g->block[i].site[0]];
        URN_TRY(urn__gibbs_check(g, i, 1, 0, &check, error));
        if (check.agrees)
            continue;
        g->block[i].failed = true;
        return urn__fail(error, URN_ERR_INTERNAL, s->where, s->name,
                         "please report the model; svi and nuts do not use the block",
                         "engine \"gibbs\": the conditional (rule %s) does not agree with the "
                         "joint density: log differences %.15g and %.15g",
                         g->block[i].rule != NULL ? g->block[i].rule->name : "none",
                         check.joint[0] - check.joint[1],
                         check.conditional[0] - check.conditional[1]);
    }
    return URN_OK;
}
