/* Elementwise ops on broadcast inputs, and their adjoints. */
#include "../graph.h"
#include <math.h>
#include <stdio.h>

/* ---- kernels ---- */

typedef struct map_job {
    const urn__call *call;
    urn__walk walk[2];
    int64_t n;
    bool direct; /* one call of the kernel does it: */
    void (*map1)(int64_t n, const urn__real *x, urn__real *y);
    void (*map2)(int64_t n, const urn__real *a, int64_t stride_a, const urn__real *b,
                 int64_t stride_b, urn__real *y);
} map_job;

/* Pointer and stride of input k for elements [from, from + n); general walks go through `buffer`.
 */
static const urn__real *block_input(const map_job *job, int k, int64_t from, int64_t n,
                                    urn__real *buffer, int64_t *stride)
{
    const urn__walk *w = &job->walk[k];
    const urn__real *x = job->call->in[k];
    *stride = w->kind == URN__WALK_SCALAR ? 0 : 1;
    if (w->kind == URN__WALK_FULL)
        return x + from;
    if (w->kind == URN__WALK_SCALAR)
        return x;
    URN__REAL(walk_expand)(w, x, from, n, buffer);
    return buffer;
}

static int64_t chunk_length(const map_job *job, int64_t chunk)
{
    const int64_t left = job->n - chunk * URN__CHUNK;
    return left < URN__CHUNK ? left : URN__CHUNK;
}

static void map1_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const map_job *job = context;
    const urn__call *c = job->call;
    const int64_t from = chunk * URN__CHUNK;
    const urn__real *x = c->in[0];
    urn__real *y = c->out[0];
    job->map1(chunk_length(job, chunk), x + from, y + from);
}

static void map2_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const map_job *job = context;
    const urn__call *c = job->call;
    urn__real buffer[2][URN__BLOCK], *y = c->out[0];
    const int64_t end = chunk * URN__CHUNK + chunk_length(job, chunk);
    for (int64_t from = chunk * URN__CHUNK; from < end; from += URN__BLOCK) {
        const int64_t n = end - from < URN__BLOCK ? end - from : URN__BLOCK;
        int64_t stride[2];
        const urn__real *a = block_input(job, 0, from, n, buffer[0], &stride[0]);
        const urn__real *b = block_input(job, 1, from, n, buffer[1], &stride[1]);
        job->map2(n, a, stride[0], b, stride[1], y + from);
    }
}

static void map_prepare(const urn__call *c)
{
    map_job *job = c->state;
    job->call = c;
    job->n = urn__shape_size(c->out_shape);
    job->direct = job->n <= URN__CHUNK;
    for (int k = 0; k < c->n_in; k++) {
        job->walk[k] = urn__walk_of(c->in_shape[k], c->out_shape);
        job->direct = job->direct && job->walk[k].kind != URN__WALK_GENERAL;
    }
    if (c->n_in == 1)
        job->map1 = urn__exec_kernels(c->exec)->map1[c->node->op->map];
    else
        job->map2 = urn__exec_kernels(c->exec)->map2[c->node->op->map];
}

static void map_run(const urn__call *c)
{
    map_job *job = c->state;
    if (job->direct) {
        if (c->n_in == 1)
            job->map1(job->n, c->in[0], c->out[0]);
        else
            job->map2(job->n, c->in[0], job->walk[0].kind == URN__WALK_FULL, c->in[1],
                      job->walk[1].kind == URN__WALK_FULL, c->out[0]);
        return;
    }
    const int64_t chunks = (job->n + URN__CHUNK - 1) / URN__CHUNK;
    urn__each_chunk(c->exec, chunks, c->n_in == 1 ? map1_chunk : map2_chunk, job);
}

static bool same_shape(urn__shape_query *q)
{
    q->out[0] = *q->in[0];
    return true;
}

static bool broadcast_shape(urn__shape_query *q)
{
    if (urn__shape_broadcast(q->in[0], q->in[1], &q->out[0]))
        return true;
    const bool plates = urn__shape_plates_within(q->in[0], q->in[1]) ||
                        urn__shape_plates_within(q->in[1], q->in[0]);
    (void)snprintf(q->why, q->why_size,
                   plates ? "the event dims do not match; they must be equal, or 1, from the right"
                          : "the plates mix; one side's plates must be among the other's "
                            "(gather one through an index, or nest the plates)");
    return false;
}

/* ---- adjoints ---- */

static urn__id in0(urn__graph *g, urn__id node)
{
    return urn__graph_node(g, node)->in[0];
}

static urn__id mul(urn__graph *g, urn__id a, urn__id b)
{
    return urn__times(g, a, b);
}

#define VJP1(name, expression)                                                                     \
    static void name##_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,     \
                           urn__id *d_in)                                                          \
    {                                                                                              \
        (void)wanted;                                                                              \
        const urn__id d = d_out[0], x = in0(g, y);                                                 \
        (void)x;                                                                                   \
        d_in[0] = (expression);                                                                    \
    }

static urn__id one_minus_square(urn__graph *g, urn__id y)
{
    return urn__emit2(g, &urn__op_sub, urn__number(g, 1), urn__emit1(g, &urn__op_square, y));
}

static urn__id erf_slope(urn__graph *g, urn__id x)
{
    const urn__id minus = urn__emit1(g, &urn__op_neg, urn__emit1(g, &urn__op_square, x));
    return mul(g, urn__number(g, 1.1283791670955125739), urn__emit1(g, &urn__op_exp, minus));
}

VJP1(neg, urn__negate(g, d))
VJP1(exp, mul(g, d, y))
VJP1(log, urn__emit2(g, &urn__op_div, d, x))
VJP1(log1p, urn__emit2(g, &urn__op_div, d, urn__plus(g, x, urn__number(g, 1))))
VJP1(expm1, mul(g, d, urn__plus(g, y, urn__number(g, 1))))
VJP1(sqrt, urn__emit2(g, &urn__op_div, mul(g, d, urn__number(g, 0.5)), y))
VJP1(square, mul(g, d, mul(g, urn__number(g, 2), x)))
VJP1(reciprocal, urn__emit1(g, &urn__op_neg, mul(g, d, urn__emit1(g, &urn__op_square, y))))
VJP1(abs, mul(g, d, urn__emit1(g, &urn__op_sign, x)))
VJP1(sigmoid, mul(g, d, mul(g, y, urn__emit2(g, &urn__op_sub, urn__number(g, 1), y))))
VJP1(softplus, mul(g, d, urn__emit1(g, &urn__op_sigmoid, x)))
VJP1(tanh, mul(g, d, one_minus_square(g, y)))
VJP1(sin, mul(g, d, urn__emit1(g, &urn__op_cos, x)))
VJP1(cos, urn__emit1(g, &urn__op_neg, mul(g, d, urn__emit1(g, &urn__op_sin, x))))
VJP1(lgamma, mul(g, d, urn__emit1(g, &urn__op_digamma, x)))
VJP1(digamma, mul(g, d, urn__emit1(g, &urn__op_trigamma, x)))
VJP1(erf, mul(g, d, erf_slope(g, x)))
VJP1(relu, mul(g, d, urn__emit1(g, &urn__op_step, x)))

static urn__id log1m_exp_slope(urn__graph *g, urn__id x)
{
    const urn__id inverse = urn__emit1(g, &urn__op_expm1, urn__emit1(g, &urn__op_neg, x));
    return urn__emit1(g, &urn__op_neg, urn__emit1(g, &urn__op_reciprocal, inverse));
}

/* exp(-x^2 / 2 - log sqrt(2 pi) - y): y is the logarithm to be divided by, or 0 for none. */
static urn__id normal_slope(urn__graph *g, urn__id x, urn__id y)
{
    const urn__id half = mul(g, urn__number(g, -0.5), urn__emit1(g, &urn__op_square, x));
    const urn__id shift = urn__number(g, -0.91893853320467274178);
    const urn__id less = y == 0 ? shift : urn__emit2(g, &urn__op_sub, shift, y);
    return urn__emit1(g, &urn__op_exp, urn__plus(g, half, less));
}

VJP1(log1m_exp, mul(g, d, log1m_exp_slope(g, x)))
VJP1(phi, mul(g, d, normal_slope(g, x, 0)))
VJP1(log_phi, mul(g, d, normal_slope(g, x, y)))

static void zero_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                     urn__id *d_in)
{
    (void)g, (void)y, (void)d_out, (void)wanted;
    d_in[0] = 0;
}

/* Hands adjoints of full shape to the broadcast inputs. */
static void give2(urn__graph *g, urn__id y, const bool *wanted, urn__id d_a, urn__id d_b,
                  urn__id *d_in)
{
    const urn__id in[2] = {urn__graph_node(g, y)->in[0], urn__graph_node(g, y)->in[1]};
    const urn__id d[2] = {d_a, d_b};
    for (int k = 0; k < 2; k++)
        if (wanted[k])
            d_in[k] = urn__sum_to(g, d[k], urn__graph_shape(g, in[k]));
}

static void add_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    give2(g, y, wanted, d_out[0], d_out[0], d_in);
}

static void sub_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    const urn__id d_b = wanted[1] ? urn__negate(g, d_out[0]) : 0;
    give2(g, y, wanted, d_out[0], d_b, d_in);
}

static void mul_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    const urn__id a = urn__graph_node(g, y)->in[0], b = urn__graph_node(g, y)->in[1];
    const urn__id d_a = wanted[0] ? mul(g, d_out[0], b) : 0;
    const urn__id d_b = wanted[1] ? mul(g, d_out[0], a) : 0;
    give2(g, y, wanted, d_a, d_b, d_in);
}

static void div_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    const urn__id b = urn__graph_node(g, y)->in[1];
    const urn__id d_a = urn__emit2(g, &urn__op_div, d_out[0], b);
    const urn__id d_b = wanted[1] ? urn__emit1(g, &urn__op_neg, mul(g, d_a, y)) : 0;
    give2(g, y, wanted, d_a, d_b, d_in);
}

static void pow_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                    urn__id *d_in)
{
    const urn__id a = urn__graph_node(g, y)->in[0], b = urn__graph_node(g, y)->in[1];
    const urn__id d_y = mul(g, d_out[0], y);
    const urn__id d_a = wanted[0] ? mul(g, d_y, urn__emit2(g, &urn__op_div, b, a)) : 0;
    const urn__id d_b = wanted[1] ? mul(g, d_y, urn__emit1(g, &urn__op_log, a)) : 0;
    give2(g, y, wanted, d_a, d_b, d_in);
}

/* The one that is given has the slope; where both are the same, b. */
static void choice_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                       urn__id first_is_given, urn__id *d_in)
{
    const urn__id second = urn__emit2(g, &urn__op_sub, urn__number(g, 1), first_is_given);
    give2(g, y, wanted, mul(g, d_out[0], first_is_given), mul(g, d_out[0], second), d_in);
}

static void maximum_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    const urn__id a = urn__graph_node(g, y)->in[0], b = urn__graph_node(g, y)->in[1];
    const urn__id above = urn__emit1(g, &urn__op_step, urn__emit2(g, &urn__op_sub, a, b));
    choice_vjp(g, y, d_out, wanted, above, d_in);
}

static void minimum_vjp(urn__graph *g, urn__id y, const urn__id *d_out, const bool *wanted,
                        urn__id *d_in)
{
    const urn__id a = urn__graph_node(g, y)->in[0], b = urn__graph_node(g, y)->in[1];
    const urn__id below = urn__emit1(g, &urn__op_step, urn__emit2(g, &urn__op_sub, b, a));
    choice_vjp(g, y, d_out, wanted, below, d_in);
}

/* ---- examples ---- */

static urn__id example1(urn__example *e, int variant, const urn__op *op, urn_domain domain)
{
    if (variant > 2)
        return 0;
    const int64_t n = urn__example_size(e);
    const urn__shape shape = variant == 2 ? urn__shape_matrix(n, 3) : urn__shape_vector(n);
    return urn__emit1(urn__example_graph(e), op, urn__example_input(e, shape, domain));
}

static urn__id example2(urn__example *e, int variant, const urn__op *op, urn_domain domain)
{
    const int64_t n = urn__example_size(e);
    const urn__shape rows = {.n_plates = 1, .n_event = 1, .plate = {1}, .dim = {n, 3}};
    const urn__shape shape[][2] = {
        {urn__shape_vector(n), urn__shape_vector(n)},
        {urn__shape_vector(n), urn__shape_scalar()},
        {urn__shape_scalar(), urn__shape_vector(n)},
        {urn__shape_matrix(n, 3), urn__shape_vector(3)},
        {rows, urn__shape_vector(3)},
        {urn__shape_plates_of(&rows), urn__shape_plates_of(&rows)},
        {urn__shape_matrix(n, 1), urn__shape_matrix(1, 3)},
    };
    if (variant >= (int)(sizeof shape / sizeof shape[0]))
        return 0;
    const urn__id a = urn__example_input(e, shape[variant][0], domain);
    const urn__id b = urn__example_input(e, shape[variant][1], domain);
    return urn__emit2(urn__example_graph(e), op, a, b);
}

#define MAP1(op_name, kind, linear_mask, vjp_function, domain)                                     \
    static urn__id op_name##_example(urn__example *e, int variant)                                 \
    {                                                                                              \
        return example1(e, variant, &urn__op_##op_name, domain);                                   \
    }                                                                                              \
    const urn__op URN__OP(op_name) = {.name = #op_name,                                            \
                                      .arity = 1,                                                  \
                                      .flags = URN__OP_ELEMENTWISE,                                \
                                      .linear = (linear_mask),                                     \
                                      .map = (kind),                                               \
                                      .shape = same_shape,                                         \
                                      .run = map_run,                                              \
                                      .state_size = sizeof(map_job),                               \
                                      .prepare = map_prepare,                                      \
                                      .vjp = (vjp_function),                                       \
                                      .example = op_name##_example};

#define MAP2(op_name, kind, linear_mask, domain)                                                   \
    static urn__id op_name##_example(urn__example *e, int variant)                                 \
    {                                                                                              \
        return example2(e, variant, &urn__op_##op_name, domain);                                   \
    }                                                                                              \
    const urn__op URN__OP(op_name) = {.name = #op_name,                                            \
                                      .arity = 2,                                                  \
                                      .flags = URN__OP_ELEMENTWISE,                                \
                                      .linear = (linear_mask),                                     \
                                      .map = (kind),                                               \
                                      .shape = broadcast_shape,                                    \
                                      .run = map_run,                                              \
                                      .state_size = sizeof(map_job),                               \
                                      .prepare = map_prepare,                                      \
                                      .vjp = op_name##_vjp,                                        \
                                      .example = op_name##_example};

MAP1(neg, URN__MAP_NEG, 1, neg_vjp, URN_DOMAIN_REAL)
MAP1(exp, URN__MAP_EXP, 0, exp_vjp, URN_DOMAIN_REAL)
MAP1(log, URN__MAP_LOG, 0, log_vjp, URN_DOMAIN_POSITIVE)
MAP1(log1p, URN__MAP_LOG1P, 0, log1p_vjp, URN_DOMAIN_POSITIVE)
MAP1(expm1, URN__MAP_EXPM1, 0, expm1_vjp, URN_DOMAIN_REAL)
MAP1(sqrt, URN__MAP_SQRT, 0, sqrt_vjp, URN_DOMAIN_POSITIVE)
MAP1(square, URN__MAP_SQUARE, 0, square_vjp, URN_DOMAIN_REAL)
MAP1(reciprocal, URN__MAP_RECIPROCAL, 0, reciprocal_vjp, URN_DOMAIN_POSITIVE)
MAP1(abs, URN__MAP_ABS, 0, abs_vjp, URN_DOMAIN_POSITIVE)
MAP1(sigmoid, URN__MAP_SIGMOID, 0, sigmoid_vjp, URN_DOMAIN_REAL)
MAP1(softplus, URN__MAP_SOFTPLUS, 0, softplus_vjp, URN_DOMAIN_REAL)
MAP1(tanh, URN__MAP_TANH, 0, tanh_vjp, URN_DOMAIN_REAL)
MAP1(sin, URN__MAP_SIN, 0, sin_vjp, URN_DOMAIN_REAL)
MAP1(cos, URN__MAP_COS, 0, cos_vjp, URN_DOMAIN_REAL)
MAP1(lgamma, URN__MAP_LGAMMA, 0, lgamma_vjp, URN_DOMAIN_POSITIVE)
MAP1(digamma, URN__MAP_DIGAMMA, 0, digamma_vjp, URN_DOMAIN_POSITIVE)
MAP1(erf, URN__MAP_ERF, 0, erf_vjp, URN_DOMAIN_REAL)
MAP1(relu, URN__MAP_RELU, 0, relu_vjp, URN_DOMAIN_REAL)
MAP1(sign, URN__MAP_SIGN, 0, zero_vjp, URN_DOMAIN_POSITIVE)
MAP1(step, URN__MAP_STEP, 0, zero_vjp, URN_DOMAIN_POSITIVE)
MAP1(phi, URN__MAP_PHI, 0, phi_vjp, URN_DOMAIN_REAL)
MAP1(log_phi, URN__MAP_LOG_PHI, 0, log_phi_vjp, URN_DOMAIN_REAL)
MAP2(add, URN__MAP_ADD, 0, URN_DOMAIN_REAL)
MAP2(sub, URN__MAP_SUB, 0, URN_DOMAIN_REAL)
MAP2(mul, URN__MAP_MUL, 3, URN_DOMAIN_REAL)
MAP2(div, URN__MAP_DIV, 1, URN_DOMAIN_POSITIVE)
MAP2(pow, URN__MAP_POW, 0, URN_DOMAIN_POSITIVE)
MAP2(maximum, URN__MAP_MAXIMUM, 0, URN_DOMAIN_REAL)
MAP2(minimum, URN__MAP_MINIMUM, 0, URN_DOMAIN_REAL)

/* Of negative numbers. */
static urn__id log1m_exp_example(urn__example *e, int variant)
{
    const urn__id x = example1(e, variant, &urn__op_neg, URN_DOMAIN_POSITIVE);
    return x == 0 ? 0 : urn__emit1(urn__example_graph(e), &urn__op_log1m_exp, x);
}

const urn__op URN__OP(log1m_exp) = {.name = "log1m_exp",
                                    .arity = 1,
                                    .flags = URN__OP_ELEMENTWISE,
                                    .map = URN__MAP_LOG1M_EXP,
                                    .shape = same_shape,
                                    .run = map_run,
                                    .state_size = sizeof(map_job),
                                    .prepare = map_prepare,
                                    .vjp = log1m_exp_vjp,
                                    .example = log1m_exp_example};

/* The polygamma chain ends here: a second derivative of lgamma is as far as any family goes. */
const urn__op URN__OP(trigamma) = {.name = "trigamma",
                                   .arity = 1,
                                   .flags = URN__OP_ELEMENTWISE | URN__OP_NOT_DIFFERENTIABLE,
                                   .map = URN__MAP_TRIGAMMA,
                                   .shape = same_shape,
                                   .run = map_run,
                                   .state_size = sizeof(map_job),
                                   .prepare = map_prepare};
