/* What models read: several tables, text ids, row numbers, arrays, scalars, means; and families of
 * the caller's own. */
#include "tests/model/density_test.h"

/* ---- ratings of movies, movies of genres: two tables, two hops ---- */

enum { MOVIES = 4, RATINGS = 9, GENRES = 3 };

static const char *const title[MOVIES] = {"b", "a", "d", "c"};
static const char *const genre[MOVIES] = {"war", "art", "war", "fun"};
static const char *const rated[RATINGS] = {"a", "b", "c", "d", "a", "a", "c", "b", "d"};
static const double stars[RATINGS] = {1, 5, 3, 2, 4, 4, 2, 1, 5}, length[MOVIES] = {1, 2, 3, 4};
static const int64_t movie_row[RATINGS] = {1, 0, 3, 2, 1, 1, 3, 0, 2};

/* Codes in ascending order: titles a b c d, genres art fun war. */
static const int title_code[RATINGS] = {0, 1, 2, 3, 0, 0, 2, 1, 3};
static const int genre_code[MOVIES] = {2, 0, 2, 1};

static urn_dataset *two_tables(void)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    assert_ok(urn_dataset_add_table(data, "movies", "movies.csv", MOVIES, 2, &error), &error);
    assert_ok(urn_dataset_add_text(data, "movies", "title", title, &error), &error);
    assert_ok(urn_dataset_add_text(data, "movies", "genre", genre, &error), &error);
    assert_ok(urn_dataset_add_real(data, "movies", "length", length, &error), &error);
    assert_ok(urn_dataset_add_table(data, "ratings", "ratings.csv", RATINGS, 2, &error), &error);
    assert_ok(urn_dataset_add_text(data, "ratings", "title", rated, &error), &error);
    assert_ok(urn_dataset_add_real(data, "ratings", "stars", stars, &error), &error);
    assert_ok(urn_dataset_add_int(data, "ratings", "row", movie_row, &error), &error);
    return data;
}

static void movies(urn_model *m)
{
    urn_plate films = urn_plate_rows(m, "movies"), ratings = urn_plate_rows(m, "ratings");
    urn_plate genres = urn_plate_of(m, "genre"), titles = urn_plate_of(m, "title");
    urn_var one = urn_real(m, 1), zero = urn_real(m, 0);
    urn_var g = urn_sample(m, "g", normal, .loc = zero, .scale = one, .plate = genres);
    urn_var by_genre = urn_gather(g, urn_index(films, "genre", genres));
    urn_var f = urn_sample(m, "f", normal, .loc = urn_mul(by_genre, urn_data(films, "length")),
                           .scale = one, .plate = films);
    urn_var t = urn_sample(m, "t", normal, .loc = zero, .scale = one, .plate = titles);
    urn_var by_row = urn_gather(f, urn_index(ratings, "row", films));
    urn_var by_title = urn_gather(t, urn_index(ratings, "title", titles));
    urn_observe(m, "stars", normal, .value = urn_data(ratings, "stars"),
                .loc = urn_add(urn_add(by_row, by_title), urn_data_mean(ratings, "stars")),
                .scale = one, .plate = ratings);
}

static double movies_by_hand(const urn_model *m, const double *x)
{
    (void)m;
    const double *g = x, *f = x + GENRES, *t = f + MOVIES;
    double lp = 0, mean = 0;
    for (int k = 0; k < GENRES; k++)
        lp += lp_normal(g[k], 0, 1);
    for (int k = 0; k < MOVIES; k++)
        lp += lp_normal(f[k], g[genre_code[k]] * length[k], 1) + lp_normal(t[k], 0, 1);
    for (int r = 0; r < RATINGS; r++)
        mean += stars[r] / RATINGS;
    for (int r = 0; r < RATINGS; r++)
        lp += lp_normal(stars[r], f[movie_row[r]] + t[title_code[r]] + mean, 1);
    return lp;
}

static void tables_and_hops(void **state)
{
    (void)state;
    urn_dataset *data = two_tables();
    check_model_density(DEF(movies), data, movies_by_hand);
    urn_model *model = trace_data(DEF(movies), data);
    static const struct {
        const char *name, *kind, *table;
        int64_t size;
    } plates[] = {{"movies", "rows", "movies", MOVIES},
                  {"ratings", "rows", "ratings", RATINGS},
                  {"genre", "ids", NULL, GENRES},
                  {"title", "ids", NULL, MOVIES}};
    assert_int_equal(urn_model_plate_count(model), 4);
    for (int i = 0; i < 4; i++) {
        urn_plate_info info;
        urn_model_plate(model, i, &info);
        assert_string_equal(info.name, plates[i].name);
        assert_string_equal(info.kind, plates[i].kind);
        assert_int_equal(info.size, plates[i].size);
        assert_true((info.table == NULL) == (plates[i].table == NULL));
        assert_true((info.text_labels != NULL) == (i >= 2));
    }
    urn_plate_info titles;
    urn_model_plate(model, 3, &titles);
    for (int i = 0; i < MOVIES; i++)
        assert_int_equal(titles.text_labels[i][0], 'a' + i);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- the mean is that of the training rows, in every view ---- */

static void means_of_training_rows(void **state)
{
    (void)state;
    static const unsigned char held_out[RATINGS] = {0, 0, 1, 0, 0, 1, 0, 0, 1};
    static const urn_rows views[] = {URN_ROWS_TRAINING, URN_ROWS_HELD_OUT, URN_ROWS_ALL};
    static const int64_t sizes[] = {6, 3, 9};
    urn_error error = {0};
    urn_dataset *data = two_tables();
    assert_ok(urn_dataset_set_held_out(data, "ratings", held_out, &error), &error);
    for (int k = 0; k < 3; k++) {
        urn_trace_options options = trace_options(data);
        options.rows = views[k];
        urn_model *model = trace_with(DEF(movies), &options);
        machine p = machine_of(model, URN_PROGRAM_PREDICT);
        const double zeros[RATINGS] = {0};
        (void)urn_replay_input(p.replay, site_of(model, "g"), zeros, GENRES, NULL);
        (void)urn_replay_input(p.replay, site_of(model, "t"), zeros, MOVIES, NULL);
        (void)urn_replay_input(p.replay, site_of(model, "f"), zeros, MOVIES, NULL);
        urn_replay_run(p.replay, NULL);
        assert_int_equal(info_of(model, "stars").size, sizes[k]);
        assert_near(urn_replay_result(p.replay, site_of(model, "stars"), URN_RESULT_MEAN)[0],
                    (1 + 5 + 2 + 4 + 2 + 1) / 6.0, 1e-14, "mean");
        machine_clear(&p);
        urn_model_free(model);
    }
    urn_dataset_free(data);
}

/* ---- arrays and scalars ---- */

enum { SITES = 2, YEARS = 3 };

static const double counts[SITES * YEARS] = {1, 4, 2, 0, 3, 7};
static const double effect[SITES * YEARS * 2] = {.1,  .2,  .3,  .4,  .5,  .6,
                                                 -.1, -.2, -.3, -.4, -.5, -.6};

static void arrays(urn_model *m)
{
    urn_plate sites = urn_plate_size(m, "sites", urn_data_int(m, "n_sites"));
    urn_plate years = urn_plate_size(m, "years", 3), grid = urn_plate_nest(sites, years);
    urn_var w = urn_sample(m, "w", normal, .loc = urn_data_array(m, "w0", (urn_plate){0}),
                           .scale = urn_data_real(m, "sd"));
    urn_var a = urn_sample(m, "a", normal, .loc = urn_data_array(m, "by_site", sites),
                           .scale = urn_real(m, 1), .plate = sites);
    urn_var x = urn_data_array(m, "effect", grid);
    urn_observe(m, "n", poisson, .value = urn_data_array(m, "counts", grid),
                .rate = urn_exp(urn_add(urn_row_dot(x, w), a)), .plate = grid);
}

static double arrays_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    double lp = lp_normal(f[0], 1, 2.5) + lp_normal(f[1], 2, 2.5);
    lp += lp_normal(f[2], -1, 1) + lp_normal(f[3], -2, 1);
    for (int i = 0; i < SITES * YEARS; i++)
        lp += lp_poisson(counts[i],
                         exp(effect[2 * i] * f[0] + effect[2 * i + 1] * f[1] + f[2 + i / YEARS]));
    return lp;
}

static void add_array(urn_dataset *data, const char *name, int rank, const int64_t *dims,
                      const double *values)
{
    urn_error error = {0};
    assert_ok(urn_dataset_add_array(data, name, rank, dims, values, &error), &error);
}

static void arrays_and_scalars(void **state)
{
    (void)state;
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    assert_ok(urn_dataset_add_scalar(data, "n_sites", 2, &error), &error);
    assert_ok(urn_dataset_add_scalar(data, "sd", 2.5, &error), &error);
    add_array(data, "w0", 1, (int64_t[]){2}, (double[]){1, 2});
    add_array(data, "by_site", 1, (int64_t[]){2}, (double[]){-1, -2});
    add_array(data, "counts", 2, (int64_t[]){SITES, YEARS}, counts);
    add_array(data, "effect", 3, (int64_t[]){SITES, YEARS, 2}, effect);
    check_model_density(DEF(arrays), data, arrays_by_hand);
    urn_model *model = trace_data(DEF(arrays), data);
    static const char *const kinds[] = {"int", "array", "real", "array", "array", "array"};
    int n[3] = {0};
    assert_int_equal(urn_model_data_count(model), 6);
    for (int i = 0; i < 6; i++) {
        urn_data_info info;
        urn_model_data(model, i, &info);
        for (int k = 0; k < 3; k++)
            n[k] += strcmp(info.kind, kinds[k]) == 0;
        assert_null(info.table);
        assert_true((info.observed != NULL) == (strcmp(info.name, "counts") == 0));
    }
    assert_true(n[0] == 1 && n[1] == 4 && n[2] == 1);
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- a value observed through latent sites: a density of its own ---- */

static void of_latents(urn_model *m)
{
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0), .scale = urn_real(m, 1));
    urn_var b = urn_sample(m, "b", half_normal, .scale = urn_real(m, 1));
    urn_observe(m, "sum", normal, .value = urn_add(a, b), .loc = urn_mul(a, b), .scale = b);
}

static double of_latents_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double a = f[0], b = exp(f[1]);
    return lp_normal(a, 0, 1) + lp_half_normal(b, 1) + f[1] + lp_normal(a + b, a * b, b);
}

static void observed_values_may_be_latent(void **state)
{
    (void)state;
    check_model_density(DEF(of_latents), NULL, of_latents_by_hand);
    urn_model *model = trace_data(DEF(of_latents), NULL);
    assert_null(urn_model_observed(model, site_of(model, "sum")));
    urn_model_free(model);
}

/* ---- a family of the caller's own: Laplace, without draws and summaries ---- */

static void two_sided_log_density(const urn_density_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double b = c->param[1][i], z = c->x[i] - c->param[0][i], sign = z < 0 ? -1 : 1;
        c->log_density[i] = b > 0 ? -fabs(z) / b - log(2 * b) : (double)NAN;
        if (c->d_x != NULL)
            c->d_x[i] = -sign / b;
        if (c->d_param[0] != NULL)
            c->d_param[0][i] = sign / b;
        if (c->d_param[1] != NULL)
            c->d_param[1][i] = fabs(z) / (b * b) - 1 / b;
    }
}

static const urn_family two_sided_family = {
    .bytes = sizeof(urn_family),
    .name = "two_sided",
    .support = urn_support_real,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .log_density = two_sided_log_density,
};

static const urn_family *urn_family_two_sided(void)
{
    return &two_sided_family;
}

static void own_family(urn_model *m)
{
    urn_plate k = urn_plate_size(m, "k", 3);
    urn_var s = urn_sample(m, "s", half_normal, .scale = urn_real(m, 1));
    urn_var a = urn_sample(m, "a", two_sided, .loc = urn_real(m, 1), .scale = s, .plate = k);
    urn_observe(m, "y", two_sided, .value = urn_real(m, 0.25), .loc = urn_sum(a), .scale = s);
}

static double own_family_by_hand(const urn_model *m, const double *f)
{
    (void)m;
    const double s = exp(f[0]);
    double lp = lp_half_normal(s, 1) + f[0];
    for (int i = 0; i < 3; i++)
        lp += log(gsl_ran_laplace_pdf(f[1 + i] - 1, s));
    return lp + log(gsl_ran_laplace_pdf(0.25 - f[1] - f[2] - f[3], s));
}

static void families_of_the_callers_own(void **state)
{
    (void)state;
    urn_model *model = trace_data(DEF(own_family), NULL);
    check_density(model, &(density_case){.expected = own_family_by_hand, .spread = 0.4});
    urn_error error = {0};
    urn_program *program;
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    assert_int_equal(urn_program_compile(model, &options, &program, &error), URN_ERR_MODEL);
    assert_string_equal(error.message, "(two_sided): it cannot be drawn from");
    machine c = machine_of(model, URN_PROGRAM_CENTRE), p = machine_of(model, URN_PROGRAM_PREDICT);
    urn_replay_run(c.replay, NULL);
    urn_replay_run(p.replay, NULL);
    const int a = site_of(model, "a"), y = site_of(model, "y");
    assert_true(isnan(urn_replay_result(c.replay, a, URN_RESULT_VALUE)[0]));
    assert_null(urn_replay_result(p.replay, y, URN_RESULT_CDF));
    assert_null(urn_replay_result(p.replay, y, URN_RESULT_DRAW));
    machine_clear(&c);
    machine_clear(&p);
    urn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_hops),
        cmocka_unit_test(means_of_training_rows),
        cmocka_unit_test(arrays_and_scalars),
        cmocka_unit_test(observed_values_may_be_latent),
        cmocka_unit_test(families_of_the_callers_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
