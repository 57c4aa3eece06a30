/* The sweeps over a diagonal normal guide and the optimisers: each reads and writes its arrays
 * once. */
#include "kernels.h"
#include "vmath.h"

#include <string.h>

URN__INLINE void sample_whole(int64_t n, const double *restrict loc,
                              const double *restrict log_scale, const double *restrict eps,
                              double *restrict scale_out, double *restrict z)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++) {
        const double scale = exp(log_scale[i]);
        scale_out[i] = scale;
        z[i] = loc[i] + scale * eps[i];
    }
}

void URN__KERNEL(guide_sample)(int64_t n, const double *loc, const double *log_scale,
                               const double *eps, double *scale_out, double *z)
{
    const int64_t whole = URN__WHOLE(n);
    sample_whole(whole, loc, log_scale, eps, scale_out, z);
    if (whole == n)
        return;
    /* The rest is padded to a vector: the scalar exp could differ by an ulp from the vector one. */
    double pad[3][URN__LANES] = {{0.0}}, pad_scale[URN__LANES], pad_z[URN__LANES];
    const size_t bytes = (size_t)(n - whole) * sizeof *z;
    memcpy(pad[0], loc + whole, bytes);
    memcpy(pad[1], log_scale + whole, bytes);
    memcpy(pad[2], eps + whole, bytes);
    sample_whole(URN__LANES, pad[0], pad[1], pad[2], pad_scale, pad_z);
    memcpy(scale_out + whole, pad_scale, bytes);
    memcpy(z + whole, pad_z, bytes);
}

/* Adam's constants in the form the loops use. */
typedef struct adam_step {
    double beta1, beta2, rest1, rest2; /* rest: 1 - beta */
    double rate;                       /* lr / correction1 */
    double root;                       /* 1 / sqrt(correction2) */
    double epsilon, keep;              /* keep: 1 - lr * weight_decay */
} adam_step;

URN__INLINE adam_step step_of(const urn__adam *adam)
{
    return (adam_step){.beta1 = adam->beta1,
                       .beta2 = adam->beta2,
                       .rest1 = 1.0 - adam->beta1,
                       .rest2 = 1.0 - adam->beta2,
                       .rate = adam->lr / adam->correction1,
                       .root = 1.0 / sqrt(adam->correction2),
                       .epsilon = adam->epsilon,
                       .keep = 1.0 - adam->lr * adam->weight_decay};
}

/* One parameter's step (Kingma and Ba, 2015; decay as in Loshchilov and Hutter, 2019). */
URN__INLINE void adam_one(const adam_step *s, double g, double *m, double *v, double *p)
{
    *m = s->beta1 * *m + s->rest1 * g;
    *v = s->beta2 * *v + s->rest2 * (g * g);
    *p = s->keep * *p - s->rate * *m / (sqrt(*v) * s->root + s->epsilon);
}

void URN__KERNEL(adam)(int64_t n, const urn__adam *adam, const double *restrict g,
                       double *restrict m, double *restrict v, double *restrict p)
{
    const adam_step s = step_of(adam);
    URN__SIMD
    for (int64_t i = 0; i < n; i++)
        adam_one(&s, g[i], &m[i], &v[i], &p[i]);
}

void URN__KERNEL(momentum)(int64_t n, double lr, double momentum, const double *restrict g,
                           double *restrict velocity, double *restrict p)
{
    URN__SIMD
    for (int64_t i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + g[i];
        p[i] -= lr * velocity[i];
    }
}

/* With z = loc + scale * eps, the loss -(log p(z) + sum of log scales + constant) * factor has the
 * gradients below, g being that of log p. */
void URN__KERNEL(guide_adam)(int64_t n, const urn__adam *adam, double factor,
                             const double *restrict g, const double *restrict eps,
                             const double *restrict scale, double *restrict loc,
                             double *restrict m_loc, double *restrict v_loc,
                             double *restrict log_scale, double *restrict m_scale,
                             double *restrict v_scale)
{
    const adam_step s = step_of(adam);
    URN__SIMD
    for (int64_t i = 0; i < n; i++) {
        const double d_loc = -factor * g[i];
        const double d_log_scale = d_loc * eps[i] * scale[i] - factor;
        adam_one(&s, d_loc, &m_loc[i], &v_loc[i], &loc[i]);
        adam_one(&s, d_log_scale, &m_scale[i], &v_scale[i], &log_scale[i]);
    }
}
