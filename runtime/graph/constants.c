/* What depends on data only is computed once, when the plan is made: with the kernels for double,
 * then converted if the plan is single. What only other constants read is freed right after. The
 * graph keeps the rest, so that two plans over it share them. */
#include "plan.h"
#include <string.h>

typedef struct folding {
    struct urn__plan *p;
    urn__arena *arena; /* the graph's */
    const urn_allocator *allocator;
    int n;
    const urn__id *fold;
    bool *wanted;     /* by fold */
    int *last_use;    /* by place: fold after which its doubles may go */
    double **doubles; /* by place: its values, or NULL */
    bool *temporary;  /* by place: freed here */
} folding;

static int32_t output_place(const folding *f, int i, int k)
{
    return f->p->place_of[(size_t)f->fold[i] * URN__MAX_OUT + (size_t)k];
}

static const urn__node *fold_node(const folding *f, int i)
{
    return urn__graph_node(f->p->g, f->fold[i]);
}

static bool is_leaf(const urn__node *n)
{
    return n->op == &urn__op_constant || n->op == &urn__op_data;
}

/* ---- which ones ---- */

/* A fold is computed when it has a visible output that nobody has computed before, or when such a
 * fold reads it. */
static void find_wanted(folding *f)
{
    for (int i = f->n - 1; i >= 0; i--) {
        const urn__node *n = fold_node(f, i);
        for (int k = 0; k < n->n_out; k++) {
            const int32_t place = output_place(f, i, k);
            const bool missing = f->p->place[place].visible && f->p->place[place].fixed == NULL;
            const bool read = f->doubles[place] == NULL && f->last_use[place] > i;
            f->wanted[i] = f->wanted[i] || missing || read;
        }
        for (int k = 0; f->wanted[i] && k < n->n_in; k++) {
            int *last = &f->last_use[urn__plan_place(f->p, n->in[k])];
            *last = *last > i ? *last : i;
        }
    }
}

/* ---- memory ---- */

static bool converted(const folding *f, int32_t place)
{
    return f->p->precision == URN_PRECISION_SINGLE && !f->p->place[place].wide;
}

static void drop_temporary(folding *f, int32_t place)
{
    if (f->temporary[place])
        urn__free(f->allocator, f->doubles[place]);
    f->temporary[place] = false;
    f->doubles[place] = NULL;
}

/* Doubles that stay as they are live in the arena, others until they have been read. */
static bool make_doubles(folding *f, int32_t place)
{
    const urn__place *at = &f->p->place[place];
    const size_t n = (size_t)at->size + 1;
    f->temporary[place] = !at->visible || converted(f, place);
    f->doubles[place] = f->temporary[place] ? urn__calloc(f->allocator, n, sizeof(double))
                                            : urn__arena_alloc(f->arena, n, sizeof(double));
    if (!f->temporary[place])
        f->p->fixed += at->size * (int64_t)sizeof(double);
    return f->doubles[place] != NULL;
}

/* Gives a visible place its memory in the plan's precision, from its doubles. */
static bool settle(folding *f, urn__id id, int k, int32_t place)
{
    urn__place *at = &f->p->place[place];
    at->fixed = f->doubles[place];
    if (converted(f, place)) {
        float *single = urn__arena_alloc(f->arena, (size_t)at->size + 1, sizeof *single);
        for (int64_t i = 0; single != NULL && i < at->size; i++)
            single[i] = (float)f->doubles[place][i];
        at->fixed = single;
        f->p->fixed += at->size * (int64_t)sizeof *single;
    }
    return (at->fixed != NULL || at->size == 0) && !urn__arena_failed(f->arena) &&
           urn__graph_keep(f->p->g, id, k, f->p->kernels, f->p->precision, at->fixed);
}

/* ---- computing ---- */

static void fill_call(const folding *f, const urn__node *n, urn__exec *exec, urn__call *c)
{
    const struct urn__plan *p = f->p;
    *c = (urn__call){.run = n->op->run,
                     .node = n,
                     .attr = n->attr,
                     .n_in = n->n_in,
                     .n_out = n->n_out,
                     .out_shape = n->shape,
                     .exec = exec,
                     .fixed = ~UINT32_C(0)};
    for (int k = 0; k < n->n_in; k++) {
        const urn__node *in = urn__graph_node(p->g, n->in[k]);
        c->in_shape[k] = in->shape;
        if (in->op == &urn__op_index)
            c->index[k] = ((const urn__index_attr *)in->attr)->index;
        else
            c->in[k] = f->doubles[urn__plan_place(p, n->in[k])];
    }
}

static bool compute(folding *f, int i)
{
    const urn__node *n = fold_node(f, i);
    urn__exec exec = {.kernels = f->p->kernels, .threads = 1};
    urn__call call;
    bool ok = true;
    fill_call(f, n, &exec, &call);
    for (int k = 0; k < n->n_out; k++) {
        ok = ok && make_doubles(f, output_place(f, i, k));
        call.out[k] = f->doubles[output_place(f, i, k)];
    }
    const int64_t doubles = n->op->scratch == NULL ? 0 : n->op->scratch(f->p->g, n, 1);
    exec.scratch = urn__calloc(f->allocator, (size_t)doubles + 8, sizeof(double));
    const size_t extra = n->op->state_extra == NULL ? 0 : n->op->state_extra(f->p->g, n);
    call.state = urn__calloc(f->allocator, n->op->state_size + extra + 1, 1);
    ok = ok && exec.scratch != NULL && call.state != NULL;
    if (ok) {
        if (n->op->prepare != NULL)
            n->op->prepare(&call);
        if (n->op->bind != NULL)
            n->op->bind(&call);
        call.run(&call);
    }
    urn__free(f->allocator, call.state);
    urn__free(f->allocator, exec.scratch);
    return ok;
}

static bool compute_wanted(folding *f)
{
    for (int i = 0; i < f->n; i++) {
        const urn__node *n = fold_node(f, i);
        if (!f->wanted[i])
            continue;
        if (!compute(f, i))
            return false;
        for (int k = 0; k < n->n_out; k++) {
            const int32_t place = output_place(f, i, k);
            const urn__place *at = &f->p->place[place];
            if (at->visible && at->fixed == NULL && !settle(f, f->fold[i], k, place))
                return false;
            if (f->last_use[place] <= i)
                drop_temporary(f, place);
        }
        for (int k = 0; k < n->n_in; k++)
            if (f->last_use[urn__plan_place(f->p, n->in[k])] == i)
                drop_temporary(f, urn__plan_place(f->p, n->in[k]));
    }
    return true;
}

/* ---- all of them ---- */

/* The doubles of a leaf: its own, or for a column nobody else needs in double a copy that goes. */
static bool leaf_doubles(folding *f, const urn__values_attr *a, int32_t place)
{
    const urn__place *at = &f->p->place[place];
    union {
        const double *in;
        double *out;
    } own = {.in = NULL}; /* never written */
    if (a->numbers == NULL || (at->visible && !converted(f, place))) {
        own.in = urn__values_doubles(a);
        f->doubles[place] = own.out;
        return own.in != NULL || at->size == 0;
    }
    f->doubles[place] = urn__calloc(f->allocator, (size_t)at->size + 1, sizeof(double));
    f->temporary[place] = true;
    if (f->doubles[place] != NULL)
        urn__values_read(a, 0, at->size, f->doubles[place]);
    return f->doubles[place] != NULL;
}

static bool settle_leaf(folding *f, urn__id id, int32_t place)
{
    const urn__values_attr *a = urn__graph_node(f->p->g, id)->attr;
    urn__place *at = &f->p->place[place];
    const bool single = at->visible && converted(f, place);
    if (single)
        at->fixed = a->numbers != NULL
                        ? urn__values_singles(a)
                        : urn__graph_kept(f->p->g, id, 0, f->p->kernels, f->p->precision);
    if (single && at->fixed == NULL && a->numbers != NULL)
        return at->size == 0;
    const bool missing = at->visible && at->fixed == NULL;
    if ((missing || f->last_use[place] >= 0) && !leaf_doubles(f, a, place))
        return false;
    if (!single && at->visible) /* else they may be gone soon */
        at->fixed = f->doubles[place];
    return !single || at->fixed != NULL || settle(f, id, 0, place);
}

static bool settle_leaves(folding *f)
{
    for (urn__id id = 1; id <= urn__graph_count(f->p->g); id++) {
        const int32_t place = f->p->place_of[(size_t)id * URN__MAX_OUT];
        const bool leaf = place != 0 && is_leaf(urn__graph_node(f->p->g, id));
        if (leaf && f->p->place[place].kind == URN__PLACE_FIXED && !settle_leaf(f, id, place))
            return false;
    }
    return true;
}

static void find_kept(folding *f)
{
    for (int i = 0; i < f->n; i++)
        for (int k = 0; k < fold_node(f, i)->n_out; k++) {
            const int32_t place = output_place(f, i, k);
            union {
                const void *in;
                double *out;
            } kept = {.in = urn__graph_kept(f->p->g, f->fold[i], k, f->p->kernels,
                                            f->p->precision)}; /* never written again */
            f->p->place[place].fixed = kept.in;
            f->doubles[place] = converted(f, place) ? NULL : kept.out;
        }
}

urn_status urn__plan_constants(struct urn__plan *p, int n, const urn__id *fold, urn__arena *scratch,
                               urn_error *error)
{
    folding f = {.p = p, .arena = urn__graph_arena(p->g), .n = n, .fold = fold};
    f.allocator = urn__arena_allocator(f.arena);
    const size_t places = (size_t)p->n_places + 1;
    f.wanted = urn__arena_alloc(scratch, (size_t)n + 1, sizeof *f.wanted);
    f.last_use = urn__arena_alloc(scratch, places, sizeof *f.last_use);
    f.doubles = urn__arena_alloc(scratch, places, sizeof *f.doubles);
    f.temporary = urn__arena_alloc(scratch, places, sizeof *f.temporary);
    bool ok = !urn__arena_failed(scratch);
    for (size_t k = 0; ok && k < places; k++)
        f.last_use[k] = -1;
    if (ok) {
        find_kept(&f);
        find_wanted(&f);
        ok = settle_leaves(&f) && compute_wanted(&f);
        for (size_t k = 1; k < places; k++)
            drop_temporary(&f, (int32_t)k);
    }
    return ok ? URN_OK : urn__fail_memory(error, "constants of the model", (size_t)p->fixed);
}
