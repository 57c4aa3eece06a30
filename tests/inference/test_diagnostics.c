/* Convergence diagnostics: against ArviZ's numbers, against closed forms, and against a plain
 * quadratic-time version of their definitions. */
#include "tests/inference/diagnostics_test.h"

/* ---- the fixture ---- */

static double figure_of(urn__chains *c, int which)
{
    switch (which) {
    case 0:
        return urn__chains_mean(c);
    case 1:
        return urn__chains_sd(c);
    case 2:
        return urn__ess_bulk(c);
    case 3:
        return urn__ess_tail(c);
    case 4:
        return urn__ess_mean(c);
    case 5:
        return urn__ess_sd(c);
    case 6:
        return urn__mcse_mean(c);
    case 7:
        return urn__mcse_sd(c);
    default:
        return urn__rhat(c, (urn__rhat_kind)(which - 8));
    }
}

static int check_case(const char *name, const json_t *set)
{
    static const char *const keys[] = {"mean",         "sd",           "ess_bulk",    "ess_tail",
                                       "ess_mean",     "ess_sd",       "mcse_mean",   "mcse_sd",
                                       "rhat_rank",    "rhat_z_scale", "rhat_folded", "rhat_split",
                                       "rhat_identity"};
    static const struct {
        const char *ess, *mcse;
        double p;
    } quantiles[] = {{"ess_quantile_0_05", "mcse_quantile_0_05", 0.05},
                     {"ess_quantile_0_5", "mcse_median", 0.5},
                     {"ess_median", "mcse_median", 0.5},
                     {"ess_quantile_0_95", "mcse_quantile_0_95", 0.95}};
    int64_t m, n;
    double *x = read_chains(json_object_get(set, "draws"), &m, &n);
    urn__chains *c = chains_of(m, n, x);
    for (size_t i = 0; i < N_OF(keys); i++)
        check_figure(name, keys[i], figure_of(c, (int)i), number_in(set, keys[i]));
    for (size_t i = 0; i < N_OF(quantiles); i++) {
        check_figure(name, quantiles[i].ess, urn__ess_quantile(c, quantiles[i].p),
                     number_in(set, quantiles[i].ess));
        check_figure(name, quantiles[i].mcse, urn__mcse_quantile(c, quantiles[i].p),
                     number_in(set, quantiles[i].mcse));
    }
    const json_t *bfmi = json_object_get(set, "bfmi");
    for (int64_t k = 0; k < m; k++) {
        const json_t *value = json_is_array(bfmi) ? json_array_get(bfmi, (size_t)k) : bfmi;
        check_figure(name, "bfmi", urn__e_bfmi(n, x + k * n, 1),
                     json_is_null(value) ? (double)NAN : json_number_value(value));
    }
    const json_t *lags = json_object_get(set, "autocov_chain0_lags0_4");
    double autocovariance[5];
    const int64_t n_lags = (int64_t)json_array_size(lags);
    assert_true(n_lags >= 4 && n_lags <= 5);
    urn__chains_autocovariance(c, 0, n_lags, autocovariance);
    for (int64_t t = 0; t < n_lags; t++)
        check_figure(name, "autocovariance", autocovariance[t],
                     json_number_value(json_array_get(lags, (size_t)t)));
    urn__chains_free(c);
    free(x);
    return (int)(N_OF(keys) + 2 * N_OF(quantiles)) + (int)m + (int)n_lags;
}

static void figures_of_draws_equal_arviz(void **state)
{
    (void)state;
    json_t *root = open_fixture();
    const char *name;
    json_t *set;
    int n = 0, figures = 0;
    json_object_foreach(json_object_get(root, "cases"), name, set)
    {
        /* every key is a figure checked here, or the draws */
        assert_int_equal(json_object_size(set), 23);
        figures += check_case(name, set);
        n++;
    }
    assert_int_equal(n, 20);
    assert_true(figures >= 20 * 25);
    json_decref(root);
}

/* ---- the definitions, plainly ---- */

static double plain_autocovariance(const double *x, int64_t n, int64_t t)
{
    long double mean = 0.0L, sum = 0.0L;
    for (int64_t i = 0; i < n; i++)
        mean += x[i];
    mean /= n;
    for (int64_t i = 0; i + t < n; i++)
        sum += ((long double)x[i] - mean) * ((long double)x[i + t] - mean);
    return (double)(sum / n);
}

/* ESS of the mean of m chains by VGSCB's equations 10 and 11, and Geyer's sequences as he states
 * them: gamma_k = rho_2k + rho_2k+1, positive, then monotone. A sequence that does not end is cut
 * where ArviZ and Stan cut it, with a lag or two to go. */
static double plain_ess(const double *x, int64_t m, int64_t n)
{
    double *rho = room_for(n + 1), *gamma = room_for(n + 1), between = 0.0, grand = 0.0;
    double *mean = room_for(m);
    for (int64_t c = 0; c < m; c++) {
        for (int64_t i = 0; i < n; i++)
            mean[c] += x[c * n + i] / (double)n;
        grand += mean[c] / (double)m;
    }
    for (int64_t c = 0; c < m; c++)
        between += (mean[c] - grand) * (mean[c] - grand) / (double)(m - 1);
    double within = 0.0;
    for (int64_t t = 0; t < n; t++) {
        double sum = 0.0;
        for (int64_t c = 0; c < m; c++)
            sum += plain_autocovariance(x + c * n, n, t) / (double)m;
        if (t == 0)
            within = sum * (double)n / (double)(n - 1);
        const double pooled = within * (double)(n - 1) / (double)n + between;
        rho[t] = t == 0 ? 1.0 : 1.0 - (within - sum) / pooled;
    }
    int64_t last = 0; /* the first pair that is not positive */
    while (2 * last + 4 < n && rho[2 * last] + rho[2 * last + 1] > 0.0)
        last++;
    double tau = -1.0 + fmax(rho[2 * last], 0.0);
    for (int64_t k = 0; k < last; k++) {
        gamma[k] = rho[2 * k] + rho[2 * k + 1];
        gamma[k] = k > 0 ? fmin(gamma[k], gamma[k - 1]) : gamma[k];
        tau += 2.0 * gamma[k];
    }
    free(mean), free(rho), free(gamma);
    const double size = (double)(m * n);
    return size / fmax(tau, 1.0 / log10(size));
}

static void ess_equals_its_plain_definition(void **state)
{
    (void)state;
    /* 5: few draws; 31 to 34 and 66: around the lags summed directly; 700: transforms */
    static const int64_t lengths[] = {10, 21, 62, 64, 67, 68, 132, 700};
    static const double phis[] = {-0.6, 0.0, 0.5, 0.95, 0.999};
    for (size_t l = 0; l < N_OF(lengths); l++)
        for (size_t p = 0; p < N_OF(phis); p++) {
            const int64_t n = lengths[l], half = n / 2;
            double *x = room_for(3 * n), *split = room_for(3 * n);
            fill_ar1(phis[p], 3, n, 40 + l, x);
            for (int64_t i = 0; i < 6 * half; i++) {
                const int64_t chain = i / half, at = i % half;
                split[i] = x[chain / 2 * n + (chain % 2 ? n - half : 0) + at];
            }
            urn__chains *c = chains_of(3, n, x);
            const double wanted = plain_ess(split, 6, half), found = urn__ess_mean(c);
            if (!(fabs(found - wanted) <= 1e-10 * wanted))
                fail_msg("%lld draws, phi %g: ESS %.15g, by hand %.15g", (long long)n, phis[p],
                         found, wanted);
            urn__chains_free(c);
            free(x), free(split);
        }
}

static void autocovariances_equal_their_plain_definition(void **state)
{
    (void)state;
    enum { N = 1000 };
    double x[N], found[N];
    fill_ar1(0.9, 1, N, 3, x);
    for (int i = 0; i < N; i++)
        x[i] = 1e3 + x[i];
    urn__chains *c = chains_of(1, N, x);
    urn__chains_autocovariance(c, 0, N, found);
    for (int t = 0; t < N; t++)
        assert_close(found[t], plain_autocovariance(x, N, t), 1e-10);
    urn__chains_free(c);
}

/* ---- chains whose figures are known ---- */

/* ESS of the mean is S (1 - phi) / (1 + phi), that of squares has phi^2 for phi. The estimate of
 * tau from sums up to lag w has a relative sd of about sqrt(2 (2 w + 1) / S) (Madras and Sokal
 * 1988); w is taken to be where phi^w reaches the noise sqrt(tau / S) of an autocorrelation, and as
 * much again for the luck of Geyer's rule. Four such sds. */
static void ess_of_ar1_is_known(void **state)
{
    (void)state;
    enum { M = 4, N = 20000 };
    static const double phis[] = {-0.5, 0.3, 0.8, 0.95};
    double *x = room_for(M * N);
    for (size_t p = 0; p < N_OF(phis); p++) {
        const double phi = phis[p], size = M * N;
        for (int squares = 0; squares < 2; squares++) {
            const double f = squares ? phi * phi : phi;
            const double tau = (1.0 + f) / (1.0 - f);
            const double lags = 2.0 * (1.0 + log(tau / size) / (2.0 * log(fabs(f))));
            const double tolerance = 4.0 * sqrt(2.0 * (2.0 * lags + 1.0) / size);
            assert_true(tolerance < 0.35);
            fill_ar1(phi, M, N, 11 + p, x);
            urn__chains *c = chains_of(M, N, x);
            const double found = squares ? urn__ess_sd(c) : urn__ess_mean(c);
            assert_close(found * tau / size, 1.0, tolerance);
            if (!squares) { /* normal scores of normal draws are nearly the draws */
                assert_close(urn__ess_bulk(c) / found, 1.0, 0.05);
                assert_close(urn__mcse_mean(c), sqrt(tau / size),
                             0.5 * tolerance * sqrt(tau / size));
                assert_true(urn__rhat(c, URN__RHAT_RANK) < 1.01);
            }
            urn__chains_free(c);
        }
    }
    free(x);
}

/* Independent draws: errors of the mean, the sd and quantiles of a normal sample. An ESS is within
 * 5 % of S here; the error of a quantile is read from two order statistics, good to about 10 %. */
static void errors_of_independent_draws_are_known(void **state)
{
    (void)state;
    enum { M = 4, N = 10000, S = M * N };
    double *x = room_for(S);
    fill_ar1(0.0, M, N, 5, x);
    urn__chains *c = chains_of(M, N, x);
    assert_close(urn__mcse_mean(c) * sqrt(S), 1.0, 0.04);
    assert_close(urn__mcse_sd(c) * sqrt(2.0 * S), 1.0, 0.06);
    static const double probs[] = {0.05, 0.5, 0.95};
    static const double quantiles[] = {-1.6448536269514722, 0.0, 1.6448536269514722};
    for (size_t i = 0; i < 3; i++) {
        const double p = probs[i], q = quantiles[i];
        const double error = sqrt(p * (1.0 - p) / S) / (exp(-0.5 * q * q) / sqrt(2.0 * M_PI));
        assert_close(urn__mcse_quantile(c, p) / error, 1.0, 0.15);
        assert_close(urn__chains_quantile(c, p), q, 4.0 * error);
    }
    urn__chains_free(c);
    free(x);
}

/* The errors stated are the errors made: the spread of estimates over 400 runs, each against its
 * stated error. A standard deviation from 400 is good to 1 / sqrt(800) = 3.5 %; stated ones of 400
 * AR(1) draws scatter and are a little biased. */
static void stated_errors_are_made_errors(void **state)
{
    (void)state;
    enum { M = 2, N = 200, RUNS = 400 };
    double x[M * N], squares[4] = {0.0}, stated[4] = {0.0};
    urn__chains *c = chains_of(M, N, NULL);
    for (uint64_t r = 0; r < RUNS; r++) {
        fill_ar1(0.6, M, N, 1000 + r, x);
        urn__chains_read(c, x, N, 1);
        const double off[4] = {urn__chains_mean(c), urn__chains_sd(c) - 1.0,
                               urn__chains_quantile(c, 0.5),
                               urn__chains_quantile(c, 0.95) - 1.6448536269514722};
        const double error[4] = {urn__mcse_mean(c), urn__mcse_sd(c), urn__mcse_quantile(c, 0.5),
                                 urn__mcse_quantile(c, 0.95)};
        for (int i = 0; i < 4; i++) {
            squares[i] += off[i] * off[i];
            stated[i] += error[i] * error[i];
        }
    }
    for (int i = 0; i < 4; i++)
        assert_close(sqrt(stated[i] / squares[i]), 1.0, 0.15);
    urn__chains_free(c);
}

/* Alternating -1 and 1, each chain moved by its number times a step: means and variances of the
 * halves are known. */
static void rhat_of_shifted_chains_is_known(void **state)
{
    (void)state;
    enum { M = 4, N = 100, HALF = 50 };
    static const double steps[] = {0.0, 0.1, 1.0, 10.0};
    for (size_t s = 0; s < N_OF(steps); s++) {
        double x[M * N];
        for (int i = 0; i < M * N; i++) {
            const int chain = i / N;
            x[i] = (i % 2 ? 1.0 : -1.0) + steps[s] * chain;
        }
        urn__chains *c = chains_of(M, N, x);
        const double within = HALF / (HALF - 1.0);
        /* squared distances of 0 to 3 from 1.5 add up to 5, twice, over 7; and over 3 if whole */
        const double split = HALF * steps[s] * steps[s] * 10.0 / 7.0;
        assert_close(urn__rhat(c, URN__RHAT_SPLIT), sqrt((split / within + HALF - 1.0) / HALF),
                     1e-12);
        const double whole = N * steps[s] * steps[s] * 5.0 / 3.0;
        assert_close(urn__rhat(c, URN__RHAT_IDENTITY),
                     sqrt((whole / (N / (N - 1.0)) + N - 1.0) / N), 1e-12);
        if (steps[s] >= 1.0)
            assert_true(urn__rhat(c, URN__RHAT_RANK) > 1.3);
        else if (steps[s] == 0.0)
            assert_close(urn__rhat(c, URN__RHAT_BULK), sqrt((HALF - 1.0) / HALF), 1e-12);
        urn__chains_free(c);
    }
}

/* A chain that is four times as wide is seen by folding alone. */
static void folding_sees_scales(void **state)
{
    (void)state;
    enum { M = 4, N = 1000 };
    double *x = room_for(M * N);
    fill_ar1(0.0, M, N, 21, x);
    for (int i = 0; i < N; i++)
        x[i] *= 4.0;
    urn__chains *c = chains_of(M, N, x);
    assert_true(urn__rhat(c, URN__RHAT_BULK) < 1.01);
    assert_true(urn__rhat(c, URN__RHAT_FOLDED) > 1.05);
    assert_true(urn__rhat(c, URN__RHAT_RANK) == urn__rhat(c, URN__RHAT_FOLDED));
    const double folded = urn__rhat(c, URN__RHAT_FOLDED), median = urn__chains_quantile(c, 0.5);
    for (int i = 0; i < M * N; i++)
        x[i] = fabs(x[i] - median);
    urn__chains_read(c, x, N, 1);
    assert_close(urn__rhat(c, URN__RHAT_BULK), folded, 1e-14);
    urn__chains_free(c);
    free(x);
}

/* Ranks do not see a monotone map: not a bit of what is made of them moves. */
static void rank_figures_ignore_monotone_maps(void **state)
{
    (void)state;
    enum { M = 3, N = 401 };
    double x[M * N], y[M * N];
    fill_ar1(0.7, M, N, 8, x);
    for (int i = 0; i < M * N; i++)
        y[i] = exp(3.0 * x[i]);
    urn__chains *a = chains_of(M, N, x), *b = chains_of(M, N, y);
    assert_true(urn__rhat(a, URN__RHAT_BULK) == urn__rhat(b, URN__RHAT_BULK));
    assert_true(urn__ess_bulk(a) == urn__ess_bulk(b));
    assert_true(urn__ess_tail(a) == urn__ess_tail(b));
    assert_true(urn__ess_mean(a) != urn__ess_mean(b));
    urn__chains_free(a);
    urn__chains_free(b);
}

static void strides_are_followed(void **state)
{
    (void)state;
    enum { M = 3, N = 50, WIDTH = 7 };
    double x[M * N], table[N * M * WIDTH] = {0.0};
    fill_ar1(0.4, M, N, 9, x);
    for (int c = 0; c < M; c++)
        for (int d = 0; d < N; d++)
            table[(d * M + c) * WIDTH + 2] = x[c * N + d];
    urn__chains *a = chains_of(M, N, x), *b = chains_of(M, N, NULL);
    urn__chains_read(b, table + 2, WIDTH, M * WIDTH);
    urn__chains_summary s, t;
    urn__chains_summarise(a, &s);
    urn__chains_summarise(b, &t);
    assert_memory_equal(&s, &t, sizeof s);
    assert_true(s.r_hat > 0.9 && s.ess_bulk > 10.0 && s.mcse_mean > 0.0);
    double energy[N];
    for (int d = 0; d < N; d++)
        energy[d] = x[d];
    assert_true(urn__e_bfmi(N, table + 2, M * WIDTH) == urn__e_bfmi(N, energy, 1));
    urn__chains_free(a);
    urn__chains_free(b);
}

static void quantiles_are_linear_between_draws(void **state)
{
    (void)state;
    static const double x[] = {3.0, 1.0, 2.0, 10.0};
    urn__chains *c = chains_of(2, 2, x);
    assert_close(urn__chains_quantile(c, 0.0), 1.0, 0.0);
    assert_close(urn__chains_quantile(c, 0.5), 2.5, 1e-15);
    assert_close(urn__chains_quantile(c, 0.9), 7.9, 1e-14); /* 2.7 of the way: 3 + 0.7 * 7 */
    assert_close(urn__chains_quantile(c, 1.0), 10.0, 0.0);
    assert_true(isnan(urn__chains_quantile(c, 1.5)));
    assert_true(isnan(urn__chains_quantile(c, (double)NAN)));
    assert_close(urn__chains_mean(c), 4.0, 1e-15);
    assert_close(urn__chains_sd(c), sqrt(50.0 / 3.0), 1e-14);
    urn__chains_free(c);
}

/* ---- draws about which little can be said ---- */

static void assert_nothing_said(urn__chains *c)
{
    for (int kind = URN__RHAT_RANK; kind <= URN__RHAT_IDENTITY; kind++)
        assert_true(isnan(urn__rhat(c, (urn__rhat_kind)kind)));
    assert_true(isnan(urn__ess_bulk(c)) && isnan(urn__ess_tail(c)) && isnan(urn__ess_mean(c)));
    assert_true(isnan(urn__ess_sd(c)) && isnan(urn__ess_quantile(c, 0.3)));
    assert_true(isnan(urn__mcse_mean(c)) && isnan(urn__mcse_sd(c)));
    assert_true(isnan(urn__mcse_quantile(c, 0.5)));
}

static void few_or_broken_draws_give_nan(void **state)
{
    (void)state;
    enum { M = 2, N = 20 };
    double x[M * N];
    fill_ar1(0.0, M, N, 2, x);
    for (int64_t n = 1; n < 4; n++) {
        urn__chains *c = chains_of(M, n, x);
        assert_nothing_said(c);
        assert_true(isfinite(urn__chains_mean(c)));
        urn__chains_free(c);
    }
    static const double bad[] = {(double)NAN, HUGE_VAL, -HUGE_VAL};
    urn__chains *c = chains_of(M, N, NULL);
    assert_nothing_said(c); /* nothing was read */
    for (size_t i = 0; i < N_OF(bad); i++) {
        x[7] = bad[i];
        urn__chains_read(c, x, N, 1);
        assert_nothing_said(c);
        assert_int_equal(isnan(urn__chains_quantile(c, 0.5)), isnan(bad[i]));
    }
    x[7] = 0.1; /* and the object forgets what it read before */
    urn__chains_read(c, x, N, 1);
    assert_true(isfinite(urn__rhat(c, URN__RHAT_RANK)) && isfinite(urn__ess_bulk(c)));
    urn__chains_free(c);
}

static void constant_chains(void **state)
{
    (void)state;
    enum { M = 4, N = 30 };
    double x[M * N];
    for (int i = 0; i < M * N; i++)
        x[i] = 0.1; /* whose sums round */
    urn__chains *c = chains_of(M, N, x);
    assert_true(isnan(urn__rhat(c, URN__RHAT_RANK)) && isnan(urn__rhat(c, URN__RHAT_IDENTITY)));
    assert_true(urn__ess_bulk(c) == M * N && urn__ess_tail(c) == M * N && urn__ess_sd(c) == M * N);
    assert_true(urn__chains_mean(c) == 0.1 && urn__chains_sd(c) == 0.0);
    assert_true(urn__mcse_mean(c) == 0.0 && urn__mcse_quantile(c, 0.5) == 0.0);
    assert_true(isnan(urn__mcse_sd(c)) && isnan(urn__e_bfmi(N, x, 1)));
    for (int i = 0; i < M * N; i++) {
        const int chain = i / N;
        x[i] = 0.1 * chain;
    }
    urn__chains_read(c, x, N, 1);
    assert_true(isinf(urn__rhat(c, URN__RHAT_RANK)) && isinf(urn__rhat(c, URN__RHAT_SPLIT)));
    assert_true(urn__ess_bulk(c) < 2.0 * M);
    urn__chains_free(c);
}

static void one_chain_has_ess_but_no_rhat(void **state)
{
    (void)state;
    enum { N = 2000 };
    double x[N];
    fill_ar1(0.0, 1, N, 6, x);
    urn__chains *c = chains_of(1, N, x);
    assert_true(isnan(urn__rhat(c, URN__RHAT_RANK)) && isnan(urn__rhat(c, URN__RHAT_IDENTITY)));
    assert_close(urn__ess_mean(c) / N, 1.0, 0.25);
    urn__chains_free(c);
}

/* ---- energies ---- */

static void bfmi_is_known(void **state)
{
    (void)state;
    enum { N = 40000 };
    double *x = room_for(N);
    for (int i = 0; i < 10; i++)
        x[i] = i % 2 ? 1.0 : -1.0;
    assert_close(urn__e_bfmi(10, x, 1), 4.0 * 9.0 / 10.0, 1e-14);
    /* 2 (1 - phi) for AR(1); at phi = 0.9 the variance has 1 / (1 - phi^2) times fewer draws */
    static const double phis[] = {0.0, 0.9};
    for (size_t p = 0; p < 2; p++) {
        fill_ar1(phis[p], 1, N, 13, x);
        assert_close(urn__e_bfmi(N, x, 1) / (2.0 * (1.0 - phis[p])), 1.0,
                     4.0 * sqrt(2.0 / N / (1.0 - phis[p] * phis[p])));
    }
    assert_true(isnan(urn__e_bfmi(1, x, 1)) && isnan(urn__e_bfmi(0, x, 1)));
    x[5] = HUGE_VAL;
    assert_true(isnan(urn__e_bfmi(N, x, 1)));
    free(x);
}

/* ---- errors ---- */

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    urn_error error = {0};
    urn__chains *c = (urn__chains *)&error;
    assert_int_equal(urn__chains_new(NULL, 0, 10, &c, &error), URN_ERR_USAGE);
    assert_null(c);
    assert_non_null(strstr(error.message, "0 chains of 10 draws"));
    assert_int_equal(urn__chains_new(NULL, INT64_MAX / 2, 10, &c, &error), URN_ERR_USAGE);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    urn_error error = {0};
    failing_memory memory;
    urn__chains *c = NULL;
    long fail_at = 1;
    for (; !c; fail_at++) {
        failing_memory_init(&memory, fail_at, false);
        const urn_status status = urn__chains_new(&memory.hook, 2, 10, &c, &error);
        if (status == URN_OK)
            break;
        assert_int_equal(status, URN_ERR_MEMORY);
        assert_null(c);
        assert_int_equal(memory.live, 0);
        assert_non_null(strstr(error.message, "diagnostics of chains"));
    }
    assert_int_equal(fail_at, 12);
    /* and once it is there, nothing allocates */
    double x[20];
    urn__chains_summary summary;
    fill_ar1(0.3, 2, 10, 1, x);
    const long calls = memory.calls;
    urn__chains_read(c, x, 10, 1);
    urn__chains_summarise(c, &summary);
    assert_int_equal(memory.calls, calls);
    urn__chains_free(c);
    assert_int_equal(memory.live, 0);
    urn__chains_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_draws_equal_arviz),
        cmocka_unit_test(ess_equals_its_plain_definition),
        cmocka_unit_test(autocovariances_equal_their_plain_definition),
        cmocka_unit_test(ess_of_ar1_is_known),
        cmocka_unit_test(errors_of_independent_draws_are_known),
        cmocka_unit_test(stated_errors_are_made_errors),
        cmocka_unit_test(rhat_of_shifted_chains_is_known),
        cmocka_unit_test(folding_sees_scales),
        cmocka_unit_test(rank_figures_ignore_monotone_maps),
        cmocka_unit_test(strides_are_followed),
        cmocka_unit_test(quantiles_are_linear_between_draws),
        cmocka_unit_test(few_or_broken_draws_give_nan),
        cmocka_unit_test(constant_chains),
        cmocka_unit_test(one_chain_has_ess_but_no_rhat),
        cmocka_unit_test(bfmi_is_known),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
