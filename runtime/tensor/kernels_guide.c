/* The sweeps over a diagonal normal guide and the optimisers: each reads and writes its arrays
 * once. */
#include "normals.h"
#include "vmath.h"

#define PAIR (2 * URN__REGISTER_LANES)

/* Draws, whole registers of them. */
static __attribute__((noinline)) void sample_whole(int64_t n, const urn__real *restrict loc,
                                                   const urn__real *restrict log_scale,
                                                   const urn__real *restrict eps,
                                                   urn__real *restrict z)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        z[i] = loc[i] + urn__exp_real(log_scale[i]) * eps[i];
}

/* Adds the sum of the log scales and that of eps^2; n is whole registers, a block at most, which
 * may be summed in the kernels' own type. */
URN__INLINE void add_sums(int64_t n, const urn__real *log_scale, const urn__real *eps,
                          double sums[2])
{
    enum { SETS = 2 };
    urn__reals logs[SETS] = {{0}}, squares[SETS] = {{0}}, x, y;
    for (int64_t i = 0; i < n; i += SETS * URN__REGISTER_LANES) {
        URN__UNROLL
        for (int k = 0; k < SETS; k++) {
            memcpy(&x, log_scale + i + k * URN__REGISTER_LANES, sizeof x);
            memcpy(&y, eps + i + k * URN__REGISTER_LANES, sizeof y);
            logs[k] += x;
            squares[k] += y * y;
        }
    }
    logs[0] += logs[1];
    squares[0] += squares[1];
    for (int l = 0; l < URN__REGISTER_LANES; l++) {
        sums[0] += (double)logs[0][l];
        sums[1] += (double)squares[0][l];
    }
}

/* One block's normals, which are there up to the block's end. */
static void sample_block(int64_t n, const urn__real *loc, const urn__real *log_scale,
                         urn__real *eps, urn__real *z, double sums[2])
{
    const int64_t whole = n / PAIR * PAIR;
    sample_whole(whole, loc, log_scale, eps, z);
    add_sums(whole, log_scale, eps, sums);
    if (whole == n)
        return;
    /* The rest is padded to a vector: the scalar exp could differ by an ulp from the vector one. */
    urn__real pad[2][PAIR] = {{0}}, pad_z[PAIR];
    const size_t bytes = (size_t)(n - whole) * sizeof *z;
    memcpy(pad[0], loc + whole, bytes);
    memcpy(pad[1], log_scale + whole, bytes);
    for (int64_t i = n; i < whole + PAIR; i++)
        eps[i] = 0;
    sample_whole(PAIR, pad[0], pad[1], eps + whole, pad_z);
    add_sums(PAIR, pad[1], eps + whole, sums);
    memcpy(z + whole, pad_z, bytes);
}

void URN__KERNEL(guide_sample)(const urn__stream *stream, int64_t first, int64_t n,
                               const urn__real *loc, const urn__real *log_scale, urn__real *z,
                               double sums[2])
{
    urn__real eps[URN__NORMAL_BLOCK] __attribute__((aligned(64)));
    urn__normal_lanes l;
    urn__normals_start(&l, stream, (uint64_t)first);
    sums[0] = sums[1] = 0.0;
    for (int64_t from = 0; from < n; from += URN__NORMAL_BLOCK) {
        const int64_t part = n - from < URN__NORMAL_BLOCK ? n - from : URN__NORMAL_BLOCK;
        urn__normals_block(&l, eps);
        sample_block(part, loc + from, log_scale + from, eps, z + from, sums);
    }
}

/* Adam's constants in the form the loops use. */
typedef struct adam_step {
    urn__real beta1, beta2, rest1, rest2; /* rest: 1 - beta */
    urn__real rate;                       /* lr / correction1 */
    urn__real root;                       /* 1 / sqrt(correction2) */
    urn__real epsilon, keep;              /* keep: 1 - lr * weight_decay */
} adam_step;

URN__INLINE adam_step step_of(const urn__adam *adam)
{
    return (adam_step){.beta1 = (urn__real)adam->beta1,
                       .beta2 = (urn__real)adam->beta2,
                       .rest1 = (urn__real)(1.0 - adam->beta1),
                       .rest2 = (urn__real)(1.0 - adam->beta2),
                       .rate = (urn__real)(adam->lr / adam->correction1),
                       .root = (urn__real)(1.0 / sqrt(adam->correction2)),
                       .epsilon = (urn__real)adam->epsilon,
                       .keep = (urn__real)(1.0 - adam->lr * adam->weight_decay)};
}

/* A register of parameters' steps (Kingma and Ba, 2015; decay as in Loshchilov and Hutter, 2019).
 * The root is the processor's, or Newton's: AVX-512's divider is slow, and is better shared. */
URN__INLINE void adam_step_of(const adam_step *s, bool newton, urn__reals g, urn__real *m_at,
                              urn__real *v_at, urn__real *p_at)
{
    urn__reals m, v, p, root;
    memcpy(&m, m_at, sizeof m);
    memcpy(&v, v_at, sizeof v);
    memcpy(&p, p_at, sizeof p);
    m = s->beta1 * m + s->rest1 * g;
    v = s->beta2 * v + s->rest2 * (g * g);
    if (newton)
        urn__roots_up_to_max(&v, &root);
    else
        urn__roots_exact(&v, &root);
    p = s->keep * p - s->rate * m / (root * s->root + s->epsilon);
    memcpy(m_at, &m, sizeof m);
    memcpy(v_at, &v, sizeof v);
    memcpy(p_at, &p, sizeof p);
}

/* Sweeps over whole registers are functions of their own, compiled once: a second copy for the rest
 * of a range might round differently. */
#define SWEEP static __attribute__((noinline)) void

SWEEP adam_whole(int64_t n, const adam_step *s, const urn__real *g, urn__real *m, urn__real *v,
                 urn__real *p)
{
    const adam_step step = *s;
    for (int64_t i = 0; i < n; i += URN__REGISTER_LANES) {
        urn__reals slope;
        memcpy(&slope, g + i, sizeof slope);
        adam_step_of(&step, false, slope, m + i, v + i, p + i);
    }
}

/* The numbers left over, in registers of their own. */
typedef struct rest {
    urn__real x[URN__REGISTER_LANES];
} rest;

URN__INLINE rest rest_of(const urn__real *x, int64_t n)
{
    rest r = {{0}};
    memcpy(r.x, x, (size_t)n * sizeof *x);
    return r;
}

void URN__KERNEL(adam)(int64_t n, const urn__adam *adam, const urn__real *g, urn__real *m,
                       urn__real *v, urn__real *p)
{
    const adam_step s = step_of(adam);
    const int64_t whole = n / URN__REGISTER_LANES * URN__REGISTER_LANES, left = n - whole;
    const size_t bytes = (size_t)left * sizeof *g;
    adam_whole(whole, &s, g, m, v, p);
    if (left == 0)
        return;
    const rest last_g = rest_of(g + whole, left);
    rest last_m = rest_of(m + whole, left), last_v = rest_of(v + whole, left);
    rest last_p = rest_of(p + whole, left);
    adam_whole(URN__REGISTER_LANES, &s, last_g.x, last_m.x, last_v.x, last_p.x);
    memcpy(m + whole, last_m.x, bytes);
    memcpy(v + whole, last_v.x, bytes);
    memcpy(p + whole, last_p.x, bytes);
}

void URN__KERNEL(momentum)(int64_t n, double lr, double momentum, const urn__real *restrict g,
                           urn__real *restrict velocity, urn__real *restrict p)
{
    const urn__real rate = (urn__real)lr, keep = (urn__real)momentum;
    URN__SIMD
    for (int64_t i = 0; i < n; i++) {
        velocity[i] = keep * velocity[i] + g[i];
        p[i] -= rate * velocity[i];
    }
}

/* One side of the guide: locations or log scales, and their optimiser's memory. */
typedef struct side {
    urn__real *p, *m, *v;
} side;

/* What the loss is made of: -(log p(z) + weight * entropy) * factor. */
typedef struct loss {
    urn__real factor, entropy; /* factor * weight */
} loss;

/* At a draw z = loc + scale * eps, the loss -(log p(z) + sum of log scales + constant) * factor has
 * the gradients below, g being that of log p. */
SWEEP guide_whole(int64_t n, const adam_step *s, loss of, const urn__real *g, const urn__real *z,
                  const side *loc, const side *scale)
{
    const adam_step step = *s;
    const side l = *loc, k = *scale;
    const bool newton = URN_CPU == 2 && sizeof(urn__real) == sizeof(double);
    for (int64_t i = 0; i < n; i += URN__REGISTER_LANES) {
        urn__reals slope, draw, center;
        memcpy(&slope, g + i, sizeof slope);
        memcpy(&draw, z + i, sizeof draw);
        memcpy(&center, l.p + i, sizeof center);
        const urn__reals d_loc = -of.factor * slope;
        const urn__reals d_scale = d_loc * (draw - center) - of.entropy;
        adam_step_of(&step, false, d_loc, l.m + i, l.v + i, l.p + i);
        adam_step_of(&step, newton, d_scale, k.m + i, k.v + i, k.p + i);
    }
}

void URN__KERNEL(guide_adam)(int64_t n, const urn__adam *adam, double factor, double weight,
                             const urn__real *g, const urn__real *z, urn__real *loc,
                             urn__real *m_loc, urn__real *v_loc, urn__real *log_scale,
                             urn__real *m_scale, urn__real *v_scale)
{
    const adam_step s = step_of(adam);
    const loss of = {(urn__real)factor, (urn__real)(factor * weight)};
    const int64_t whole = n / URN__REGISTER_LANES * URN__REGISTER_LANES, left = n - whole;
    const side l = {loc, m_loc, v_loc}, k = {log_scale, m_scale, v_scale};
    guide_whole(whole, &s, of, g, z, &l, &k);
    if (left == 0)
        return;
    urn__real *const from[] = {loc, m_loc, v_loc, log_scale, m_scale, v_scale};
    const rest last_g = rest_of(g + whole, left), last_z = rest_of(z + whole, left);
    rest last[6];
    for (int a = 0; a < 6; a++)
        last[a] = rest_of(from[a] + whole, left);
    guide_whole(URN__REGISTER_LANES, &s, of, last_g.x, last_z.x,
                &(side){last[0].x, last[1].x, last[2].x}, &(side){last[3].x, last[4].x, last[5].x});
    for (int a = 0; a < 6; a++)
        memcpy(from[a] + whole, last[a].x, (size_t)left * sizeof *g);
}
