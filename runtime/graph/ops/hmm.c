/* The forward algorithm: log likelihood of a hidden Markov chain with its states summed out, and
 * its adjoint by one pass backwards (Rabiner 1989), all in logarithms and in double.
 *   l_0[j] = initial[j] + emission[0][j]
 *   l_t[j] = emission[t][j] + log sum_i exp(l_(t-1)[i] + transition[i][j])
 *   result = log sum_j exp(l_(T-1)[j])
 * Inputs: initial [.., k], transition [.., k, k] (from row to column), emission [.., t, k]. The
 * leading dims of the first two are those of the third, or missing. Without any time the result is
 * that of the initial weights. */
#include "convert.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static int64_t states_of(const urn__shape *emission)
{
    return urn__shape_last(emission);
}

static int64_t times_of(const urn__shape *emission)
{
    return emission->dim[emission->n_plates + emission->n_event - 2];
}

static bool leading_fit(const urn__shape *in, int rank, const urn__shape *grid)
{
    const urn__shape own = urn__shape_drop_event(in, rank);
    urn__shape both;
    return urn__shape_broadcast(&own, grid, &both) && urn__shape_equal(&both, grid);
}

static bool hmm_shapes_fit(urn__shape_query *q)
{
    static const int rank[3] = {1, 2, 2};
    static const char *const name[3] = {"initial weights", "transition matrix", "emissions"};
    for (int k = 0; k < 3; k++)
        if (q->in[k]->n_event < rank[k]) {
            (void)snprintf(q->why, q->why_size, "the %s need %d event dims", name[k], rank[k]);
            return false;
        }
    const urn__shape grid = urn__shape_drop_event(q->in[2], 2);
    const urn__shape *transition = q->in[1];
    const int64_t k = states_of(q->in[2]);
    if (urn__shape_last(q->in[0]) != k || urn__shape_last(transition) != k ||
        transition->dim[transition->n_plates + transition->n_event - 2] != k) {
        (void)snprintf(q->why, q->why_size,
                       "the emissions have %lld states; the initial weights and both dims of the "
                       "transition matrix must have as many",
                       (long long)k);
        return false;
    }
    if (leading_fit(q->in[0], 1, &grid) && leading_fit(transition, 2, &grid))
        return true;
    (void)snprintf(q->why, q->why_size, "the leading dims do not fit those of the emissions");
    return false;
}

static bool hmm_forward_shape(urn__shape_query *q)
{
    if (!hmm_shapes_fit(q))
        return false;
    q->out[0] = urn__shape_drop_event(q->in[2], 2);
    return true;
}

/* ---- one chain ---- */

typedef struct chain {
    int64_t k, t;
    const double *initial, *transition, *emission;
    double *level; /* t x k: l */
    double *work;  /* k */
} chain;

static double log_sum_exp(int64_t n, const double *x)
{
    double high = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        high = x[i] > high || isnan(x[i]) ? x[i] : high;
    if (!isfinite(high))
        return high;
    for (int64_t i = 0; i < n; i++)
        sum += exp(x[i] - high);
    return high + log(sum);
}

static double forward(const chain *h)
{
    const int64_t k = h->k;
    for (int64_t t = 0; t < h->t; t++)
        for (int64_t j = 0; j < k; j++) {
            for (int64_t i = 0; t > 0 && i < k; i++)
                h->work[i] = h->level[(t - 1) * k + i] + h->transition[i * k + j];
            const double before = t > 0 ? log_sum_exp(k, h->work) : h->initial[j];
            h->level[t * k + j] = before + h->emission[t * k + j];
        }
    return log_sum_exp(k, h->t > 0 ? h->level + (h->t - 1) * k : h->initial);
}

/* to[i] = d exp(x[i] - total): the adjoint of a log sum of exponentials, added to. */
static void spread(int64_t k, const double *x, double total, double d, double *to)
{
    for (int64_t i = 0; i < k && d != 0.0 && total > -(double)INFINITY; i++)
        to[i] += d * exp(x[i] - total);
}

/* Adjoints, all of them overwritten; `d_level` is t x k, the emissions' own. */
static void backward(const chain *h, double d, double *d_initial, double *d_transition,
                     double *d_level)
{
    const int64_t k = h->k;
    const double total = forward(h);
    memset(d_initial, 0, (size_t)k * sizeof *d_initial);
    memset(d_transition, 0, (size_t)(k * k) * sizeof *d_transition);
    if (h->t == 0) {
        spread(k, h->initial, total, d, d_initial);
        return;
    }
    memset(d_level, 0, (size_t)(h->t * k) * sizeof *d_level);
    spread(k, h->level + (h->t - 1) * k, total, d, d_level + (h->t - 1) * k);
    for (int64_t t = h->t - 1; t > 0; t--)
        for (int64_t j = 0; j < k; j++) {
            const double of = h->level[t * k + j] - h->emission[t * k + j];
            const double d_j = d_level[t * k + j];
            for (int64_t i = 0; i < k && d_j != 0.0; i++) {
                const double share =
                    d_j * exp(h->level[(t - 1) * k + i] + h->transition[i * k + j] - of);
                d_level[(t - 1) * k + i] += share;
                d_transition[i * k + j] += share;
            }
        }
    memcpy(d_initial, d_level, (size_t)k * sizeof *d_initial);
}

/* ---- all of them ---- */

typedef struct hmm_job {
    urn__walk initial, transition;
    int64_t chains, k, t;
} hmm_job;

static hmm_job job_of(const urn__call *c)
{
    const urn__shape grid = urn__shape_drop_event(c->in_shape[2], 2),
                     initial = urn__shape_drop_event(c->in_shape[0], 1),
                     transition = urn__shape_drop_event(c->in_shape[1], 2);
    return (hmm_job){.initial = urn__walk_of(&initial, &grid),
                     .transition = urn__walk_of(&transition, &grid),
                     .chains = urn__shape_size(&grid),
                     .k = states_of(c->in_shape[2]),
                     .t = times_of(c->in_shape[2])};
}

/* Doubles for one chain: levels and work, adjoints, converted inputs. */
static int64_t hmm_scratch(const urn__graph *g, const urn__node *n, int threads)
{
    (void)threads;
    const urn__shape *emission = urn__graph_shape(g, n->in[2]);
    const int64_t k = states_of(emission), t = times_of(emission);
    return t * k + k + (1 + URN__CONVERTED) * (t * k + k * k + k);
}

static chain chain_at(const urn__call *c, const hmm_job *job, int64_t i)
{
    const int64_t k = job->k, t = job->t;
    const urn__real *initial = c->in[0], *transition = c->in[1], *emission = c->in[2];
    double *at = c->exec->scratch + 2 * (t * k + k) + k * k;
    chain h = {.k = k, .t = t, .level = c->exec->scratch, .work = c->exec->scratch + t * k};
    h.initial = doubles_of(k, initial + urn__walk_offset(&job->initial, i) * k, at);
    at += URN__CONVERTED * k;
    h.transition =
        doubles_of(k * k, transition + urn__walk_offset(&job->transition, i) * k * k, at);
    at += URN__CONVERTED * k * k;
    h.emission = doubles_of(t * k, emission + i * t * k, at);
    return h;
}

static void hmm_forward_run(const urn__call *c)
{
    const hmm_job job = job_of(c);
    urn__real *out = c->out[0];
    for (int64_t i = 0; i < job.chains; i++) {
        const chain h = chain_at(c, &job, i);
        out[i] = (urn__real)forward(&h);
    }
}

static void hmm_forward_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                            urn__id *d_in)
{
    const urn__node n = *urn__graph_node(g, y);
    const urn__id in[4] = {n.in[0], n.in[1], n.in[2], d_out[0]};
    const urn__id all = urn__emit(g, &urn__op_hmm_forward_vjp, 4, in, NULL, 0);
    for (int k = 0; all != 0 && k < 3; k++)
        if (wanted[k])
            d_in[k] = urn__sum_to(g, urn__output(g, all, k), urn__graph_shape(g, n.in[k]));
}

/* Several chains share weights: then adjoints come one a chain. */
static urn__id hmm_forward_example(urn__example *e, int variant)
{
    const int64_t n = urn__example_size(e), k = 3;
    const urn__shape many = {.n_plates = 1, .n_event = 2, .plate = {1}, .dim = {n, 4, k}};
    const urn__shape own = {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, k}};
    const urn__shape emission[] = {urn__shape_matrix(n, k), many, many};
    if (variant > 2)
        return 0;
    const urn__shape initial = variant == 2 ? own : urn__shape_vector(k);
    const urn__id in[3] = {urn__example_input(e, initial, URN_DOMAIN_REAL),
                           urn__example_input(e, urn__shape_matrix(k, k), URN_DOMAIN_REAL),
                           urn__example_input(e, emission[variant], URN_DOMAIN_REAL)};
    return urn__emit(urn__example_graph(e), &urn__op_hmm_forward, 3, in, NULL, 0);
}

/* ---- hmm_forward_vjp: the inputs, d -> their adjoints, one a chain ---- */

static urn__shape per_chain(const urn__shape *grid, int n, int64_t d0, int64_t d1)
{
    int64_t dims[URN__MAX_DIMS + 2] = {0};
    for (int i = 0; i < grid->n_event; i++)
        dims[i] = grid->dim[grid->n_plates + i];
    dims[grid->n_event] = d0;
    dims[grid->n_event + n - 1] = n > 1 ? d1 : d0;
    return urn__shape_with_event(grid, grid->n_event + n, dims);
}

static bool hmm_forward_vjp_shape(urn__shape_query *q)
{
    const urn__shape grid = urn__shape_drop_event(q->in[2], 2);
    const int64_t k = states_of(q->in[2]);
    q->out[0] = per_chain(&grid, 1, k, k);
    q->out[1] = per_chain(&grid, 2, k, k);
    q->out[2] = *q->in[2];
    q->n_out = 3;
    return true;
}

static void put(int64_t n, const double *from, void *out, int64_t at)
{
    urn__real *to = out;
    for (int64_t i = 0; to != NULL && i < n; i++)
        to[at + i] = (urn__real)from[i];
}

static void hmm_forward_vjp_run(const urn__call *c)
{
    const hmm_job job = job_of(c);
    const int64_t k = job.k, t = job.t;
    const urn__real *d = c->in[3];
    double *d_initial = c->exec->scratch + t * k + k, *d_transition = d_initial + k;
    double *d_emission = d_transition + k * k;
    for (int64_t i = 0; i < job.chains; i++) {
        const chain h = chain_at(c, &job, i);
        backward(&h, (double)d[i], d_initial, d_transition, d_emission);
        put(k, d_initial, c->out[0], i * k);
        put(k * k, d_transition, c->out[1], i * k * k);
        put(t * k, d_emission, c->out[2], i * t * k);
    }
}

const urn__op URN__OP(hmm_forward) = {.name = "hmm_forward",
                                      .arity = 3,
                                      .shape = hmm_forward_shape,
                                      .run = hmm_forward_run,
                                      .scratch = hmm_scratch,
                                      .vjp = hmm_forward_vjp,
                                      .example = hmm_forward_example};
const urn__op URN__OP(hmm_forward_vjp) = {.name = "hmm_forward_vjp",
                                          .arity = 4,
                                          .flags = URN__OP_NOT_DIFFERENTIABLE,
                                          .shape = hmm_forward_vjp_shape,
                                          .run = hmm_forward_vjp_run,
                                          .scratch = hmm_scratch};
