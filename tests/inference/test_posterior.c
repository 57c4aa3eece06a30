/* Posteriors: arrays in, draws out; and scores against numbers worked out by hand. */
#include "tests/inference/check.h"

static void draws_of_a_normal_have_its_moments(void **state)
{
    (void)state;
    enum { N = 1500, S = 400 };
    static double loc[N], scale[N], draw[N];
    for (int i = 0; i < N; i++) {
        loc[i] = i;
        scale[i] = i == 7 ? 0.0 : 1.0 + i % 3;
    }
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, N, 1, 0, loc, scale, 11, &p, NULL),
                     URN_OK);
    assert_int_equal(urn_posterior_chains(p), 1);
    assert_int_equal(urn_posterior_draws(p), 0);
    double sum = 0.0, squares = 0.0;
    for (int s = 0; s < S; s++) {
        urn_posterior_draw(p, s, draw);
        assert_true(draw[7] == 7.0);
        for (int i = 0; i < N; i++) {
            const double z = scale[i] > 0.0 ? (draw[i] - loc[i]) / scale[i] : 0.0;
            sum += z;
            squares += z * z;
        }
    }
    const double n = (N - 1.0) * S;
    assert_close(sum / n, 0.0, 4.0 / sqrt(n));
    assert_close(squares / n, 1.0, 4.0 * sqrt(2.0 / n));
    urn_posterior_free(p);
}

static void same_number_same_bits(void **state)
{
    (void)state;
    const double loc[3] = {1, 2, 3}, scale[3] = {1, 1, 1};
    double a[3], b[3], c[3];
    urn_posterior *p, *q, *other;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 5, &p, NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 5, &q, NULL), 0);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 3, 1, 0, loc, scale, 6, &other, NULL),
                     0);
    urn_posterior_draw(p, 3, a);
    urn_posterior_draw(p, 9, c);
    urn_posterior_draw(q, 3, b);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
    urn_posterior_draw(other, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    urn_posterior_free(p);
    urn_posterior_free(q);
    urn_posterior_free(other);
}

/* Any part of a draw, and on any number of threads, has the bits of the whole. */
static void parts_are_those_of_the_whole(void **state)
{
    (void)state;
    enum { N = 3 * URN__CHUNK + 100 };
    static double loc[N], scale[N], whole[N], part[N];
    static const int64_t cuts[][2] = {{0, 1},      {0, N},       {511, 2},  {512, 512},
                                      {700, 4096}, {5000, 5000}, {N - 1, 1}};
    for (int i = 0; i < N; i++) {
        loc[i] = sin(i);
        scale[i] = 0.5 + 0.1 * cos(i);
    }
    for (int kind = 0; kind < 3; kind++) {
        urn_posterior *p;
        const bool stored = kind == URN_POSTERIOR_DRAWS;
        assert_int_equal(urn_posterior_new((urn_posterior_kind)kind, stored ? N / 4 : N, 1,
                                           stored ? 4 : 0, loc, scale, 11, &p, NULL),
                         URN_OK);
        const int64_t n = urn_posterior_size(p);
        urn_posterior_draw(p, 3, whole);
        for (size_t k = 0; k < N_OF(cuts); k++) {
            const int64_t first = cuts[k][0], most = n - first;
            const int64_t count = cuts[k][1] < most ? cuts[k][1] : most;
            for (int i = 0; i < N; i++)
                part[i] = -99.0;
            if (count < 1)
                continue;
            urn_posterior_draw_part(p, 3, first, count, part);
            assert_memory_equal(part + first, whole + first, (size_t)count * sizeof(double));
            for (int64_t i = 0; i < n; i++)
                assert_true((part[i] == -99.0) == (i < first || i >= first + count));
        }
        for (int threads = 1; threads <= 8; threads++) {
            memset(part, 0, sizeof part);
            urn__posterior_draw(p, 3, threads, part);
            assert_memory_equal(part, whole, (size_t)n * sizeof(double));
        }
        urn_posterior_free(p);
    }
}

static void stored_draws_come_back(void **state)
{
    (void)state;
    double x[2 * 3 * 2], got[2];
    for (int i = 0; i < 12; i++)
        x[i] = i;
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 2, 2, 3, x, NULL, 1, &p, NULL), 0);
    assert_int_equal(urn_posterior_chains(p), 2);
    assert_int_equal(urn_posterior_draws(p), 3);
    for (int s = 0; s < 6; s++) {
        urn_posterior_draw(p, s, got);
        assert_true(got[0] == 2 * s && got[1] == 2 * s + 1);
    }
    urn_posterior_free(p);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 2, 1, 0, x + 4, NULL, 1, &p, NULL), 0);
    urn_posterior_draw(p, 99, got);
    assert_true(got[0] == 4 && got[1] == 5);
    urn_posterior_free(p);
    urn_posterior_free(NULL);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    const double x[2] = {0, 0}, bad[2] = {1, -1};
    urn_posterior *p;
    urn_error error = {0};
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 2, 1, 0, x, bad, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_null(p);
    assert_non_null(strstr(error.message, "scale 1 of a normal posterior is -1"));
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 2, 1, 0, x, NULL, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_DRAWS, 2, 1, 0, x, NULL, 1, &p, &error),
                     URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "1 chains of 0 draws"));
    assert_int_equal(
        urn_posterior_new(URN_POSTERIOR_DRAWS, INT64_MAX / 2, 8, 8, x, NULL, 1, &p, &error),
        URN_ERR_MEMORY);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    const double x[2] = {0, 0}, scale[2] = {1, 1};
    for (long fail_at = 1; fail_at <= 3; fail_at++) {
        failing_memory memory;
        urn_posterior *p;
        urn_error error = {0};
        failing_memory_init(&memory, fail_at, false);
        assert_int_equal(urn__posterior_make(&memory.hook, URN_POSTERIOR_NORMAL, 2, 1, 0, x, scale,
                                             1, &p, &error),
                         URN_ERR_MEMORY);
        assert_null(p);
        assert_int_equal(memory.live, 0);
    }
}

/* ---- normals with a form ---- */

enum { FORM_SIZE = 5000, FORM_NUMBERS = 1500 * 1499 / 2 + 60 * 21, FORM_RANK = 3 };

typedef struct formed {
    urn_normal_form form;
    urn_normal_block blocks[3];
    double loc[FORM_SIZE], own[FORM_SIZE], factor[FORM_NUMBERS];
} formed;

/* A wide block across a chunk of the stream, rows of seven, rows of one; or a rank. */
static formed *formed_new(bool rank)
{
    formed *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->blocks[0] = (urn_normal_block){3000, 1, 1500};
    f->blocks[1] = (urn_normal_block){4500, 60, 7};
    f->blocks[2] = (urn_normal_block){4930, 5, 1};
    f->form = (urn_normal_form){.bytes = sizeof f->form, .own = f->own, .factor = f->factor};
    f->form.rank = rank ? FORM_RANK : 0;
    f->form.n_blocks = rank ? 0 : 3;
    f->form.blocks = f->blocks;
    f->form.n_factor = rank ? FORM_SIZE * FORM_RANK : FORM_NUMBERS;
    for (int i = 0; i < FORM_SIZE; i++) {
        f->loc[i] = sin(i);
        f->own[i] = i == 3100 ? 0.0 : 0.5 + 0.1 * cos(i);
    }
    for (int64_t i = 0; i < f->form.n_factor; i++)
        f->factor[i] = 0.3 * sin(1.0 + 0.7 * (double)i);
    return f;
}

/* The number of the factor in row i, for element k of what it multiplies (e, or the rank's
 * normals); 0 where there is none. Written without the library's layout. */
static double factor_at(const formed *f, int64_t i, int64_t k)
{
    int64_t before = 0;
    if (f->form.rank > 0)
        return f->factor[i * FORM_RANK + k];
    for (int b = 0; b < 3; b++) {
        const urn_normal_block *block = &f->blocks[b];
        const int64_t triangle = block->width * (block->width - 1) / 2;
        const int64_t in = i - block->first, row = in / block->width, place = in % block->width;
        if (in >= 0 && row < block->rows) {
            const int64_t column = k - block->first - row * block->width;
            return column >= 0 && column < place
                       ? f->factor[before + row * triangle + place * (place - 1) / 2 + column]
                       : 0.0;
        }
        before += block->rows * triangle;
    }
    return 0.0;
}

static void a_form_is_what_it_says(void **state)
{
    (void)state;
    static double e[FORM_SIZE], further[FORM_RANK], x[FORM_SIZE];
    for (int rank = 0; rank < 2; rank++) {
        formed *f = formed_new(rank);
        urn_posterior *p;
        urn_error error = {0};
        urn_normal_form back = {.bytes = sizeof back};
        const urn__kernels *kernels;
        assert_int_equal(urn_posterior_new_normal(FORM_SIZE, f->loc, &f->form, 11, &p, &error), 0);
        assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), 0);
        assert_true(urn_posterior_form(p, &back) && back.rank == f->form.rank);
        assert_int_equal(back.n_factor, f->form.n_factor);
        assert_memory_equal(back.factor, f->factor, (size_t)back.n_factor * sizeof(double));
        assert_memory_equal(back.own, f->own, sizeof f->own);
        const uint64_t chain = urn__chain_for(URN__USE_POSTERIOR, 0);
        const urn__stream own = urn__stream_at(11, chain, "posterior", 4);
        const urn__stream of_rank = urn__stream_at(11, chain, "posterior of a rank", 4);
        kernels->normals(&own, 0, FORM_SIZE, e);
        kernels->normals(&of_rank, 0, FORM_RANK, further);
        urn_posterior_draw(p, 4, x);
        for (int64_t i = 0; i < FORM_SIZE; i += i % 97 == 0 ? 1 : 3) {
            double value = f->loc[i] + f->own[i] * e[i], squares = f->own[i] * f->own[i];
            for (int64_t k = 0; k < (rank ? FORM_RANK : FORM_SIZE); k++) {
                const double number = factor_at(f, i, k);
                value += number * (rank ? further[k] : e[k]);
                squares += number * number;
            }
            assert_close(x[i], value, 1e-11);
            assert_close(urn_posterior_scale(p)[i], sqrt(squares), 1e-12);
        }
        urn_posterior_free(p);
        free(f);
    }
}

static void parts_of_a_form_are_those_of_the_whole(void **state)
{
    (void)state;
    static double whole[FORM_SIZE], part[FORM_SIZE];
    static const int64_t cuts[][2] = {{0, 3001},  {2990, 20},  {3900, 400}, {4095, 2},
                                      {4499, 10}, {4510, 405}, {4999, 1},   {0, FORM_SIZE}};
    for (int rank = 0; rank < 2; rank++) {
        formed *f = formed_new(rank);
        urn_posterior *p;
        assert_int_equal(urn_posterior_new_normal(FORM_SIZE, f->loc, &f->form, 11, &p, NULL), 0);
        urn_posterior_draw(p, 2, whole);
        for (size_t k = 0; k < N_OF(cuts); k++) {
            memset(part, 0, sizeof part);
            urn_posterior_draw_part(p, 2, cuts[k][0], cuts[k][1], part);
            assert_memory_equal(part + cuts[k][0], whole + cuts[k][0],
                                (size_t)cuts[k][1] * sizeof(double));
        }
        for (int threads = 1; threads <= 8; threads++) {
            memset(part, 0, sizeof part);
            urn__posterior_draw(p, 2, threads, part);
            assert_memory_equal(part, whole, sizeof whole);
        }
        urn_posterior_free(p);
        free(f);
    }
}

static void forms_that_are_none(void **state)
{
    (void)state;
    const double loc[4] = {0}, own[4] = {1, 1, 1, -1}, factor[6] = {0, 0, 0, 0, 0, (double)NAN};
    const urn_normal_block twice[2] = {{0, 1, 3}, {2, 1, 2}}, all = {0, 1, 4};
    const struct {
        urn_normal_form form;
        const char *says;
    } bad[] = {
        {{.own = own, .factor = factor}, "was given rank 0 and 0 blocks"},
        {{.rank = 1, .n_blocks = 1, .blocks = &all, .own = own, .factor = factor},
         "rank 1 and 1 blocks; it takes either"},
        {{.n_blocks = 2, .blocks = twice, .n_factor = 4, .own = own, .factor = factor},
         "that do not overlap"},
        {{.n_blocks = 1, .blocks = &all, .n_factor = 5, .own = own, .factor = factor},
         "has 5 numbers in its factor, but its rank or blocks ask for 6"},
        {{.n_blocks = 1, .blocks = &all, .n_factor = 6, .own = own, .factor = factor},
         "number 5 of a normal posterior is nan"},
        {{.rank = 1, .n_factor = 4, .own = own, .factor = factor},
         "diagonal element 3 of a normal posterior is -1; it must be finite and not negative"},
    };
    for (size_t k = 0; k < N_OF(bad); k++) {
        urn_posterior *p;
        urn_error error = {0};
        assert_int_equal(urn_posterior_new_normal(4, loc, &bad[k].form, 1, &p, &error),
                         URN_ERR_USAGE);
        assert_null(p);
        assert_non_null(strstr(error.message, bad[k].says));
    }
    const urn_normal_form good = {.rank = 1, .n_factor = 4, .own = loc, .factor = factor};
    for (long fail_at = 1; fail_at <= 8; fail_at++) {
        failing_memory memory;
        urn_posterior *p;
        failing_memory_init(&memory, fail_at, false);
        assert_int_equal(urn__posterior_make_normal(&memory.hook, 4, loc, &good, 1, &p, NULL),
                         URN_ERR_MEMORY);
        assert_null(p);
        assert_int_equal(memory.live, 0);
    }
}

static void scores_are_as_defined(void **state)
{
    (void)state;
    double mean[4] = {1, 2, 3, 4}, density[4] = {-1, -2, -3, -4}, cdf[4] = {0.5, 0.05, 0.74, 0.99};
    const double observed[4] = {2, 2, 1, 5};
    urn_prediction p = {.n_rows = 4, .mean = mean, .log_density = density, .cdf = cdf};
    urn_scores scores;
    urn_score(&p, observed, &scores);
    assert_int_equal(scores.n, 4);
    assert_close(scores.rmse, sqrt(6.0 / 4.0), 1e-15);
    assert_close(scores.mae, 1.0, 1e-15);
    assert_close(scores.mean_log_predictive_density, -2.5, 1e-15);
    assert_close(scores.coverage_50, 0.5, 0.0);  /* .5 and .74 */
    assert_close(scores.coverage_80, 0.5, 0.0);  /* 0.05 is below .1 */
    assert_close(scores.coverage_95, 0.75, 0.0); /* 0.99 is above .975 */
    p.cdf = NULL;
    p.log_density = NULL;
    urn_score(&p, observed, &scores);
    assert_true(isnan(scores.coverage_50) && isnan(scores.coverage_95));
    assert_true(isnan(scores.mean_log_predictive_density));
    assert_close(scores.mae, 1.0, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_of_a_normal_have_its_moments),
        cmocka_unit_test(same_number_same_bits),
        cmocka_unit_test(parts_are_those_of_the_whole),
        cmocka_unit_test(a_form_is_what_it_says),
        cmocka_unit_test(parts_of_a_form_are_those_of_the_whole),
        cmocka_unit_test(forms_that_are_none),
        cmocka_unit_test(stored_draws_come_back),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(memory_running_out_is_an_error),
        cmocka_unit_test(scores_are_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
