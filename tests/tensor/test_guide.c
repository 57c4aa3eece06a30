/* The guide's sweeps and the optimisers against one-line formulas. */
#include "tests/tensor/paths.h"

enum { N = 101 };

/* Draws are the stream's normals, scaled and moved; the sums are over the whole range. */
static void check_sample(const urn__kernels *kernels)
{
    enum { MANY = 3 * URN__NORMAL_BLOCK + 77 };
    static const int64_t sizes[] = {0, 1, 7, 8, 9, 100, 511, 512, 513, 1024, 1100, MANY};
    uint64_t seed = 21;
    const urn__stream stream = urn__stream_at(3, 1, "U", 5);
    const int64_t first = 7 * URN__NORMAL_BLOCK;
    double *loc = test_array(&seed, MANY, -3.0, 3.0);
    double *log_scale = test_array(&seed, MANY, -8.0, 3.0);
    double eps[MANY], z[MANY], part[MANY + 1], sums[2];
    kernels->normals(&stream, first, MANY, eps);
    kernels->guide_sample(&stream, first, MANY, loc, log_scale, z, sums);
    for (int i = 0; i < MANY; i++) {
        const long double shift = expl((long double)log_scale[i]) * (long double)eps[i];
        assert_close(z[i], (double)(loc[i] + shift), 5 * 0x1p-52,
                     fabs(loc[i]) + fabs((double)shift));
    }
    for (int64_t from = 0; from < MANY; from += URN__NORMAL_BLOCK) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            const int64_t n = sizes[k] < MANY - from ? sizes[k] : MANY - from;
            long double logs = 0.0L, squares = 0.0L, size = 0.0L;
            for (int64_t i = from; i < from + n; i++) {
                logs += (long double)log_scale[i];
                size += fabsl((long double)log_scale[i]);
                squares += (long double)eps[i] * (long double)eps[i];
            }
            part[n] = 12345.0;
            kernels->guide_sample(&stream, first + from, n, loc + from, log_scale + from, part,
                                  sums);
            assert_same_bits(n, part, z + from);
            assert_true(part[n] == 12345.0);
            /* each of at most n additions is off by half an ulp of the sum so far */
            assert_close(sums[0], (double)logs, (double)n * 0x1p-53, (double)size);
            assert_close(sums[1], (double)squares, (double)(n + 1) * 0x1p-53, 0.0);
        }
    }
    free(loc);
    free(log_scale);
}

static void samples(void **state)
{
    (void)state;
    on_each_path(check_sample);
}

/* Adam as its authors and PyTorch write it. */
static void naive_adam(const urn__adam *a, double g, double *m, double *v, double *p)
{
    *p -= a->lr * a->weight_decay * *p;
    *m = a->beta1 * *m + (1.0 - a->beta1) * g;
    *v = a->beta2 * *v + (1.0 - a->beta2) * g * g;
    *p -= a->lr * (*m / a->correction1) / (sqrt(*v / a->correction2) + a->epsilon);
}

static urn__adam adam_at(int step, double weight_decay)
{
    return (urn__adam){.lr = 0.01,
                       .beta1 = 0.9,
                       .beta2 = 0.999,
                       .epsilon = 1e-8,
                       .correction1 = 1.0 - pow(0.9, step),
                       .correction2 = 1.0 - pow(0.999, step),
                       .weight_decay = weight_decay};
}

static void check_adam(const urn__kernels *kernels)
{
    uint64_t seed = 22;
    double *p = test_array(&seed, N, -1.0, 1.0), q[N], m[N] = {0.0}, v[N] = {0.0};
    double naive_m[N] = {0.0}, naive_v[N] = {0.0};
    memcpy(q, p, sizeof q);
    for (int step = 1; step <= 5; step++) {
        const urn__adam adam = adam_at(step, step > 3 ? 0.1 : 0.0);
        double *g = test_array(&seed, N, -10.0, 10.0);
        g[0] = 0.0; /* no gradient yet: 0 / (0 + epsilon) */
        g[1] = 1e-20;
        g[2] = 1e20;
        kernels->adam(N, &adam, g, m, v, p);
        for (int i = 0; i < N; i++) {
            naive_adam(&adam, g[i], &naive_m[i], &naive_v[i], &q[i]);
            assert_close(m[i], naive_m[i], 1e-14, 10.0);
            assert_close(v[i], naive_v[i], 1e-14, 1e-30);
            assert_close(p[i], q[i], 1e-14, 1.0);
        }
        free(g);
    }
    free(p);
}

static void adam(void **state)
{
    (void)state;
    on_each_path(check_adam);
}

/* The first step of Adam is lr times the gradient's sign. */
static void check_first_step(const urn__kernels *kernels)
{
    const urn__adam adam = adam_at(1, 0.0);
    const double g[4] = {3.0, -0.5, 1e-3, -200.0};
    double m[4] = {0.0}, v[4] = {0.0}, p[4] = {0.0};
    kernels->adam(4, &adam, g, m, v, p);
    for (int i = 0; i < 4; i++)
        assert_close(p[i], g[i] > 0.0 ? -0.01 : 0.01, 2e-5, 0.0);
}

static void first_step_is_the_sign(void **state)
{
    (void)state;
    on_each_path(check_first_step);
}

static void check_momentum(const urn__kernels *kernels)
{
    uint64_t seed = 23;
    double *p = test_array(&seed, N, -1.0, 1.0), q[N], velocity[N] = {0.0}, naive[N] = {0.0};
    memcpy(q, p, sizeof q);
    for (int step = 0; step < 4; step++) {
        double *g = test_array(&seed, N, -1.0, 1.0);
        kernels->momentum(N, 0.08, 0.9, g, velocity, p);
        for (int i = 0; i < N; i++) {
            naive[i] = 0.9 * naive[i] + g[i];
            q[i] -= 0.08 * naive[i];
            assert_close(velocity[i], naive[i], 1e-15, 1.0);
            assert_close(p[i], q[i], 1e-15, 1.0);
        }
        free(g);
    }
    free(p);
}

static void momentum(void **state)
{
    (void)state;
    on_each_path(check_momentum);
}

typedef struct guide {
    double loc[N], m_loc[N], v_loc[N], log_scale[N], m_scale[N], v_scale[N];
} guide;

static guide guide_new(uint64_t *seed)
{
    guide g = {{0.0}, {0.0}, {0.0}, {0.0}, {0.0}, {0.0}};
    for (int i = 0; i < N; i++) {
        g.loc[i] = test_uniform(seed, -1.0, 1.0);
        g.log_scale[i] = test_uniform(seed, -3.0, 0.5);
    }
    return g;
}

static void apply(const urn__kernels *kernels, const urn__adam *adam, const double *gradient,
                  const double *z, guide *g, int from, int n)
{
    kernels->guide_adam(n, adam, 0.25, gradient + from, z + from, g->loc + from, g->m_loc + from,
                        g->v_loc + from, g->log_scale + from, g->m_scale + from, g->v_scale + from);
}

static void check_guide_adam(const urn__kernels *kernels)
{
    uint64_t seed = 24;
    guide g = guide_new(&seed), naive = g, parts = g;
    for (int step = 1; step <= 4; step++) {
        const urn__adam adam = adam_at(step, step > 2 ? 0.1 : 0.0);
        double *gradient = test_array(&seed, N, -5.0, 5.0), *z = test_array(&seed, N, -3.0, 3.0);
        apply(kernels, &adam, gradient, z, &g, 0, N);
        apply(kernels, &adam, gradient, z, &parts, 0, 13);
        apply(kernels, &adam, gradient, z, &parts, 13, 1);
        apply(kernels, &adam, gradient, z, &parts, 14, N - 14);
        for (int i = 0; i < N; i++) {
            const double d_loc = -gradient[i] * 0.25;
            const double d_log_scale = -(gradient[i] * (z[i] - naive.loc[i]) + 1.0) * 0.25;
            naive_adam(&adam, d_loc, &naive.m_loc[i], &naive.v_loc[i], &naive.loc[i]);
            naive_adam(&adam, d_log_scale, &naive.m_scale[i], &naive.v_scale[i],
                       &naive.log_scale[i]);
            assert_close(g.loc[i], naive.loc[i], 1e-13, 1.0);
            assert_close(g.log_scale[i], naive.log_scale[i], 1e-13, 1.0);
            assert_close(g.m_scale[i], naive.m_scale[i], 1e-13, 1.0);
            assert_close(g.v_scale[i], naive.v_scale[i], 1e-13, 1.0);
        }
        free(gradient);
        free(z);
    }
    assert_same_bits((int64_t)(sizeof g / sizeof(double)), (const double *)&parts,
                     (const double *)&g);
}

static void guide_sweep(void **state)
{
    (void)state;
    on_each_path(check_guide_adam);
}

/* The gradient the sweep applies is that of the loss it states: central differences of
 * -(log p(loc + exp(log_scale) eps) + log_scale) * factor at log p = -z^4 / 4. Without momentum and
 * with a huge epsilon Adam's step is lr / epsilon times the gradient. */
static double loss(double loc, double log_scale, double eps)
{
    const double z = loc + exp(log_scale) * eps;
    return -(-z * z * z * z / 4.0 + log_scale) * 0.25;
}

static void check_gradient(const urn__kernels *kernels)
{
    const urn__adam plain = {
        .lr = 1e10, .epsilon = 1e10, .correction1 = 1.0, .correction2 = 1.0, .beta2 = 0.999};
    uint64_t seed = 25;
    guide g = guide_new(&seed), start = g;
    double *eps = test_array(&seed, N, -2.0, 2.0), z[N], gradient[N];
    for (int i = 0; i < N; i++) {
        z[i] = g.loc[i] + exp(g.log_scale[i]) * eps[i];
        gradient[i] = -pow(z[i], 3);
    }
    apply(kernels, &plain, gradient, z, &g, 0, N);
    const double h = 1e-5;
    for (int i = 0; i < N; i++) {
        const double l = start.loc[i], s = start.log_scale[i], e = eps[i];
        assert_close(l - g.loc[i], (loss(l + h, s, e) - loss(l - h, s, e)) / (2.0 * h), 1e-8, 1.0);
        assert_close(s - g.log_scale[i], (loss(l, s + h, e) - loss(l, s - h, e)) / (2.0 * h), 1e-8,
                     1.0);
    }
    free(eps);
}

static void sweep_follows_the_loss(void **state)
{
    (void)state;
    on_each_path(check_gradient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples),     cmocka_unit_test(adam),
        cmocka_unit_test(momentum),    cmocka_unit_test(first_step_is_the_sign),
        cmocka_unit_test(guide_sweep), cmocka_unit_test(sweep_follows_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
