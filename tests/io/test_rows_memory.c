/* What rows cost: bytes a row while a file is read, in the dataset, and in the models that read it;
 * and that nothing else changes with how they are kept. */
#include "io_test.h"

#include "runtime/graph/graph.h"
#include "runtime/model/dataset.h"

#include <math.h>
#include <urn/urn.h>

enum { ROWS = 60000, USERS = 700, ITEMS = 300 };

/* ---- an allocator that knows how much there is ---- */

typedef struct meter {
    size_t now, peak;
} meter;

static void *meter_allocate(void *context, size_t size)
{
    meter *m = context;
    const size_t whole = (size + 64 + 63) / 64 * 64;
    char *block = aligned_alloc(64, whole);
    assert_non_null(block);
    memcpy(block, &size, sizeof size);
    m->now += size;
    m->peak = m->now > m->peak ? m->now : m->peak;
    return block + 64;
}

static void meter_release(void *context, void *given)
{
    meter *m = context;
    size_t size;
    memcpy(&size, (char *)given - 64, sizeof size);
    m->now -= size;
    free((char *)given - 64);
}

static urn_allocator meter_hook(meter *m)
{
    return (urn_allocator){meter_allocate, meter_release, m};
}

static double a_row(size_t bytes)
{
    return (double)bytes / ROWS;
}

/* What does not grow with the rows: the window, ids, names, arenas' blocks. */
#define FIXED (64.0 * 1024 / ROWS)

static void at_most(const char *what, double found, double expected)
{
    print_message("%-44s %6.2f bytes a row, at most %.2f\n", what, found, expected);
    if (!(found <= expected))
        fail_msg("%s: %.3f bytes a row, expected at most %.3f", what, found, expected);
}

/* ---- a file of ratings, each pair once, in no order ---- */

static int64_t user_of(int64_t r)
{
    return (r * 7919 % ROWS) % USERS;
}

static int64_t item_of(int64_t r)
{
    return (r * 7919 % ROWS) / USERS;
}

static double rating_of(int64_t r)
{
    return 0.5 * (double)(1 + (user_of(r) * 31 + item_of(r) * 17) % 10);
}

/* `gap`: a blank line before this row; `form` of the rating. */
static const char *write_ratings(const char *name, const char *user_form, const char *form,
                                 int64_t gap)
{
    const char *path = in_dir(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "user,item,rating\n");
    for (int64_t r = 0; r < ROWS; r++) {
        if (r == gap)
            fputc('\n', file);
        fprintf(file, user_form, (int)user_of(r));
        fprintf(file, ",%d,", (int)item_of(r) + 10);
        fprintf(file, form, rating_of(r));
        fputc('\n', file);
    }
    assert_int_equal(fclose(file), 0);
    return path;
}

static urn_dataset *read_with(const char *path, meter *kept, meter *work, urn_allocator hooks[2],
                              bool single)
{
    *kept = *work = (meter){0};
    hooks[0] = meter_hook(kept);
    hooks[1] = meter_hook(work);
    const urn__io_options options = {.allocator = &hooks[1], .single = single, .window_size = 4096};
    urn_dataset *data = urn_dataset_new(&hooks[0]);
    assert_non_null(data);
    expect_ok(urn__io_read_csv(path, "", data, &options, &err));
    assert_int_equal(urn_dataset_rows(data, ""), ROWS);
    return data;
}

static void reading_takes_the_columns_and_little_more(void **state)
{
    (void)state;
    static const struct {
        const char *users, *ratings;
        bool single;
        double bytes;
    } kinds[] = {{"%d", "%.1f", false, 12},  /* exact in floats */
                 {"%d", "%.1f1", false, 16}, /* not */
                 {"%d", "%.1f1", true, 12},  /* rounded */
                 {"%d", "%.0f", false, 12},  /* whole */
                 {"90000000000%03d", "%.1f", false, 16},
                 {"u%d", "%.1f", false, 12}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        meter kept, work;
        urn_allocator hooks[2];
        const char *path = write_ratings("r.csv", kinds[k].users, kinds[k].ratings, -1);
        urn_dataset *data = read_with(path, &kept, &work, hooks, kinds[k].single);
        /* a column that changes its type is there twice on its way */
        at_most("reading, at most", a_row(kept.peak), kinds[k].bytes + 4 + FIXED);
        at_most("the work of reading", a_row(work.peak), FIXED);
        at_most("the dataset", a_row(kept.now), kinds[k].bytes + FIXED);
        const double told = a_row(urn_dataset_memory(data));
        assert_true(fabs(told - a_row(kept.now)) < FIXED);
        for (int64_t r = 0; r < ROWS; r += 997) {
            char text[32];
            snprintf(text, sizeof text, kinds[k].ratings, rating_of(r));
            const double value = strtod(text, NULL);
            assert_true(urn_dataset_values(data, "", "rating")[r] ==
                        (kinds[k].single ? (double)(float)value : value));
        }
        urn_dataset_free(data);
        assert_int_equal(kept.now, 0);
        assert_int_equal(work.now, 0);
    }
}

/* ---- ids, splits, checks ---- */

static void ids_replace_their_column(void **state)
{
    (void)state;
    static const char *const forms[] = {"%d", "u%d"};
    for (size_t k = 0; k < 2; k++) {
        meter kept, work;
        urn_allocator hooks[2];
        urn_dataset *data =
            read_with(write_ratings("r.csv", forms[k], "%.1f", -1), &kept, &work, hooks, false);
        urn__arena *arena = urn__arena_new(NULL);
        urn__ids users, items;
        urn__index *index;
        kept.peak = kept.now;
        expect_ok(urn__dataset_ids(data, "user", arena, &users, &err));
        expect_ok(urn__dataset_ids(data, "item", arena, &items, &err));
        assert_int_equal(users.n, USERS);
        at_most("finding ids, at most", a_row(kept.peak), 12 + 4 + FIXED);
        at_most("coded", a_row(kept.now), 12 + FIXED);
        kept.peak = kept.now;
        expect_ok(urn__dataset_check_unique(data, 0, "user,item", &err));
        at_most("checking for repeats, at most", a_row(kept.peak), 12 + 4 + FIXED);
        at_most("checked", a_row(kept.now), 12 + FIXED);
        kept.peak = kept.now;
        expect_ok(urn__io_split(data, "", 0.1, &err));
        at_most("holding out, at most", a_row(kept.peak), 12 + 8 + 0.25 + FIXED);
        at_most("held out", a_row(kept.now), 12 + 0.25 + FIXED);
        const urn__view training = urn__dataset_view(data, 0, URN_ROWS_TRAINING);
        const urn__view held_out = urn__dataset_view(data, 0, URN_ROWS_HELD_OUT);
        expect_ok(
            urn__dataset_index(data, 0, "user", &users, USERS, &training, arena, &index, &err));
        expect_ok(
            urn__dataset_index(data, 0, "user", &users, USERS, &held_out, arena, &index, &err));
        at_most("two indices", a_row(kept.now), 12 + 0.25 + FIXED);
        assert_true(urn__index_need(index));
        at_most("one of them by target", a_row(kept.now), 12 + 0.25 + 0.4 + FIXED);
        urn__arena_free(arena);
        urn_dataset_free(data);
        assert_int_equal(kept.now, 0);
    }
}

static void lines_are_kept_as_runs(void **state)
{
    (void)state;
    meter kept, work;
    urn_allocator hooks[2];
    char where[64], expected[64];
    const char *path = write_ratings("r.csv", "%d", "%.1f", ROWS / 2);
    urn_dataset *data = read_with(path, &kept, &work, hooks, false);
    at_most("with a blank line", a_row(kept.now), 12 + FIXED);
    for (int64_t r = 1; r < ROWS; r += 5003) {
        urn__dataset_where(data, 0, r, where, sizeof where);
        snprintf(expected, sizeof expected, "%s:%lld", path, (long long)r + 2 + (r >= ROWS / 2));
        assert_string_equal(where, expected);
    }
    urn_dataset_free(data);
}

/* ---- models ---- */

static void ratings(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "ratings"), users = urn_plate_of(m, "user");
    urn_plate items = urn_plate_of(m, "item");
    urn_unique(rows, "user,item");
    urn_var zero = urn_real(m, 0), one = urn_real(m, 1);
    urn_var u = urn_sample(m, "u", normal, .loc = zero, .scale = one, .plate = users);
    urn_var v = urn_sample(m, "v", normal, .loc = zero, .scale = one, .plate = items);
    urn_var mean = urn_add(urn_gather(u, urn_index(rows, "user", users)),
                           urn_gather(v, urn_index(rows, "item", items)));
    urn_observe(m, "y", normal, .value = urn_data(rows, "rating"), .loc = mean, .scale = one,
                .plate = rows);
}
URN_MODEL(ratings, "ratings");

/* A trace takes views of the dataset's columns; a program the orders of its scatters, and numbers
 * in its precision in place of the smallest ones. */
static void models_take_views(void **state)
{
    (void)state;
    meter kept, work, own = {0};
    urn_allocator hooks[2], hook = meter_hook(&own);
    const char *path = write_ratings("r.csv", "%d", "%.1f", -1);
    urn_dataset *data = read_with(path, &kept, &work, hooks, false);
    expect_ok(urn__io_split(data, "", 0.1, &err));
    urn_trace_options options = {.bytes = sizeof options, .allocator = &hook, .data = data};
    urn_model *training, *held_out, *batched;
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &training, &err));
    options.allow_duplicates = true;
    options.rows = URN_ROWS_HELD_OUT;
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &held_out, &err));
    options.rows = URN_ROWS_TRAINING;
    options.batch_plate = "ratings";
    options.batch_size = 100;
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &batched, &err));
    at_most("four traces", a_row(own.now), 8 * FIXED);
    at_most("the dataset beside them", a_row(kept.now), 12 + 0.25 + FIXED);
    urn_program *program;
    urn_compile_options compile = {.bytes = sizeof compile, .kind = URN_PROGRAM_DENSITY};
    expect_ok(urn_program_compile(batched, &compile, &program, &err));
    at_most("a program of mini-batches", a_row(kept.now), 12 + 0.25 + FIXED);
    urn_program_free(program);
    compile.precision = URN_PRECISION_SINGLE;
    expect_ok(urn_program_compile(training, &compile, &program, &err));
    at_most("a program in single precision", a_row(kept.now), 12 + 2 * 0.9 * 4 + 0.25 + FIXED);
    urn_program_free(program);
    urn_model_free(batched);
    urn_model_free(held_out);
    urn_model_free(training);
    assert_int_equal(own.now, 0);
    urn_dataset_free(data);
    assert_int_equal(kept.now, 0);
}

/* ---- how rows are kept is not seen ---- */

static void check_rows(const urn_dataset *data, const unsigned char *flags)
{
    const double *user = urn_dataset_values(data, "", "user");
    const double *rating = urn_dataset_values(data, "", "rating");
    const unsigned char *held_out = urn_dataset_held_out(data, "");
    char where[128], expected[128];
    for (int64_t r = 0; r < ROWS; r++) {
        assert_true(user[r] == (double)user_of(r));
        assert_true(rating[r] == rating_of(r));
        assert_int_equal(held_out ? held_out[r] : 0, flags ? flags[r] : 0);
    }
    int64_t at[2] = {0};
    const urn__view views[2] = {urn__dataset_view(data, 0, URN_ROWS_TRAINING),
                                urn__dataset_view(data, 0, URN_ROWS_HELD_OUT)};
    for (int64_t r = 0; r < ROWS; r++) { /* each view has its rows in order */
        const int k = flags && flags[r];
        assert_int_equal(urn__dataset_row(data, 0, &views[k], at[k]++), r);
    }
    assert_int_equal(at[0], views[0].n);
    assert_int_equal(at[1], views[1].n);
    urn__dataset_where(data, 0, ROWS - 1, where, sizeof where);
    snprintf(expected, sizeof expected, "%s:%d", urn_dataset_source(data, ""), ROWS + 1);
    assert_string_equal(where, expected);
}

static void splits_come_and_go(void **state)
{
    (void)state;
    static unsigned char flags[ROWS], last[ROWS];
    uint64_t seed = 5;
    meter kept, work;
    urn_allocator hooks[2];
    const char *path = write_ratings("r.csv", "%d", "%.1f", -1);
    urn_dataset *data = read_with(path, &kept, &work, hooks, false);
    urn__arena *arena = urn__arena_new(NULL);
    urn__ids users;
    check_rows(data, NULL);
    for (int k = 0; k < 4; k++) {
        for (int64_t r = 0; r < ROWS; r++)
            flags[r] = next_random(&seed) % 4 < (uint64_t)k;
        expect_ok(urn_dataset_set_held_out(data, "", flags, &err));
        check_rows(data, k > 0 ? flags : NULL);
        if (k == 1) /* the user column is codes from here on */
            expect_ok(urn__dataset_ids(data, "user", arena, &users, &err));
    }
    for (int64_t r = 0; r < ROWS; r++)
        last[r] = r >= ROWS - 50;
    expect_ok(urn_dataset_set_held_out(data, "", last, &err));
    check_rows(data, last);
    urn__view all = urn__dataset_view(data, 0, URN_ROWS_ALL);
    assert_false(all.by_row);
    memset(last, 0, sizeof last);
    expect_ok(urn_dataset_set_held_out(data, "", last, &err));
    check_rows(data, NULL);
    /* a column added to rows that are kept in another order */
    expect_ok(urn_dataset_set_held_out(data, "", flags, &err));
    double *numbers = malloc(ROWS * sizeof *numbers);
    assert_non_null(numbers);
    for (int64_t r = 0; r < ROWS; r++)
        numbers[r] = (double)r;
    expect_ok(urn_dataset_add_real(data, "", "number", numbers, &err));
    assert_memory_equal(urn_dataset_values(data, "", "number"), numbers, ROWS * sizeof *numbers);
    check_rows(data, flags);
    free(numbers);
    urn__arena_free(arena);
    urn_dataset_free(data);
    assert_int_equal(kept.now, 0);
}

/* Rows of a model, traced before the split changed, stay what they were. */
static void models_keep_the_rows_they_saw(void **state)
{
    (void)state;
    static unsigned char flags[ROWS];
    urn_dataset *data = urn_dataset_new(NULL);
    const char *path = write_ratings("r.csv", "%d", "%.1f", -1);
    expect_ok(urn__io_read_csv(path, "", data, NULL, &err));
    urn_trace_options options = {.bytes = sizeof options, .data = data};
    urn_model *before, *after;
    urn_site_info info;
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &before, &err));
    for (int64_t r = 0; r < ROWS; r++)
        flags[r] = r % 3 == 0;
    expect_ok(urn_dataset_set_held_out(data, "", flags, &err));
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &after, &err));
    const int y = urn_model_site_find(before, "y");
    const double *all = urn_model_observed(before, y), *some = urn_model_observed(after, y);
    urn_model_site(before, y, &info);
    assert_int_equal(info.rows, ROWS);
    for (int64_t r = 0, i = 0; r < ROWS; r++) {
        assert_true(all[r] == rating_of(r));
        if (!flags[r])
            assert_true(some[i++] == rating_of(r));
    }
    urn_model_free(before);
    urn_model_free(after);
    urn_dataset_free(data);
}

/* All rows of a table with held-out ones, in the order of the file. */
static void all_rows_are_in_order(void **state)
{
    (void)state;
    urn_dataset *data = urn_dataset_new(NULL);
    urn_trace_options options = {.bytes = sizeof options, .data = data, .rows = URN_ROWS_ALL};
    const char *path = write_ratings("r.csv", "%d", "%.1f", -1);
    expect_ok(urn__io_read_csv(path, "", data, NULL, &err));
    expect_ok(urn__io_split(data, "", 0.3, &err));
    urn_model *model;
    expect_ok(urn_model_trace(urn_model_ratings(), &options, &model, &err));
    const double *y = urn_model_observed(model, urn_model_site_find(model, "y"));
    for (int64_t r = 0; r < ROWS; r++) {
        assert_true(y[r] == rating_of(r));
        assert_int_equal(urn_model_table_row(model, "ratings", r), r);
    }
    urn_model_free(model);
    urn_dataset_free(data);
}

/* ---- the estimate before reading ---- */

static void files_are_estimated(void **state)
{
    (void)state;
    urn__io_estimate e;
    meter kept, work;
    urn_allocator hooks[2];
    const char *path = write_ratings("r.csv", "%03d", "%.1f", -1);
    const urn__io_options options = {.window_size = 20000};
    expect_ok(urn__io_memory(path, &options, &e, &err));
    assert_true(fabs((double)e.rows / ROWS - 1) < 0.03);
    urn_dataset *data = read_with(path, &kept, &work, hooks, false);
    assert_true(fabs(e.held / (double)kept.now - 1) < 0.05);
    assert_true(e.peak >= e.held);
    urn_dataset_free(data);
    expect_ok(urn__io_memory(path, NULL, &e, &err)); /* all of it in one stretch */
    assert_int_equal(e.rows, ROWS);
    expect_ok(urn__io_memory(write_text("s.csv", "a,b\n1,2"), NULL, &e, &err));
    assert_int_equal(e.rows, 1);
    path = write_text("m.mtx", "%%MatrixMarket matrix coordinate real general\n% c\n4 4 2\n"
                               "1 1 2.5\n3 1 -1\n");
    expect_ok(urn__io_memory(path, NULL, &e, &err));
    assert_int_equal(e.rows, 2);
    assert_true(e.held == 24.0);
    expect_ok(urn__io_memory(write_text("m.json", "{\"N\": 3}"), NULL, &e, &err));
    assert_true(e.held > 0);
    expect_ok(urn__io_memory(in_dir("absent.csv"), NULL, &e, &err)); /* reading will say so */
    assert_true(e.rows == 0 && e.held == 0);
    expect_failure(URN_ERR_DATA, "expected 2 fields, found 1",
                   urn__io_memory(write_text("bad.csv", "a,b\n1\n"), NULL, &e, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_takes_the_columns_and_little_more),
        cmocka_unit_test(ids_replace_their_column),
        cmocka_unit_test(lines_are_kept_as_runs),
        cmocka_unit_test(models_take_views),
        cmocka_unit_test(splits_come_and_go),
        cmocka_unit_test(models_keep_the_rows_they_saw),
        cmocka_unit_test(all_rows_are_in_order),
        cmocka_unit_test(files_are_estimated),
    };
    return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
