/* Blocks of rules that are written as accumulators: the conditional of each row of x is the prior's
 * parameters plus what its rows of the children add. Rows go in parallel; a row with very many rows
 * of children is summed in pieces whose sums are added in order, so draws have the same bits for
 * any number of threads. */
#include "gibbs.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum {
    PIECE = 16384,      /* rows of a child summed by one task */
    ROWS_PER_TASK = 32, /* rows of x */
    LIST = 256          /* rows of a child that a mask leaves, handed over at a time */
};

typedef struct wanted {
    int want;
    int64_t stride;
} wanted;

typedef struct child_plan {
    wanted value, param[URN_FAMILY_PARAMS], coefficient[2], mask;
    int64_t per_mask; /* family rows per mask element */
} child_plan;

/* Rows [first, last) of a child, all of one heavy row of x. */
typedef struct piece {
    int64_t row, first, last;
    int child;
} piece;

typedef struct rows_block {
    child_plan child[URN__BLOCK_CHILDREN];
    wanted prior[2][URN_FAMILY_PARAMS];
    int64_t acc, scratch; /* doubles of an accumulator; of scratch, a thread */
    double *acc_memory, *scratch_memory, *piece_memory;
    int64_t n_pieces;
    piece *pieces;        /* in order of rows */
    int64_t *first_piece; /* by row, and one more; NULL: no row is heavy */
    int64_t event[2];
    atomic_llong bad_row;
    double condition;
    bool drawing, modes;
    urn__stream stream;
} rows_block;

/* ---- planning ---- */

static wanted want(urn__gibbs_block *b, urn__id id, int site, int rank)
{
    wanted w = {.want = -1};
    w.want = urn__block_want_rows(b, id, site, rank, &w.stride);
    return w;
}

static int position_of(const urn__site *s, int number)
{
    for (int k = 0; k < s->n_given; k++)
        if (s->given[k] == number)
            return k;
    return -1;
}

static int coefficient_rank(const urn__site *child, const urn__link *link)
{
    if (link->form.kind != URN__FORM_POWER || link->param < 0)
        return 0;
    return child->family->params[child->given[link->param]].event_rank;
}

static void want_child(urn__gibbs_block *b, int i)
{
    rows_block *own = b->own;
    child_plan *p = &own->child[i];
    const urn__nodes *nodes = b->g->nodes;
    urn__block_child *c = &b->child[i];
    const urn__site *s = &nodes->m->site[c->site];
    const urn__node_site *at = &nodes->site[c->site];
    p->value = want(b, at->value, c->site, s->family->event_rank);
    for (int f = 0; f < URN_FAMILY_PARAMS; f++) {
        const int k = position_of(s, f);
        p->param[f].want = -1;
        if (k >= 0)
            p->param[f] = want(b, at->param[k], c->site, s->family->params[f].event_rank);
    }
    for (int k = 0; k < 2; k++) {
        p->coefficient[k].want = -1;
        if (k < b->n_sites && c->link[k].word != NULL)
            p->coefficient[k] =
                want(b, c->link[k].form.coefficient, c->site, coefficient_rank(s, &c->link[k]));
    }
    p->mask.want = urn__block_want(b, at->mask);
    const int64_t masks =
        at->mask != 0 ? urn__shape_size(urn__graph_shape(nodes->graph, at->mask)) : 1;
    c->n = urn__site_family_rows(s);
    p->per_mask = masks > 0 ? c->n / masks : 1;
}

static urn_status find_rows(urn__gibbs_block *b, int i, bool *fits, urn_error *error)
{
    urn__nodes *nodes = b->g->nodes;
    urn__block_child *c = &b->child[i];
    const int k = c->link[0].word != NULL ? 0 : 1;
    const urn__site *x = &nodes->m->site[b->site[k]], *s = &nodes->m->site[c->site];
    const int param = c->link[k].param;
    const int rank =
        param < 0 ? s->family->event_rank : s->family->params[s->given[param]].event_rank;
    *fits = x->family->event_rank == rank || x->shape.n_event == 0;
    if (*fits)
        URN_TRY(urn__reach_rows(nodes, b->site[k], x->family->event_rank, c->site,
                                s->family->event_rank, &c->link[k].form, b->arena, &c->index, fits,
                                error));
    if (!*fits)
        b->why = urn__block_say(b, "rows of %s do not match those of %s", x->name, s->name);
    return URN_OK;
}

static void want_prior(urn__gibbs_block *b, int k)
{
    rows_block *own = b->own;
    const urn__nodes *nodes = b->g->nodes;
    const urn__site *s = &nodes->m->site[b->site[k]];
    own->event[k] = s->event;
    for (int f = 0; f < URN_FAMILY_PARAMS; f++) {
        const int at = position_of(s, f);
        own->prior[k][f].want = -1;
        if (at >= 0)
            own->prior[k][f] = want(b, nodes->site[b->site[k]].param[at], b->site[k],
                                    s->family->params[f].event_rank);
    }
}

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    rows_block *own = b->own = urn__arena_alloc(b->arena, 1, sizeof *own);
    if (own == NULL)
        return urn__fail_memory(error, "a block", sizeof *own);
    *able = true;
    for (int i = 0; *able && i < b->n_children; i++) {
        URN_TRY(find_rows(b, i, able, error));
        want_child(b, i);
    }
    for (int k = 0; k < b->n_sites; k++)
        want_prior(b, k);
    own->acc = b->rule->accumulator(b->dim);
    own->scratch = b->rule->scratch != NULL ? b->rule->scratch(b->dim) : 0;
    if (*able && b->n_want == URN__BLOCK_WANTS) {
        *able = false;
        b->why = urn__block_say(b, "too many children");
    }
    return URN_OK;
}

/* ---- pieces ---- */

static void children_of(const urn__gibbs_block *b, int i, int64_t row, int64_t *first,
                        int64_t *last)
{
    const urn__block_child *c = &b->child[i];
    const int64_t per = b->rows > 0 ? c->n / b->rows : 0;
    *first = c->index != NULL ? c->index->start[row] : row * per;
    *last = c->index != NULL ? c->index->start[row + 1] : *first + per;
}

static int64_t count_of(const urn__gibbs_block *b, int64_t row)
{
    int64_t n = 0;
    for (int i = 0; i < b->n_children; i++) {
        int64_t first, last;
        children_of(b, i, row, &first, &last);
        n += last - first;
    }
    return n;
}

/* Pieces of the heavy rows; with `list` NULL they are counted. */
static int64_t cut(const urn__gibbs_block *b, piece *list, int64_t *first_piece)
{
    int64_t n = 0;
    for (int64_t row = 0; row < b->rows; row++) {
        if (first_piece != NULL)
            first_piece[row] = n;
        if (count_of(b, row) <= PIECE)
            continue;
        for (int i = 0; i < b->n_children; i++) {
            int64_t first, last;
            children_of(b, i, row, &first, &last);
            for (; first < last; first += PIECE, n++)
                if (list != NULL)
                    list[n] = (piece){.row = row,
                                      .child = i,
                                      .first = first,
                                      .last = first + PIECE < last ? first + PIECE : last};
        }
    }
    if (first_piece != NULL)
        first_piece[b->rows] = n;
    return n;
}

static urn_status open_rows(urn__gibbs_block *b, urn_error *error)
{
    rows_block *own = b->own;
    const size_t threads = (size_t)b->g->most_threads;
    own->n_pieces = cut(b, NULL, NULL);
    own->acc_memory = urn__arena_alloc(b->arena, (size_t)(b->rows * own->acc) + 1, sizeof(double));
    own->scratch_memory =
        urn__arena_alloc(b->arena, threads * (size_t)(own->scratch + 8), sizeof(double));
    if (own->n_pieces > 0) {
        own->pieces = urn__arena_alloc(b->arena, (size_t)own->n_pieces, sizeof *own->pieces);
        own->first_piece =
            urn__arena_alloc(b->arena, (size_t)b->rows + 1, sizeof *own->first_piece);
        own->piece_memory =
            urn__arena_alloc(b->arena, (size_t)(own->n_pieces * own->acc), sizeof(double));
    }
    if (urn__arena_failed(b->arena))
        return urn__fail_memory(error, "a block", (size_t)(b->rows * own->acc));
    if (own->n_pieces > 0)
        (void)cut(b, own->pieces, own->first_piece);
    return URN_OK;
}

/* ---- accumulating ---- */

static const double *at_row(const urn__gibbs_block *b, const wanted *w, int64_t row)
{
    const double *values = urn__block_got(b, w->want);
    return values == NULL ? NULL : values + row * w->stride;
}

static double *scratch_of(const rows_block *own, int thread)
{
    return own->scratch_memory + thread * (own->scratch + 8);
}

static void add_masked(const urn__gibbs_block *b, int i, urn__child_call *call)
{
    const rows_block *own = b->own;
    const child_plan *p = &own->child[i];
    const double *mask = urn__block_got(b, p->mask.want);
    const urn__child_call all = *call;
    int32_t list[LIST];
    call->row = list;
    call->n = 0;
    for (int64_t r = 0; r < all.n; r++) {
        const int64_t row = urn__child_row(&all, r);
        if (mask[row / p->per_mask] != 0.0)
            list[call->n++] = (int32_t)row;
        if (call->n == LIST || (r == all.n - 1 && call->n > 0)) {
            b->child[i].rule->into(call);
            call->n = 0;
        }
    }
}

/* Rows [first, last) of child i in the order of its index, all of row `row` of x. */
static void add_child(const urn__gibbs_block *b, int i, int64_t row, int64_t first, int64_t last,
                      double *acc, double *scratch)
{
    const rows_block *own = b->own;
    const child_plan *p = &own->child[i];
    const urn__block_child *c = &b->child[i];
    const urn__site *s = &b->g->m->site[c->site];
    const bool listed = c->index != NULL && c->index->order != NULL;
    urn__child_call call = {.n = last - first,
                            .first = first,
                            .row = listed ? c->index->order + first : NULL,
                            .dim = s->dim,
                            .event = s->event,
                            .value = urn__block_got(b, p->value.want),
                            .value_stride = p->value.stride,
                            .x_dim = b->dim,
                            .acc = acc,
                            .scratch = scratch};
    for (int f = 0; f < URN_FAMILY_PARAMS; f++) {
        call.param[f] = urn__block_got(b, p->param[f].want);
        call.stride[f] = p->param[f].stride;
    }
    for (int k = 0; k < b->n_sites && k < 2; k++) {
        call.coefficient[k] = urn__block_got(b, p->coefficient[k].want);
        call.coefficient_stride[k] = p->coefficient[k].stride;
        call.power[k] = c->link[k].word != NULL ? c->link[k].form.power : 0.0;
        call.x[k] = urn__block_value(b, k) + row * own->event[k];
    }
    if (call.n > 0 && p->mask.want >= 0)
        add_masked(b, i, &call);
    else if (call.n > 0)
        c->rule->into(&call);
}

static void sum_piece(void *context, int64_t k, int thread)
{
    const urn__gibbs_block *b = context;
    const rows_block *own = b->own;
    const piece *p = &own->pieces[k];
    double *acc = own->piece_memory + k * own->acc;
    memset(acc, 0, (size_t)own->acc * sizeof *acc);
    add_child(b, p->child, p->row, p->first, p->last, acc, scratch_of(own, thread));
}

static void collect_row(const urn__gibbs_block *b, int64_t row, int thread)
{
    const rows_block *own = b->own;
    double *acc = own->acc_memory + row * own->acc;
    urn__prior_call prior = {
        .dim = b->dim, .event = b->event, .acc = acc, .scratch = scratch_of(own, thread)};
    prior.family = b->g->m->site[b->site[0]].family;
    for (int k = 0; k < b->n_sites && k < 2; k++)
        for (int f = 0; f < URN_FAMILY_PARAMS; f++)
            prior.param[k][f] = at_row(b, &own->prior[k][f], row);
    b->rule->prior_into(&prior);
    const bool heavy =
        own->first_piece != NULL && own->first_piece[row + 1] > own->first_piece[row];
    for (int i = 0; !heavy && i < b->n_children; i++) {
        int64_t first, last;
        children_of(b, i, row, &first, &last);
        add_child(b, i, row, first, last, acc, scratch_of(own, thread));
    }
    for (int64_t k = heavy ? own->first_piece[row] : 0; heavy && k < own->first_piece[row + 1]; k++)
        for (int64_t j = 0; j < own->acc; j++)
            acc[j] += own->piece_memory[k * own->acc + j];
}

/* ---- moving ---- */

static void note_bad(rows_block *own, int64_t row)
{
    long long lowest = atomic_load(&own->bad_row);
    while ((lowest < 0 || row < lowest) &&
           !atomic_compare_exchange_weak(&own->bad_row, &lowest, row))
        ;
}

static void values_of(const urn__gibbs_block *b, int64_t row, double *x[2])
{
    const rows_block *own = b->own;
    for (int k = 0; k < 2; k++)
        x[k] = k < b->n_sites ? urn__block_value(b, k) + row * own->event[k] : NULL;
}

/* Also sets *condition where it fails. */
static bool move_row(const urn__gibbs_block *b, int64_t row, double *scratch, double *condition)
{
    const rows_block *own = b->own;
    const double *acc = own->acc_memory + row * own->acc;
    double *x[2];
    values_of(b, row, x);
    *condition = (double)NAN;
    if (own->modes)
        return b->rule->mode(acc, b->dim, x, scratch);
    urn_rng rng;
    urn__rng_at_row(&rng, &own->stream, row);
    return b->rule->draw(acc, b->dim, &rng, x, scratch, condition);
}

static void do_rows(void *context, int64_t task, int thread)
{
    const urn__gibbs_block *b = context;
    rows_block *own = b->own;
    const int64_t last =
        (task + 1) * ROWS_PER_TASK < b->rows ? (task + 1) * ROWS_PER_TASK : b->rows;
    for (int64_t row = task * ROWS_PER_TASK; row < last; row++) {
        double condition;
        collect_row(b, row, thread);
        if (own->drawing && !move_row(b, row, scratch_of(own, thread), &condition))
            note_bad(own, row);
    }
}

static urn_status run(urn__gibbs_block *b, bool drawing, bool modes, urn_error *error)
{
    rows_block *own = b->own;
    const int64_t tasks = (b->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    own->drawing = drawing;
    own->modes = modes;
    own->stream = urn__block_stream(b);
    atomic_store(&own->bad_row, -1);
    urn__block_evaluate(b);
    urn__parallel(b->g->threads, own->n_pieces, sum_piece, b);
    urn__parallel(b->g->threads, tasks, do_rows, b);
    const int64_t bad = atomic_load(&own->bad_row);
    if (bad < 0)
        return URN_OK;
    double condition;
    (void)move_row(b, bad, scratch_of(own, 0), &condition); /* says once more what it found */
    return urn__block_fail(b, bad, condition, error);
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    return run(b, true, false, error);
}

static urn_status mode(urn__gibbs_block *b, urn_error *error)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    if (b->rule->mode == NULL)
        return urn__fail(error, URN_ERR_MODEL, s->where, s->name, "use gibbs, or another method",
                         "the conditional (rule %s) has no mode", b->rule->name);
    return run(b, true, true, error);
}

static urn_status collect(urn__gibbs_block *b, int64_t part, urn_error *error)
{
    (void)part;
    return run(b, false, false, error);
}

static double log_conditional(urn__gibbs_block *b, int64_t part)
{
    const rows_block *own = b->own;
    double sum = 0.0;
    (void)part;
    for (int64_t row = 0; row < b->rows; row++) {
        double *x[2];
        values_of(b, row, x);
        const double *const now[2] = {x[0], x[1]};
        sum +=
            b->rule->log_density(own->acc_memory + row * own->acc, b->dim, now, scratch_of(own, 0));
    }
    return sum;
}

#define ROWS_KIND(title)                                                                           \
    {                                                                                              \
        .name = title, .exact = true, .prepare = prepare, .open = open_rows, .update = update,     \
        .mode = mode, .collect = collect, .log_conditional = log_conditional                       \
    }
const urn__block_kind urn__kind_rows = ROWS_KIND("closed form");
const urn__block_kind urn__kind_row_steps = ROWS_KIND("slice");
