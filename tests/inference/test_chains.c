/* The driver of samplers, with a random walk over independent normals, whose moments are known. */
#include "tests/inference/check.h"

#include "inference/diagnostics/chains.h"

#include <stdlib.h>

/* ---- a sampler: random-walk Metropolis ---- */

enum { SIZE = 3, MOST = 4000 };

static const urn_option_spec walk_options[] = {
    {"scale", URN_OPTION_REAL, "1.2", NULL, 0, 1e3, "sd of the proposals"},
    {"bad-chain", URN_OPTION_INT, "-1", NULL, -1, 100, "the chain that fails ..."},
    {"bad-step", URN_OPTION_INT, "0", NULL, 0, 1e6, "... at this step, 0: at its start"},
    {"leave", URN_OPTION_FLAG, NULL, NULL, 0, 0, "it leaves the finite numbers instead"},
    {0}};

static const urn__stat_spec walk_stats[] = {{"lp", URN__STAT_REAL},
                                            {"acceptance_rate", URN__STAT_REAL},
                                            {"n_steps", URN__STAT_INT},
                                            {"diverging", URN__STAT_BOOL},
                                            {0}};

typedef struct walk {
    urn__run *run;
    double x[SIZE], lp, scale;
    int64_t bad_step; /* -1: never */
    bool leaves;
} walk;

static urn_status accept_all(const urn__target *target, const urn__settings *settings,
                             urn_error *error)
{
    (void)target, (void)settings, (void)error;
    return URN_OK;
}

static urn_status walk_start(void *state, urn_error *error)
{
    walk *w = state;
    urn__run *run = w->run;
    assert_int_equal(run->n_steps, run->n_warmup + run->n_draws * run->thin);
    const bool bad = urn__setting_int(run->settings, "bad-chain") == (int64_t)run->chain;
    const int64_t bad_step = urn__setting_int(run->settings, "bad-step");
    const bool leaves = urn__setting(run->settings, "leave")->integer != 0;
    if (bad && bad_step == 0)
        return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL, NULL, "chain %d does not start",
                         (int)run->chain);
    *w = (walk){.run = run,
                .scale = urn__setting_real(run->settings, "scale"),
                .bad_step = bad ? bad_step : -1,
                .leaves = leaves};
    URN_TRY(urn__start_position(run, "random", 0.0, w->x, error));
    w->lp = run->target->log_density(run->target->context, w->x, NULL);
    urn__run_warn(run, "walks have no memory");
    if (run->chain == 1)
        urn__run_warn(run, "this is chain 1");
    return URN_OK;
}

static urn_status walk_step(void *state, int64_t step, urn__step_info *info, urn_error *error)
{
    walk *w = state;
    urn__run *run = w->run;
    if (step == w->bad_step && !w->leaves)
        return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL, NULL, "chain %d stumbles",
                         (int)run->chain);
    const urn__stream stream = urn__stream_at(run->seed, urn__chain_for(URN__USE_STEPS, run->chain),
                                              "walk", (uint64_t)step);
    urn_rng rng;
    urn__rng_at_row(&rng, &stream, 0);
    double next[SIZE];
    for (int i = 0; i < SIZE; i++)
        next[i] = w->x[i] + w->scale * urn_rng_normal(&rng);
    const double lp = run->target->log_density(run->target->context, next, NULL);
    const double rate = fmin(1.0, exp(lp - w->lp));
    if (urn_rng_uniform(&rng) < rate) {
        memcpy(w->x, next, sizeof next);
        w->lp = lp;
    }
    if (step == w->bad_step)
        w->x[1] = (double)INFINITY;
    info->stats[0] = w->lp;
    info->stats[1] = rate;
    info->stats[2] = (double)step;
    info->stats[3] = rate == 0.0;
    return URN_OK;
}

static void walk_position(const void *state, double *position)
{
    const walk *w = state;
    memcpy(position, w->x, sizeof w->x);
}

static urn_status walk_finish(void *state, urn_error *error)
{
    (void)error;
    walk *w = state;
    urn__run_number(w->run, "chain_number", (double)w->run->chain, false);
    urn__run_number(w->run, "most_threads", (double)w->run->most_threads, true);
    return URN_OK;
}

static void walk_release(void *state)
{
    (void)state; /* which holds nothing */
}

static int64_t walk_memory(const urn__target *target, const urn__settings *settings)
{
    (void)target, (void)settings;
    return (int64_t)sizeof(walk);
}

static const urn_engine walk_engine = {.name = "walk",
                                       .summary = "random-walk Metropolis",
                                       .kind = URN__SAMPLER,
                                       .chains = 3,
                                       .warmup = 200,
                                       .draws = 800,
                                       .stats = walk_stats,
                                       .options = walk_options,
                                       .accepts = accept_all,
                                       .memory = walk_memory,
                                       .state_size = sizeof(walk),
                                       .start = walk_start,
                                       .step = walk_step,
                                       .position = walk_position,
                                       .finish = walk_finish,
                                       .release = walk_release};

/* ---- what the hooks saw ---- */

typedef struct seen {
    int64_t n_rows, n_draws, n_progress, stop_at;
    double *rows;                /* [row][7] */
    double draws[4][MOST][SIZE]; /* by chain */
    int64_t drawn[4];
    int phase_warmup, phase_sampling;
    int64_t last_done, all_steps;
    int64_t fail_draw;
} seen;

static seen *seen_new(void)
{
    seen *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->rows = calloc(4 * MOST, 7 * sizeof *s->rows);
    assert_non_null(s->rows);
    return s;
}

static void seen_free(seen *s)
{
    free(s->rows);
    free(s);
}

static void see_row(void *context, int n, const char *const *names, const double *values)
{
    static const char *const expected[] = {"chain",           "step",    "warmup",   "lp",
                                           "acceptance_rate", "n_steps", "diverging"};
    seen *s = context;
    assert_int_equal(n, 7);
    for (int i = 0; i < 7; i++)
        assert_string_equal(names[i], expected[i]);
    assert_true(s->n_rows < 4 * MOST);
    memcpy(s->rows + 7 * s->n_rows++, values, 7 * sizeof *values);
}

static void see_progress(void *context, const urn_progress *progress)
{
    seen *s = context;
    s->n_progress++;
    s->phase_warmup += strcmp(progress->phase, "warm-up") == 0;
    s->phase_sampling += strcmp(progress->phase, "sampling") == 0;
    assert_int_equal(progress->all_done, s->last_done + 1);
    s->last_done = progress->all_done;
    s->all_steps = progress->all_steps;
}

static bool see_interrupted(void *context)
{
    const seen *s = context;
    return s->stop_at > 0 && s->last_done >= s->stop_at;
}

static urn_status see_draw(void *context, const urn_draw *draw, urn_error *error)
{
    seen *s = context;
    assert_int_equal(draw->n_stats, 4);
    assert_string_equal(draw->stat_names[0], "lp");
    assert_true(isfinite(draw->stats[0]));
    assert_int_equal(draw->draw, s->drawn[draw->chain]);
    memcpy(s->draws[draw->chain][s->drawn[draw->chain]++], draw->state, SIZE * sizeof(double));
    if (++s->n_draws == s->fail_draw)
        return urn__fail(error, URN_ERR_IO, NULL, NULL, NULL, "no room for draws");
    return URN_OK;
}

static urn_fit_options walk_with(seen *s)
{
    return (urn_fit_options){.bytes = sizeof(urn_fit_options),
                             .engine = &walk_engine,
                             .seed = 11,
                             .context = s,
                             .progress = s ? see_progress : NULL,
                             .interrupted = s ? see_interrupted : NULL,
                             .log_row = s ? see_row : NULL,
                             .draw = s ? see_draw : NULL};
}

static urn_fit *walk_on(normal_target *t, const urn_fit_options *options, urn_status expected)
{
    urn_fit *fit;
    urn_error error = {0};
    const urn_status status = fit_target(&t->target, options, &fit, &error);
    if (status != expected)
        fail_msg("status %s instead of %s: %s", urn_status_text(status), urn_status_text(expected),
                 error.message);
    return fit;
}

/* ---- tests ---- */

static void finds_normals(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 2);
    urn_fit_options options = walk_with(NULL);
    options.draws = 4000;
    options.chains = 4;
    urn_fit *fit = walk_on(t, &options, URN_OK);
    const urn_posterior *p = urn_fit_posterior(fit);
    assert_int_equal(urn_posterior_kind_of(p), URN_POSTERIOR_DRAWS);
    assert_int_equal(urn_posterior_size(p), SIZE);
    assert_int_equal(urn_posterior_chains(p), 4);
    assert_int_equal(urn_posterior_draws(p), 4000);
    urn__chains *chains;
    assert_int_equal(urn__chains_new(NULL, 4, 4000, &chains, NULL), URN_OK);
    for (int i = 0; i < SIZE; i++) {
        urn__chains_read(chains, urn_posterior_loc(p) + i, 4000 * SIZE, SIZE);
        assert_close(urn__chains_mean(chains), t->mean[i], 5.0 * urn__mcse_mean(chains));
        assert_close(urn__chains_sd(chains), t->sd[i], 5.0 * urn__mcse_sd(chains));
        assert_true(urn__rhat(chains, URN__RHAT_RANK) < 1.02);
    }
    urn__chains_free(chains);
    assert_true(number_of(fit, "steps") == 4.0 * 4200.0);
    assert_true(number_of(fit, "chains") == 4.0);
    assert_true(number_of(fit, "warmup") == 200.0);
    assert_true(number_of(fit, "draws") == 4000.0);
    assert_true(number_of(fit, "thin") == 1.0);
    assert_true(number_of(fit, "draws_stored") == 4000.0);
    assert_true(number_of(fit, "chain_number") == 1.5); /* the mean over chains */
    assert_true(number_of(fit, "step_ms_median") > 0.0);
    assert_string_equal(urn_fit_warning_at(fit, 0), "walks have no memory"); /* once */
    assert_string_equal(urn_fit_warning_at(fit, 1), "this is chain 1");
    assert_null(urn_fit_warning_at(fit, 2));
    urn_fit_free(fit);
    free(t);
}

/* Numbers of the fit that are not of the clock, as one. */
static uint64_t hash_of(const urn_fit *fit, const seen *s)
{
    const urn_posterior *p = urn_fit_posterior(fit);
    const size_t n = (size_t)(urn_posterior_chains(p) * urn_posterior_draws(p));
    uint64_t h = urn__hash_bytes(1, urn_posterior_loc(p), n * SIZE * sizeof(double));
    urn_fit_stat stat;
    int i = 0;
    for (; urn_fit_stat_at(fit, i, &stat); i++) {
        h = urn__hash_text(h, stat.name);
        h = urn__hash_bytes(h, stat.values, n * sizeof(double));
    }
    assert_int_equal(i, 4);
    urn_fit_number number;
    for (i = 0; urn_fit_number_at(fit, i, &number); i++)
        if (!number.of_the_clock) {
            h = urn__hash_text(h, number.name);
            h = urn__hash_bytes(h, &number.value, sizeof number.value);
        }
    for (i = 0; urn_fit_warning_at(fit, i); i++)
        h = urn__hash_text(h, urn_fit_warning_at(fit, i));
    return urn__hash_bytes(h, s->rows, (size_t)s->n_rows * 7 * sizeof *s->rows);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 8};
    uint64_t first = 0;
    for (size_t k = 0; k < N_OF(threads); k++) {
        normal_target *t = normal_target_new(1, threads[k]);
        seen *s = seen_new();
        const urn_fit_options options = walk_with(s);
        urn_fit *fit = walk_on(t, &options, URN_OK);
        const uint64_t h = hash_of(fit, s);
        if (k == 0)
            first = h;
        assert_true(h == first);
        /* each chain has its share of the threads */
        const double most = number_of(fit, "most_threads");
        assert_true(threads[k] <= 3 ? most == 1.0 : most >= 2.0 && most <= 3.0);
        assert_int_equal(s->n_progress, 3000);
        assert_int_equal(s->phase_warmup, 600);
        assert_int_equal(s->phase_sampling, 2400);
        assert_int_equal(s->all_steps, 3000);
        urn_fit_free(fit);
        seen_free(s);
        free(t);
    }
}

static void rows_are_in_order(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 3);
    seen *s = seen_new();
    const urn_fit_options options = walk_with(s);
    urn_fit *fit = walk_on(t, &options, URN_OK);
    assert_int_equal(s->n_rows, 3000);
    for (int64_t r = 0; r < s->n_rows; r++) {
        const double *row = s->rows + 7 * r;
        assert_true((int64_t)row[0] == r / 1000 && (int64_t)row[1] == r % 1000 + 1);
        assert_true(row[2] == (r % 1000 < 200 ? 1.0 : 0.0));
        assert_true(row[5] == row[1]);
    }
    urn_fit_stat stat;
    assert_true(urn_fit_stat_at(fit, 2, &stat) && stat.integer && !stat.boolean);
    for (int64_t d = 0; d < 2400; d++) /* those of the draws alone */
        assert_true(stat.values[d] == (double)(200 + d % 800 + 1));
    assert_true(urn_fit_stat_at(fit, 3, &stat) && stat.boolean);
    assert_false(urn_fit_stat_at(fit, 4, &stat));
    urn_fit_free(fit);
    seen_free(s);
    free(t);
}

/* Stored draws are every stride-th of the thinned ones, and those are every thin-th step. */
static void thins_evenly(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 2);
    seen *all = seen_new(), *some = seen_new();
    urn_fit_options options = walk_with(all);
    options.chains = 2;
    options.warmup = -1;
    options.draws = 600;
    urn_fit *fit = walk_on(t, &options, URN_OK);
    assert_int_equal(all->phase_warmup, 0);
    urn_fit_free(fit);

    options.context = some;
    options.draws = 200;
    options.thin = 3;
    options.keep_bytes = 2 * SIZE * (int64_t)sizeof(double) * 50 + 7;
    fit = walk_on(t, &options, URN_OK);
    const urn_posterior *p = urn_fit_posterior(fit);
    assert_int_equal(urn_posterior_draws(p), 50);
    assert_true(number_of(fit, "draws") == 200.0 && number_of(fit, "draws_stored") == 50.0);
    assert_true(warns_of(fit, "one of every 4 is stored"));
    urn_fit_stat stat;
    assert_true(urn_fit_stat_at(fit, 2, &stat));
    for (int c = 0; c < 2; c++) {
        assert_int_equal(some->drawn[c], 200);
        for (int d = 0; d < 200; d++)
            assert_memory_equal(some->draws[c][d], all->draws[c][3 * d + 2],
                                sizeof all->draws[0][0]);
        for (int d = 0; d < 50; d++) {
            assert_memory_equal(urn_posterior_loc(p) + (c * 50 + d) * SIZE,
                                some->draws[c][4 * d + 3], sizeof all->draws[0][0]);
            assert_true(stat.values[c * 50 + d] == 12.0 * (d + 1));
        }
    }
    urn_fit_free(fit);
    seen_free(all);
    seen_free(some);
    free(t);
}

/* The most draws of chains that have equally many: three chains of 5 + 6 steps, one at a time. */
static void check_interrupted(const urn_fit *fit, const seen *s, int64_t stop_at)
{
    int64_t drawn[3], best = 0, chains = 0;
    for (int c = 0; c < 3; c++) {
        const int64_t steps = stop_at - 11 * c;
        drawn[c] = steps > 11 ? 6 : steps > 5 ? steps - 5 : 0;
        assert_int_equal(s->drawn[c], drawn[c]);
    }
    for (int c = 0; c < 3; c++) {
        int64_t n = 0;
        for (int k = 0; k < 3; k++)
            n += drawn[k] >= drawn[c];
        if (n * drawn[c] > best * chains || (n * drawn[c] == best * chains && drawn[c] < best)) {
            best = drawn[c];
            chains = n;
        }
    }
    const urn_posterior *p = urn_fit_posterior(fit);
    assert_int_equal(urn_posterior_draws(p), best > 0 ? best : 1);
    assert_int_equal(urn_posterior_chains(p), best > 0 ? chains : 1);
    assert_true(warns_of(fit, "what is kept is the state each chain was in") == (best == 0));
    for (int64_t c = 0, k = 0; best > 0 && c < 3; c++)
        if (drawn[c] >= best) {
            assert_memory_equal(urn_posterior_loc(p) + k * best * SIZE, s->draws[c],
                                (size_t)best * sizeof s->draws[0][0]);
            k++;
        }
}

static void interruption_keeps_draws(void **state)
{
    (void)state;
    for (int64_t stop_at = 1; stop_at < 33; stop_at++) {
        normal_target *t = normal_target_new(1, 1);
        seen *s = seen_new();
        urn_fit_options options = walk_with(s);
        options.warmup = 5;
        options.draws = 6;
        s->stop_at = stop_at;
        urn_fit *fit = walk_on(t, &options, URN_INTERRUPTED);
        assert_non_null(fit);
        check_interrupted(fit, s, stop_at);
        assert_true(number_of(fit, "steps") == (double)stop_at);
        assert_int_equal(s->n_rows, stop_at);
        urn_fit_free(fit);
        seen_free(s);
        free(t);
    }
}

static void interruption_of_parallel_chains(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 3);
    seen *s = seen_new();
    urn_fit_options options = walk_with(s);
    options.draws = 3000;
    s->stop_at = 2000;
    urn_fit *fit = walk_on(t, &options, URN_INTERRUPTED);
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t n = urn_posterior_chains(p), draws = urn_posterior_draws(p);
    assert_true(n >= 1 && n <= 3 && draws >= 1);
    for (int c = 0, k = 0; c < 3; c++)
        if (s->drawn[c] >= draws)
            assert_memory_equal(urn_posterior_loc(p) + k++ * draws * SIZE, s->draws[c],
                                (size_t)draws * sizeof s->draws[0][0]);
    urn_fit_free(fit);
    seen_free(s);
    free(t);
}

static void one_chain_at_a_time(void **state)
{
    (void)state;
    urn_engine engine = walk_engine;
    engine.one_chain_at_a_time = engine.sweeps = true;
    normal_target *t = normal_target_new(1, 8);
    seen *s = seen_new();
    urn_fit_options options = walk_with(s);
    options.engine = &engine;
    urn_fit *fit = walk_on(t, &options, URN_OK);
    assert_true(number_of(fit, "most_threads") == 8.0);
    assert_true(number_of(fit, "sweep_ms_median") > 0.0);
    assert_true(isnan(number_of(fit, "step_ms_median")));
    urn_fit_free(fit);
    t->target.fork = NULL; /* a target that cannot be had twice */
    engine.one_chain_at_a_time = false;
    s->last_done = 0;
    s->drawn[0] = s->drawn[1] = s->drawn[2] = 0;
    fit = walk_on(t, &options, URN_OK);
    assert_true(number_of(fit, "most_threads") == 8.0);
    urn_fit_free(fit);
    seen_free(s);
    free(t);
}

static void failures_end_the_fit(void **state)
{
    (void)state;
    static const struct {
        urn_setting settings[3];
        size_t n;
        int64_t fail_draw;
        urn_status status;
        const char *message;
    } cases[] = {
        {{{"bad-chain", "1"}}, 1, 0, URN_ERR_RUNTIME, "chain 1 does not start"},
        {{{"bad-chain", "2"}, {"bad-step", "400"}}, 2, 0, URN_ERR_RUNTIME, "chain 2 stumbles"},
        {{{"bad-chain", "1"}, {"bad-step", "300"}, {"leave", "true"}},
         3,
         0,
         URN_ERR_RUNTIME,
         "chain 1 has left the finite numbers: element 1 of its state is inf after step 300"},
        {{{NULL, NULL}}, 0, 1000, URN_ERR_IO, "no room for draws"},
    };
    for (size_t k = 0; k < N_OF(cases); k++)
        for (int threads = 1; threads <= 3; threads += 2) {
            normal_target *t = normal_target_new(1, threads);
            seen *s = seen_new();
            urn_fit_options options = walk_with(s);
            options.settings = cases[k].settings;
            options.n_settings = cases[k].n;
            s->fail_draw = cases[k].fail_draw;
            urn_fit *fit;
            urn_error error = {0};
            assert_int_equal(fit_target(&t->target, &options, &fit, &error), cases[k].status);
            assert_null(fit);
            assert_non_null(strstr(error.message, cases[k].message));
            if (k == 2)
                assert_string_equal(error.site, "b");
            seen_free(s);
            free(t);
        }
}

static void options_are_checked(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 1);
    urn_fit *fit;
    urn_error error = {0};
    urn_fit_options options = walk_with(NULL);
    options.draws = -1;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "-1 draws"));
    options.draws = INT64_MAX;
    options.thin = 4;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    options = options_for("map", NULL, 0, NULL);
    options.warmup = 10;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "it has no warm-up, draws or thinning"));
    assert_non_null(strstr(error.hint, "--steps"));
    free(t);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    normal_target *t = normal_target_new(1, 1);
    bool done = false;
    for (long fail_at = 1; !done; fail_at++) {
        failing_memory memory;
        failing_memory_init(&memory, fail_at, fail_at % 2 == 0);
        urn_fit_options options = walk_with(NULL);
        options.allocator = t->target.allocator = &memory.hook;
        options.warmup = 3;
        options.draws = 4;
        urn_fit *fit;
        urn_error error = {0};
        const urn_status status = fit_target(&t->target, &options, &fit, &error);
        done = status == URN_OK;
        if (!done) {
            assert_int_equal(status, URN_ERR_MEMORY);
            assert_null(fit);
        }
        urn_fit_free(fit);
        assert_int_equal(memory.live, 0);
        assert_true(fail_at < 200);
    }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_normals),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(rows_are_in_order),
        cmocka_unit_test(thins_evenly),
        cmocka_unit_test(interruption_keeps_draws),
        cmocka_unit_test(interruption_of_parallel_chains),
        cmocka_unit_test(one_chain_at_a_time),
        cmocka_unit_test(failures_end_the_fit),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
