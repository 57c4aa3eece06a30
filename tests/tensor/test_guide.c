/* The guide's sweeps and the optimisers against one-line formulas in double (of the double kernels:
 * in extended precision), each step from the state the kernel left, so that errors do not add up.
 */
#include "tests/tensor/paths.h"

enum { N = 101, MANY = 3 * URN__NORMAL_BLOCK + 77 };

/* ---- draws ---- */

typedef struct draws {
    urn__stream stream;
    int64_t first;
    urn__real *loc, *log_scale;
    urn__real eps[MANY], z[MANY];
} draws;

static draws draws_new(const urn__kernels_real *kernels)
{
    uint64_t seed = 21;
    draws d = {.stream = urn__stream_at(3, 1, "U", 5), .first = 7 * URN__NORMAL_BLOCK};
    d.loc = test_array(&seed, MANY, -3.0, 3.0);
    d.log_scale = test_array(&seed, MANY, -8.0, 3.0);
    kernels->normals(&d.stream, d.first, MANY, d.eps);
    return d;
}

static void draws_clear(draws *d)
{
    free(d->loc);
    free(d->log_scale);
}

/* One part of the range: the same draws, and the sums of that part. Each of n additions of doubles
 * is off by a rounding of the sum so far; floats are summed as such within a block of 512, by 8
 * lanes at least, so after at most 64 additions and the square's rounding. */
static void check_part(const urn__kernels_real *kernels, const draws *d, int64_t from, int64_t n)
{
    urn__real z[MANY + 1];
    double sums[2] = {-1.0, -1.0};
    long double logs = 0.0L, squares = 0.0L, size = 0.0L;
    for (int64_t i = from; i < from + n; i++) {
        logs += (long double)d->log_scale[i];
        size += fabsl((long double)d->log_scale[i]);
        squares += (long double)d->eps[i] * (long double)d->eps[i];
    }
    z[n] = UNTOUCHED;
    kernels->guide_sample(&d->stream, d->first + from, n, d->loc + from, d->log_scale + from, z,
                          sums);
    assert_same_bits(n, z, d->z + from);
    assert_true(z[n] == UNTOUCHED);
    const double bound =
        (double)(n + 1) * 0x1p-53 + (sizeof(urn__real) == 4 ? 65.0 * ROUNDING : 0.0);
    assert_within(sums[0], logs, bound * (double)size);
    assert_within(sums[1], squares, bound * (double)squares);
}

static void check_sample(const urn__kernels_real *kernels)
{
    static const int64_t sizes[] = {0,  1,  7,  8,   9,   15,  16,  17,   31,   32,
                                    33, 63, 65, 100, 511, 512, 513, 1024, 1100, MANY};
    draws d = draws_new(kernels);
    double sums[2];
    kernels->guide_sample(&d.stream, d.first, MANY, d.loc, d.log_scale, d.z, sums);
    for (int i = 0; i < MANY; i++) {
        /* the exponential is 4 units in the last place off at most, the product and the sum one
         * rounding each */
        const long double shift = expl((long double)d.log_scale[i]) * (long double)d.eps[i];
        const long double exact = (long double)d.loc[i] + shift;
        assert_within((double)d.z[i], exact,
                      9.0 * ROUNDING * fabs((double)shift) + ROUNDING * fabs((double)exact));
    }
    for (int64_t from = 0; from < MANY; from += URN__NORMAL_BLOCK)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check_part(kernels, &d, from, sizes[k] < MANY - from ? sizes[k] : MANY - from);
    draws_clear(&d);
}

static void samples(void **state)
{
    (void)state;
    on_each_path(check_sample);
}

/* ---- optimisers ---- */

typedef struct moments {
    long double m, v, p;
    long double m_size, step_size; /* what roundings of m and of the step are relative to */
} moments;

/* Adam as its authors and PyTorch write it. */
static moments naive_adam(const urn__adam *a, long double g, urn__real m, urn__real v, urn__real p)
{
    moments next = {.p = (long double)p};
    const long double b1 = (long double)a->beta1, b2 = (long double)a->beta2;
    const long double lr = (long double)a->lr;
    next.p -= lr * (long double)a->weight_decay * (long double)p;
    next.m = b1 * (long double)m + (1.0L - b1) * g;
    next.v = b2 * (long double)v + (1.0L - b2) * g * g;
    next.m_size = b1 * fabsl((long double)m) + (1.0L - b1) * fabsl(g);
    const long double below = sqrtl(next.v / (long double)a->correction2) + (long double)a->epsilon;
    next.p -= lr * (next.m / (long double)a->correction1) / below;
    next.step_size = lr * (next.m_size / (long double)a->correction1) / below;
    return next;
}

/* Roundings: m has one of each constant, product and sum, v the square's in addition. The step's
 * are m's four, two of v's five, the root's and its factor's, the sum's, the rate's, the product's
 * and the quotient's, and where a kernel multiplies by an estimate of 1 / below, two more. `slack`
 * is what the gradient itself is off by, relative to its size. */
static void assert_moments(moments expected, urn__real m, urn__real v, urn__real p, double p_before,
                           double slack)
{
    const double tiny = (double)(sizeof(urn__real) == 4 ? FLT_MIN : DBL_MIN);
    assert_within((double)m, expected.m, (4.0 + slack) * ROUNDING * (double)expected.m_size + tiny);
    assert_within((double)v, expected.v,
                  (5.0 + 2.0 * slack) * ROUNDING * (double)expected.v + tiny);
    assert_within((double)p, expected.p,
                  (15.0 + 2.0 * slack) * ROUNDING * (double)expected.step_size +
                      2.0 * ROUNDING * (fabs(p_before) + fabs((double)expected.p)));
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

static void check_adam(const urn__kernels_real *kernels)
{
    uint64_t seed = 22;
    urn__real *p = test_array(&seed, N, -1.0, 1.0), m[N] = {0}, v[N] = {0};
    urn__real old_p[N], old_m[N], old_v[N];
    for (int step = 1; step <= 5; step++) {
        const urn__adam adam = adam_at(step, step > 3 ? 0.1 : 0.0);
        urn__real *g = test_array(&seed, N, -10.0, 10.0);
        g[0] = 0; /* no gradient yet: 0 / (0 + epsilon) */
        g[1] = (urn__real)1e-15;
        g[2] = (urn__real)1e15;
        memcpy(old_p, p, sizeof old_p);
        memcpy(old_m, m, sizeof old_m);
        memcpy(old_v, v, sizeof old_v);
        kernels->adam(N, &adam, g, m, v, p);
        for (int i = 0; i < N; i++)
            assert_moments(naive_adam(&adam, (long double)g[i], old_m[i], old_v[i], old_p[i]), m[i],
                           v[i], p[i], (double)old_p[i], 0.0);
        free(g);
    }
    assert_true(m[0] == 0 && v[0] == 0);
    free(p);
}

static void adam(void **state)
{
    (void)state;
    on_each_path(check_adam);
}

/* A gradient whose square underflows or overflows makes no NaN. */
static void check_far_gradients(const urn__kernels_real *kernels)
{
    const urn__adam adam = adam_at(1, 0.0);
    const double far = sizeof(urn__real) == 4 ? 1e30 : 1e300;
    const urn__real g[4] = {(urn__real)far, (urn__real)-far, (urn__real)(1 / far),
                            (urn__real)(-1 / far)};
    urn__real m[4] = {0}, v[4] = {0}, p[4] = {0};
    for (int step = 0; step < 3; step++)
        kernels->adam(4, &adam, g, m, v, p);
    for (int i = 0; i < 4; i++)
        assert_true(isfinite(p[i]) && fabs((double)p[i]) <= 0.1);
}

static void far_gradients(void **state)
{
    (void)state;
    on_each_path(check_far_gradients);
}

/* The first step of Adam is lr times the gradient's sign, but for epsilon / |g|. */
static void check_first_step(const urn__kernels_real *kernels)
{
    const urn__adam adam = adam_at(1, 0.0);
    const urn__real g[4] = {3, (urn__real)-0.5, (urn__real)1e-3, -200};
    urn__real m[4] = {0}, v[4] = {0}, p[4] = {0};
    kernels->adam(4, &adam, g, m, v, p);
    for (int i = 0; i < 4; i++)
        assert_close((double)p[i], g[i] > 0 ? -0.01 : 0.01, 1.1e-5, 0.0);
}

static void first_step_is_the_sign(void **state)
{
    (void)state;
    on_each_path(check_first_step);
}

static void check_momentum(const urn__kernels_real *kernels)
{
    uint64_t seed = 23;
    urn__real *p = test_array(&seed, N, -1.0, 1.0), velocity[N] = {0};
    for (int step = 0; step < 4; step++) {
        urn__real *g = test_array(&seed, N, -1.0, 1.0), old_p[N], old[N];
        memcpy(old_p, p, sizeof old_p);
        memcpy(old, velocity, sizeof old);
        kernels->momentum(N, 0.08, 0.9, g, velocity, p);
        for (int i = 0; i < N; i++) {
            const long double next = 0.9L * (long double)old[i] + (long double)g[i];
            const double size = 0.9 * fabs((double)old[i]) + fabs((double)g[i]);
            assert_within((double)velocity[i], next, 4.0 * ROUNDING * size);
            assert_within((double)p[i], (long double)old_p[i] - 0.08L * next,
                          ROUNDING * (7.0 * 0.08 * size + fabs((double)p[i])));
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

/* ---- the guide's own sweep ---- */

typedef struct guide {
    urn__real loc[N], m_loc[N], v_loc[N], log_scale[N], m_scale[N], v_scale[N];
} guide;

static guide guide_new(uint64_t *seed)
{
    guide g = {{0}, {0}, {0}, {0}, {0}, {0}};
    for (int i = 0; i < N; i++) {
        g.loc[i] = (urn__real)test_uniform(seed, -1.0, 1.0);
        g.log_scale[i] = (urn__real)test_uniform(seed, -3.0, 0.5);
    }
    return g;
}

static void apply(const urn__kernels_real *kernels, const urn__adam *adam,
                  const urn__real *gradient, const urn__real *z, guide *g, int from, int n)
{
    kernels->guide_adam(n, adam, 0.25, 1.0, gradient + from, z + from, g->loc + from,
                        g->m_loc + from, g->v_loc + from, g->log_scale + from, g->m_scale + from,
                        g->v_scale + from);
}

/* Element i moved from `old` to `g`. The scale's gradient is a product of two roundings and a
 * difference of a third, subtracted: its errors are relative to its parts, not to itself. */
static void assert_moved(const urn__adam *adam, const guide *old, const guide *g, int i,
                         urn__real gradient, urn__real z)
{
    const long double d_loc = -(long double)gradient * 0.25L;
    const long double part = d_loc * ((long double)z - (long double)old->loc[i]);
    const long double d_scale = part - 0.25L;
    const double blow_up = (double)((fabsl(part) * 2.0L + fabsl(d_scale)) / fabsl(d_scale));
    assert_moments(naive_adam(adam, d_loc, old->m_loc[i], old->v_loc[i], old->loc[i]), g->m_loc[i],
                   g->v_loc[i], g->loc[i], (double)old->loc[i], 1.0);
    assert_moments(naive_adam(adam, d_scale, old->m_scale[i], old->v_scale[i], old->log_scale[i]),
                   g->m_scale[i], g->v_scale[i], g->log_scale[i], (double)old->log_scale[i],
                   blow_up);
}

static void check_guide_adam(const urn__kernels_real *kernels)
{
    uint64_t seed = 24;
    guide g = guide_new(&seed), parts = g;
    for (int step = 1; step <= 4; step++) {
        const urn__adam adam = adam_at(step, step > 2 ? 0.1 : 0.0);
        urn__real *gradient = test_array(&seed, N, -5.0, 5.0), *z = test_array(&seed, N, -3.0, 3.0);
        const guide old = g;
        apply(kernels, &adam, gradient, z, &g, 0, N);
        for (int i = 0; i < N; i++)
            assert_moved(&adam, &old, &g, i, gradient[i], z[i]);
        apply(kernels, &adam, gradient, z, &parts, 0, 13); /* at any place in a vector */
        apply(kernels, &adam, gradient, z, &parts, 13, 1);
        apply(kernels, &adam, gradient, z, &parts, 14, 0);
        apply(kernels, &adam, gradient, z, &parts, 14, step);
        apply(kernels, &adam, gradient, z, &parts, 14 + step, N - 14 - step);
        free(gradient);
        free(z);
    }
    assert_same_bits((int64_t)(sizeof g / sizeof g.loc[0]), (const urn__real *)&parts,
                     (const urn__real *)&g);
}

static void guide_sweep(void **state)
{
    (void)state;
    on_each_path(check_guide_adam);
}

/* Parts of any length, at any alignment, of all that has a loop. */
static void check_parts(const urn__kernels_real *kernels)
{
    uint64_t seed = 26;
    const urn__adam adam = adam_at(3, 0.1);
    const guide start = guide_new(&seed);
    urn__real *g = test_array(&seed, N, -5.0, 5.0);
    guide whole = start;
    kernels->adam(N, &adam, g, whole.m_loc, whole.v_loc, whole.loc);
    kernels->momentum(N, 0.1, 0.9, g, whole.m_scale, whole.log_scale);
    for (int from = 0; from < N; from++) {
        for (int n = 0; n <= N - from && n < 40; n++) {
            guide part = start;
            kernels->adam(n, &adam, g + from, part.m_loc + from, part.v_loc + from,
                          part.loc + from);
            kernels->momentum(n, 0.1, 0.9, g + from, part.m_scale + from, part.log_scale + from);
            assert_same_bits(n, part.loc + from, whole.loc + from);
            assert_same_bits(n, part.v_loc + from, whole.v_loc + from);
            assert_same_bits(n, part.log_scale + from, whole.log_scale + from);
            assert_same_bits(from, part.loc, start.loc);
            assert_same_bits(N - from - n, part.loc + from + n, start.loc + from + n);
        }
    }
    free(g);
}

static void parts_equal_the_whole(void **state)
{
    (void)state;
    on_each_path(check_parts);
}

/* The gradient the sweep applies is that of the loss it states: central differences of
 * -(log p(loc + exp(log_scale) eps) + log_scale) * factor at log p = -z^4 / 4. Without momentum and
 * with a huge epsilon Adam's step is lr / epsilon times the gradient. */
static double loss(double loc, double log_scale, double eps)
{
    const double z = loc + exp(log_scale) * eps;
    return -(-z * z * z * z / 4.0 + log_scale) * 0.25;
}

static void check_gradient(const urn__kernels_real *kernels)
{
    const urn__adam plain = {
        .lr = 1e10, .epsilon = 1e10, .correction1 = 1.0, .correction2 = 1.0, .beta2 = 0.999};
    uint64_t seed = 25;
    guide g = guide_new(&seed), start = g;
    urn__real z[N], gradient[N];
    double eps[N];
    for (int i = 0; i < N; i++) {
        eps[i] = test_uniform(&seed, -2.0, 2.0);
        z[i] = (urn__real)((double)g.loc[i] + exp((double)g.log_scale[i]) * eps[i]);
        gradient[i] = (urn__real)-pow((double)z[i], 3);
    }
    apply(kernels, &plain, gradient, z, &g, 0, N);
    /* differences: h^2 / 6 of the third derivative, under 100 here; slopes are sums of a few terms
     * below 200, each off by a few roundings */
    const double h = 1e-5, bound = 1e-8 + 1000.0 * ROUNDING;
    for (int i = 0; i < N; i++) {
        const double l = (double)start.loc[i], s = (double)start.log_scale[i], e = eps[i];
        const double d_loc = (loss(l + h, s, e) - loss(l - h, s, e)) / (2.0 * h);
        const double d_scale = (loss(l, s + h, e) - loss(l, s - h, e)) / (2.0 * h);
        assert_close(l - (double)g.loc[i], d_loc, bound, 1.0);
        assert_close(s - (double)g.log_scale[i], d_scale, bound, 1.0);
    }
}

static void sweep_follows_the_loss(void **state)
{
    (void)state;
    on_each_path(check_gradient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples),
        cmocka_unit_test(adam),
        cmocka_unit_test(far_gradients),
        cmocka_unit_test(momentum),
        cmocka_unit_test(first_step_is_the_sign),
        cmocka_unit_test(guide_sweep),
        cmocka_unit_test(parts_equal_the_whole),
        cmocka_unit_test(sweep_follows_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
