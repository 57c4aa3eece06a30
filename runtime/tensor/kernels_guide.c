/* The sweeps over a diagonal normal guide and the optimisers: each reads and writes its arrays
 * once. */
#include "normals.h"

URN__INLINE void sample_whole(int64_t n, const urn__real *restrict loc,
                              const urn__real *restrict log_scale, const urn__real *restrict eps,
                              urn__real *restrict z)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        z[i] = loc[i] + urn__exp_real(log_scale[i]) * eps[i];
}

/* One block's normals. */
static void sample_block(int64_t n, const urn__real *loc, const urn__real *log_scale,
                         const urn__real *eps, urn__real *z)
{
    const int64_t whole = URN__WHOLE(n);
    sample_whole(whole, loc, log_scale, eps, z);
    if (whole == n)
        return;
    /* The rest is padded to a vector: the scalar exp could differ by an ulp from the vector one. */
    urn__real pad[2][URN__LANES] = {{0}}, pad_z[URN__LANES];
    const size_t bytes = (size_t)(n - whole) * sizeof *z;
    memcpy(pad[0], loc + whole, bytes);
    memcpy(pad[1], log_scale + whole, bytes);
    sample_whole(URN__LANES, pad[0], pad[1], eps + whole, pad_z);
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
        sample_block(part, loc + from, log_scale + from, eps, z + from);
        sums[0] += URN__KERNEL(sum)(part, log_scale + from);
        sums[1] += URN__KERNEL(dot)(part, eps, eps);
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

/* One parameter's step (Kingma and Ba, 2015; decay as in Loshchilov and Hutter, 2019). */
URN__INLINE void adam_one(const adam_step *s, urn__real g, urn__real *m, urn__real *v, urn__real *p)
{
    *m = s->beta1 * *m + s->rest1 * g;
    *v = s->beta2 * *v + s->rest2 * (g * g);
    *p = s->keep * *p - s->rate * *m / (urn__sqrt_real(*v) * s->root + s->epsilon);
}

void URN__KERNEL(adam)(int64_t n, const urn__adam *adam, const urn__real *restrict g,
                       urn__real *restrict m, urn__real *restrict v, urn__real *restrict p)
{
    const adam_step s = step_of(adam);
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        adam_one(&s, g[i], &m[i], &v[i], &p[i]);
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

/* At a draw z = loc + scale * eps, the loss -(log p(z) + sum of log scales + constant) * factor has
 * the gradients below, g being that of log p. */
void URN__KERNEL(guide_adam)(int64_t n, const urn__adam *adam, double factor,
                             const urn__real *restrict g, const urn__real *restrict z,
                             urn__real *restrict loc, urn__real *restrict m_loc,
                             urn__real *restrict v_loc, urn__real *restrict log_scale,
                             urn__real *restrict m_scale, urn__real *restrict v_scale)
{
    const adam_step s = step_of(adam);
    const urn__real share = (urn__real)factor;
    URN__SIMD
    for (int64_t i = 0; i < n; i++) {
        const urn__real d_loc = -share * g[i];
        const urn__real d_log_scale = d_loc * (z[i] - loc[i]) - share;
        adam_one(&s, d_loc, &m_loc[i], &v_loc[i], &loc[i]);
        adam_one(&s, d_log_scale, &m_scale[i], &v_scale[i], &log_scale[i]);
    }
}
