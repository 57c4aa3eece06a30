/* Hamiltonian chains by themselves: leapfrog steps, trees, metrics, warm-up. */
#include "tests/inference/check.h"

#include "inference/mcmc/chain.h"

#include <stdlib.h>

/* ---- targets ---- */

enum { MOST = 64 };

/* log p = -sum x^4 / 4 - x^2 / 2, coupled by neighbours: not linear, so that order shows. */
static double quartic(void *context, const double *x, double *gradient)
{
    const int64_t n = *(const int64_t *)context;
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double left = i > 0 ? x[i - 1] : 0.0, right = i + 1 < n ? x[i + 1] : 0.0;
        sum += -0.25 * x[i] * x[i] * x[i] * x[i] - 0.5 * x[i] * x[i] + 0.3 * x[i] * left;
        if (gradient)
            gradient[i] = -x[i] * x[i] * x[i] - x[i] + 0.3 * (left + right);
    }
    return sum;
}

/* log p = - x' P x / 2, P = (F F')^-1 given as F: a correlated normal. */
typedef struct correlated {
    urn__target target;
    int64_t n;
    double factor[MOST * MOST]; /* lower triangular */
} correlated;

static double correlated_density(void *context, const double *x, double *gradient)
{
    const correlated *c = context;
    double z[MOST], sum = 0.0;
    memcpy(z, x, (size_t)c->n * sizeof *z);
    urn__tri_solve(c->n, 1, c->factor, false, z);
    for (int64_t i = 0; i < c->n; i++)
        sum -= 0.5 * z[i] * z[i];
    urn__tri_solve(c->n, 1, c->factor, true, z);
    for (int64_t i = 0; gradient && i < c->n; i++)
        gradient[i] = -z[i];
    return sum;
}

static urn__target target_of(int64_t n, double (*density)(void *, const double *, double *),
                             void *context)
{
    urn__target target = {
        .size = n, .observations = 1.0, .threads = 1, .context = context, .log_density = density};
    assert_int_equal(urn__kernels_select(NULL, &target.kernels, NULL), URN_OK);
    return target;
}

static correlated *correlated_new(int64_t n)
{
    correlated *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->n = n;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            c->factor[i * n + j] = i == j ? 0.5 + (double)i / 3.0 : 0.8 * cos((double)(3 * i + j));
    c->target = target_of(n, correlated_density, c);
    return c;
}

static urn__hmc *chain_of(const urn__target *target, const urn__hmc_options *options)
{
    urn__hmc *h;
    urn_error error = {0};
    if (urn__hmc_new(target, options, &h, &error) != URN_OK)
        fail_msg("%s", error.message);
    return h;
}

/* ---- leapfrog ---- */

/* Steps from a given start, then `back` steps the other way; returns the largest change of energy.
 */
static double travel(urn__hmc *h, const double *x, const double *r, double step, int n, int back,
                     double *to)
{
    int at = h->here, momentum = urn__pool_take(&h->momenta);
    double worst = 0.0;
    assert_true(urn__hmc_place(h, x));
    memcpy(urn__pool_at(&h->momenta, momentum), r, (size_t)h->size * sizeof *r);
    const double first = 0.5 * h->target->kernels->dot(h->size, r, r) - h->points[at].log_density;
    urn__pool_keep(&h->positions, at);
    for (int i = 0; i < n + back; i++) {
        const int next = urn__pool_take(&h->positions), turned = urn__pool_take(&h->momenta);
        urn__hmc_leapfrog(h, i < n ? step : -step, at, momentum, next, turned);
        urn__pool_drop(&h->positions, at);
        urn__pool_drop(&h->momenta, momentum);
        at = next;
        momentum = turned;
        worst = fmax(worst, fabs(h->points[at].energy - first));
    }
    memcpy(to, urn__position_at(h, at), (size_t)h->size * sizeof *to);
    urn__pool_drop(&h->positions, at);
    urn__pool_drop(&h->momenta, momentum);
    return worst;
}

static void leapfrog_is_reversible_and_of_second_order(void **state)
{
    (void)state;
    int64_t n = 7;
    const urn__target target = target_of(n, quartic, &n);
    double x[7], r[7], inverse[49], to[7];
    for (int i = 0; i < 7; i++) {
        x[i] = sin(i + 1.0);
        r[i] = cos(2.0 * i);
    }
    for (int i = 0; i < 49; i++)
        inverse[i] = i % 8 == 0 ? 1.5 : 0.1 * cos(floor(i / 7.0) + i % 7);
    for (int kind = 0; kind < 3; kind++) {
        urn__hmc_options o = urn__hmc_defaults("test", 1, 0);
        o.metric = (urn__metric_kind)kind;
        double variances[7] = {1, 0.5, 2, 1, 3, 0.2, 1};
        o.inverse_metric = kind == URN__METRIC_DENSE ? inverse : variances;
        urn__hmc *h = chain_of(&target, &o);
        travel(h, x, r, 0.05, 50, 50, to);
        for (int i = 0; i < 7; i++)
            assert_close(to[i], x[i], 1e-12);
        const double coarse = travel(h, x, r, 0.02, 50, 0, to);
        const double fine = travel(h, x, r, 0.01, 100, 0, to);
        assert_true(fine > 1e-8);
        assert_close(coarse / fine, 4.0, 0.2);
        urn__hmc_free(h);
    }
}

/* ---- trees: an oracle that keeps every point and looks at every stretch ---- */

typedef struct oracle {
    int64_t n;
    double r[2100][MOST], energy[2100]; /* by time, from the middle */
    int64_t steps;
    bool diverging;
} oracle;

enum { MIDDLE = 1050 };

static double product(int64_t n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Does the stretch of points from .. to have ends that move apart? Its momenta, and maybe one more
 * neighbour's, are summed. */
static bool criterion(const oracle *o, int from, int to)
{
    double sum[MOST] = {0.0};
    for (int t = from; t <= to; t++)
        for (int64_t i = 0; i < o->n; i++)
            sum[i] += o->r[MIDDLE + t][i];
    return product(o->n, o->r[MIDDLE + from], sum) > 0.0 &&
           product(o->n, o->r[MIDDLE + to], sum) > 0.0;
}

/* Whole, and each half with the nearest point of the other. */
static bool goes_on(const oracle *o, int from, int to)
{
    const int middle = from + (to - from) / 2;
    return criterion(o, from, to) && criterion(o, from, middle + 1) && criterion(o, middle, to);
}

static bool stretch_goes_on(const oracle *o, int from, int to)
{
    const int middle = from + (to - from) / 2;
    return from == to || (stretch_goes_on(o, from, middle) && stretch_goes_on(o, middle + 1, to) &&
                          goes_on(o, from, to));
}

/* The number of points made until a stretch of `count` points, from `first` on in direction `by`,
 * is known not to go on; count if it does. Points are made in order, stretches looked at when
 * whole. */
static int points_until_turn(const oracle *o, int first, int by, int count)
{
    for (int made = 1; made <= count; made++)
        for (int size = 2; size <= made && made % size == 0; size *= 2) {
            const int last = first + by * (made - 1), start = last - by * (size - 1);
            const int from = by > 0 ? start : last, to = by > 0 ? last : start;
            if (!goes_on(o, from, to))
                return -made;
        }
    return count;
}

/* Depth and leapfrog steps of a transition, from the addressed random numbers and a trajectory made
 * beforehand by plain leapfrog steps. */
static void expect_tree(const oracle *o, uint64_t directions, int max_depth, int *depth,
                        int64_t *steps)
{
    int from = 0, to = 0;
    *steps = 0;
    for (*depth = 0; *depth < max_depth;) {
        const bool forward = directions >> *depth & 1;
        const int count = 1 << *depth;
        const int made = points_until_turn(o, forward ? to + 1 : from - 1, forward ? 1 : -1, count);
        *steps += abs(made);
        if (made < 0)
            return;
        if (forward)
            to += count;
        else
            from -= count;
        assert_true(from > -MIDDLE && to < MIDDLE);
        ++*depth;
        if (!goes_on(o, from, to))
            return;
    }
}

static void make_trajectory(oracle *o, urn__hmc *h, const double *x, const double *r, double step)
{
    for (int by = -1; by <= 1; by += 2) {
        int at = h->here, momentum = urn__pool_take(&h->momenta);
        assert_true(urn__hmc_place(h, x));
        memcpy(urn__pool_at(&h->momenta, momentum), r, (size_t)h->size * sizeof *r);
        memcpy(o->r[MIDDLE], r, (size_t)h->size * sizeof *r);
        urn__pool_keep(&h->positions, at);
        for (int t = by; abs(t) < MIDDLE; t += by) {
            const int next = urn__pool_take(&h->positions), moved = urn__pool_take(&h->momenta);
            urn__hmc_leapfrog(h, by * step, at, momentum, next, moved);
            memcpy(o->r[MIDDLE + t], urn__pool_at(&h->momenta, moved), (size_t)h->size * sizeof *r);
            urn__pool_drop(&h->positions, at);
            urn__pool_drop(&h->momenta, momentum);
            at = next;
            momentum = moved;
        }
        urn__pool_drop(&h->positions, at);
        urn__pool_drop(&h->momenta, momentum);
    }
}

/* Trees end exactly where the definition says, in one and in several dimensions. */
static void trees_end_where_trajectories_turn(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        double step;
        int max_depth;
    } cases[] = {{1, 0.15, 10}, {1, 0.9, 10}, {2, 0.3, 10}, {5, 0.05, 10}, {9, 0.4, 3}};
    int depths[11] = {0}, kinds = 0;
    oracle *o = calloc(1, sizeof *o);
    assert_non_null(o);
    for (size_t k = 0; k < N_OF(cases); k++) {
        correlated *c = correlated_new(cases[k].n);
        urn__hmc_options options = urn__hmc_defaults("tree", 11, 2);
        options.metric = URN__METRIC_UNIT;
        options.step_size = cases[k].step;
        options.max_depth = cases[k].max_depth;
        urn__hmc *h = chain_of(&c->target, &options), *other = chain_of(&c->target, &options);
        double x[MOST] = {0.3};
        o->n = cases[k].n;
        assert_true(urn__hmc_place(h, x));
        for (int step = 1; step <= 60; step++) {
            const urn__stream stream = urn__stream_at(11, 2, "tree", (uint64_t)step);
            const int64_t per = URN__NORMAL_BLOCK / o->n;
            const urn__stream normals = urn__stream_at(11, 2, "tree", (uint64_t)(step / per));
            double block[URN__NORMAL_BLOCK];
            urn_rng rng;
            int depth;
            int64_t steps;
            urn__hmc_info info;
            urn__rng_at_row(&rng, &stream, 0);
            c->target.kernels->normals(&normals, 0, URN__NORMAL_BLOCK, block);
            memcpy(x, urn__hmc_position(h), (size_t)o->n * sizeof *x);
            make_trajectory(o, other, x, block + step % per * o->n, cases[k].step);
            expect_tree(o, urn__pcg64_next(&rng.pcg), cases[k].max_depth, &depth, &steps);
            assert_int_equal(urn__hmc_step(h, step, &info, NULL), URN_OK);
            assert_false(info.diverging);
            assert_int_equal(info.depth, depth);
            assert_int_equal(info.n_steps, steps);
            depths[depth]++;
        }
        urn__hmc_free(h);
        urn__hmc_free(other);
        free(c);
    }
    for (int d = 0; d <= 10; d++)
        kinds += depths[d] > 0;
    assert_true(kinds >= 5);
    /* the oracle itself: half a turn of a slow oscillation is seen, a tenth is not */
    o->n = 1;
    for (int t = -MIDDLE + 1; t < MIDDLE; t++)
        o->r[MIDDLE + t][0] = cos(0.1 * t);
    assert_true(stretch_goes_on(o, -3, 4));
    assert_false(stretch_goes_on(o, -31, 32));
    free(o);
}

/* No vectors are lost however trajectories end. */
static void vectors_are_given_back(void **state)
{
    (void)state;
    int64_t n = 3;
    const urn__target target = target_of(n, quartic, &n);
    for (int fixed = 0; fixed < 2; fixed++) {
        urn__hmc_options o = urn__hmc_defaults("lost", 3, 0);
        o.fixed_path = fixed == 1;
        o.n_warmup = 150;
        o.path = 3.0;
        urn__hmc *h = chain_of(&target, &o);
        const int positions = h->positions.n_free, momenta = h->momenta.n_free;
        const double x[3] = {8.0, -9.0, 1.0}; /* far out: the first steps diverge */
        int64_t diverged = 0;
        assert_true(urn__hmc_place(h, x));
        for (int step = 1; step <= 400; step++) {
            urn__hmc_info info;
            assert_int_equal(urn__hmc_step(h, step, &info, NULL), URN_OK);
            diverged += info.diverging;
            assert_int_equal(h->positions.n_free, positions);
            assert_int_equal(h->momenta.n_free, momenta);
            assert_true(info.energy >= -info.log_density);
            assert_true(info.acceptance >= 0.0 && info.acceptance <= 1.0);
            if (step == 300)
                h->step_size = 40.0; /* every trajectory diverges */
        }
        assert_true(diverged >= 90);
        urn__hmc_free(h);
    }
}

/* ---- metrics ---- */

/* A normal with its covariance as metric is a standard normal with none: the same trees, positions
 * that differ by the factor. */
static void metrics_undo_covariances(void **state)
{
    (void)state;
    enum { N = 6 };
    correlated *c = correlated_new(N);
    correlated *plain = correlated_new(N);
    double inverse[N * N], x[N] = {0.0}, z[N] = {0.0};
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            inverse[i * N + j] = product(N, c->factor + i * N, c->factor + j * N);
            plain->factor[i * N + j] = i == j;
        }
    urn__hmc_options o = urn__hmc_defaults("metric", 5, 0), unit = o;
    o.metric = URN__METRIC_DENSE;
    o.inverse_metric = inverse;
    unit.metric = URN__METRIC_UNIT;
    o.step_size = unit.step_size = 0.4;
    urn__hmc *a = chain_of(&c->target, &o), *b = chain_of(&plain->target, &unit);
    assert_true(urn__hmc_place(a, x) && urn__hmc_place(b, z));
    for (int step = 1; step <= 100; step++) {
        urn__hmc_info one, two;
        assert_int_equal(urn__hmc_step(a, step, &one, NULL), URN_OK);
        assert_int_equal(urn__hmc_step(b, step, &two, NULL), URN_OK);
        assert_int_equal(one.n_steps, two.n_steps);
        assert_close(one.energy, two.energy, 1e-9);
        for (int i = 0; i < N; i++)
            assert_close(urn__hmc_position(a)[i],
                         product(i + 1, c->factor + i * N, urn__hmc_position(b)), 1e-9);
    }
    urn__hmc_free(a);
    urn__hmc_free(b);
    urn_error error = {0};
    inverse[0] = -1.0;
    assert_int_equal(urn__hmc_new(&c->target, &o, &a, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "inverse metric is not positive definite"));
    assert_null(a);
    free(c);
    free(plain);
}

/* Variances and covariances as by their definition, shrunk as by theirs. */
static void moments_become_metrics(void **state)
{
    (void)state;
    enum { N = 3, DRAWS = 20 };
    const urn__kernels *kernels;
    urn__arena *arena = urn__arena_new(NULL);
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    double x[DRAWS][N], mean[N] = {0.0};
    for (int t = 0; t < DRAWS; t++)
        for (int i = 0; i < N; i++) {
            x[t][i] = sin(3.0 * t + i) * (1.0 + i) + 0.2 * t;
            mean[i] += x[t][i] / DRAWS;
        }
    for (int dense = 0; dense < 2; dense++) {
        urn__moments m;
        urn__metric metric;
        assert_true(urn__moments_new(&m, N, dense, arena));
        assert_true(urn__metric_new(&metric, dense ? URN__METRIC_DENSE : URN__METRIC_DIAG, N,
                                    kernels, arena));
        for (int t = 0; t < DRAWS; t++)
            urn__moments_add(&m, x[t]);
        assert_true(urn__moments_to_metric(&m, &metric));
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double sum = 0.0;
                for (int t = 0; t < DRAWS; t++)
                    sum += (x[t][i] - mean[i]) * (x[t][j] - mean[j]);
                const double want = 20.0 / 25.0 * sum / 19.0 + (i == j ? 1e-3 * 5.0 / 25.0 : 0.0);
                if (dense || i == j)
                    assert_close(metric.inverse[dense ? i * N + j : i], want, 1e-12);
            }
        urn__moments_clear(&m);
        assert_int_equal(m.count, 0);
    }
    urn__arena_free(arena);
}

/* ---- warm-up ---- */

/* Where Stan's windows end, and which transitions they collect, worked out by hand from its
 * definition: buffers 75 and 50, windows 25, 50, ..., the last one stretched. */
static void windows_are_stans(void **state)
{
    (void)state;
    static const struct {
        int64_t n, first, past; /* transitions collected: first .. past - 1 */
        int64_t ends[8];
        int n_ends;
    } cases[] = {{1000, 75, 950, {99, 149, 249, 449, 949}, 5},
                 {2000, 75, 1950, {99, 149, 249, 449, 849, 1949}, 6},
                 {300, 75, 250, {99, 149, 249}, 3},
                 {200, 75, 150, {99, 149}, 2},
                 {160, 75, 110, {99, 109}, 2},
                 {150, 75, 100, {99}, 1},
                 {149, 22, 135, {134}, 1},
                 {100, 15, 90, {89}, 1},
                 {20, 3, 18, {17}, 1},
                 {19, 0, 0, {0}, 0},
                 {0, 0, 0, {0}, 0}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        urn__windows w;
        int seen = 0;
        urn__windows_start(&w, cases[k].n);
        for (int64_t t = 0; t < cases[k].n; t++) {
            assert_int_equal(urn__windows_collect(&w, t), t >= cases[k].first && t < cases[k].past);
            if (urn__windows_close(&w, t)) {
                assert_true(seen < cases[k].n_ends);
                assert_int_equal(t, cases[k].ends[seen++]);
            }
        }
        assert_int_equal(seen, cases[k].n_ends);
    }
}

/* Dual averaging finds the root of a decreasing acceptance curve. */
static void averaging_finds_a_root(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        const double delta = k == 0 ? 0.6 : k == 1 ? 0.8 : 0.95;
        urn__averaging a = {.delta = delta};
        double step = 1.0;
        urn__averaging_restart(&a, step);
        for (int t = 0; t < 3000; t++)
            step = urn__averaging_learn(&a, exp(-0.5 * step * step));
        assert_close(exp(-0.5 * pow(urn__averaging_final(&a), 2.0)), delta, 0.005);
    }
    urn__averaging a = {.delta = 0.8};
    urn__averaging_restart(&a, 0.5);
    assert_close(a.mu, log(5.0), 1e-15);
    /* one update by hand: error (0.8 - 0.3) / 11, log step = mu - error / 0.05 */
    assert_close(urn__averaging_learn(&a, 0.3), exp(log(5.0) - 0.5 / 11.0 / 0.05), 1e-12);
    assert_close(urn__averaging_final(&a), exp(log(5.0) - 0.5 / 11.0 / 0.05), 1e-12);
    /* more than one counts as one */
    urn__averaging b = a;
    assert_true(urn__averaging_learn(&a, 1.0) == urn__averaging_learn(&b, 1.7));
}

/* One leapfrog step of the size found loses about what 0.8 allows. */
static void first_steps_fit_the_scale(void **state)
{
    (void)state;
    for (int k = -3; k <= 3; k++) {
        correlated *c = correlated_new(1);
        const double scale = pow(10.0, k), x[1] = {0.5 * scale};
        c->factor[0] = scale;
        urn__hmc_options o = urn__hmc_defaults("scale", 9, 0);
        o.n_warmup = 1;
        urn__hmc *h = chain_of(&c->target, &o);
        urn__hmc_info info;
        assert_true(urn__hmc_place(h, x));
        assert_int_equal(urn__hmc_step(h, 1, &info, NULL), URN_OK);
        assert_true(info.step_size > 0.2 * scale && info.step_size < 5.0 * scale);
        urn__hmc_free(h);
        free(c);
    }
}

/* The first averaging starts from the step size asked for, not from the one found, as Stan's: after
 * a transition of acceptance a the next step is 10 exp(-(0.8 - a) / 11 / 0.05) of it. */
static void the_first_averaging_is_stans(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        correlated *c = correlated_new(1);
        const double x[1] = {0.05}, asked = k == 0 ? 1.0 : 0.125;
        c->factor[0] = 0.1;
        urn__hmc_options o = urn__hmc_defaults("first", 9, 0);
        o.n_warmup = 10;
        o.step_size = asked;
        urn__hmc *h = chain_of(&c->target, &o);
        urn__hmc_info info;
        assert_true(urn__hmc_place(h, x));
        assert_int_equal(urn__hmc_step(h, 1, &info, NULL), URN_OK);
        assert_true(info.step_size < 0.5);
        assert_close(urn__hmc_step_size(h),
                     10.0 * asked * exp(-(0.8 - info.acceptance) / 11.0 / 0.05), 1e-12);
        urn__hmc_free(h);
        free(c);
    }
}

static double flat(void *context, const double *x, double *gradient)
{
    (void)context, (void)x;
    if (gradient)
        gradient[0] = 0.0;
    return 0.0;
}

/* Finite where it is asked first, and nowhere else. */
static double spike(void *context, const double *x, double *gradient)
{
    int *asked = context;
    (void)x;
    if (gradient)
        gradient[0] = 1.0;
    return ++*asked == 1 ? 0.0 : -HUGE_VAL;
}

static void impossible_posteriors_are_errors(void **state)
{
    (void)state;
    static const struct {
        double (*density)(void *, const double *, double *);
        const char *message;
    } cases[] = {{flat, "probably improper"}, {spike, "probably not continuous"}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        int asked = 0;
        const urn__target target = target_of(1, cases[k].density, &asked);
        urn__hmc_options o = urn__hmc_defaults("bad", 1, 0);
        o.n_warmup = 10;
        urn__hmc *h = chain_of(&target, &o);
        const double x[1] = {0.25};
        urn__hmc_info info;
        urn_error error = {0};
        assert_true(urn__hmc_place(h, x));
        assert_int_equal(urn__hmc_step(h, 1, &info, &error), URN_ERR_RUNTIME);
        assert_non_null(strstr(error.message, cases[k].message));
        urn__hmc_free(h);
    }
}

static void memory_may_run_out(void **state)
{
    (void)state;
    int64_t n = 4;
    for (long fail_at = 1;; fail_at++) {
        failing_memory memory;
        failing_memory_init(&memory, fail_at, false);
        urn__target target = target_of(n, quartic, &n);
        target.allocator = &memory.hook;
        urn__hmc_options o = urn__hmc_defaults("memory", 1, 0);
        o.n_warmup = 30;
        o.metric = URN__METRIC_DENSE;
        urn__hmc *h;
        const urn_status status = urn__hmc_new(&target, &o, &h, NULL);
        urn__hmc_free(h);
        assert_int_equal(memory.live, 0);
        if (memory.calls < fail_at) {
            assert_int_equal(status, URN_OK);
            break;
        }
        assert_int_equal(status, URN_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leapfrog_is_reversible_and_of_second_order),
        cmocka_unit_test(trees_end_where_trajectories_turn),
        cmocka_unit_test(vectors_are_given_back),
        cmocka_unit_test(metrics_undo_covariances),
        cmocka_unit_test(moments_become_metrics),
        cmocka_unit_test(windows_are_stans),
        cmocka_unit_test(averaging_finds_a_root),
        cmocka_unit_test(first_steps_fit_the_scale),
        cmocka_unit_test(the_first_averaging_is_stans),
        cmocka_unit_test(impossible_posteriors_are_errors),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
