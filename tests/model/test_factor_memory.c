/* What the ratings of a factor model cost a program: bytes a row, and that the ways to save them
 * (observations read as they are stored, weights a block at a time, rows told by where they start)
 * change no number. */
#include "models/models.h"
#include "tests/model/density_test.h"

enum { USERS = 90, ITEMS = 60, DIM = 16, ROWS = 9001, SOME_ROWS = 20000, MANY_ROWS = 200000 };

typedef enum values { HALVES, WHOLE, THIRDS } values; /* floats, 32-bit integers, doubles */

static int64_t user[MANY_ROWS], item[MANY_ROWS], whole[MANY_ROWS];
static double rating[MANY_ROWS];

/* Ratings by user or in no order. Every user and item has some. */
static urn_dataset *ratings_of(int64_t n, values kind, bool sorted, const urn_allocator *hook)
{
    dice d = {(uint64_t)(n + kind)};
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(hook);
    assert_non_null(data);
    for (int64_t r = 0; r < n; r++) {
        user[r] = sorted ? r * USERS / n : r < USERS ? USERS - 1 - r : dice_below(&d, USERS);
        item[r] = r < ITEMS ? r : dice_below(&d, ITEMS);
        whole[r] = dice_below(&d, 10) - 4;
        rating[r] = (double)whole[r] / (kind == HALVES ? 2.0 : 3.0);
    }
    assert_ok(urn_dataset_add_table(data, "", "ratings.csv", n, 2, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "user", user, &error), &error);
    assert_ok(urn_dataset_add_int(data, "", "item", item, &error), &error);
    assert_ok(kind == WHOLE ? urn_dataset_add_int(data, "", "rating", whole, &error)
                            : urn_dataset_add_real(data, "", "rating", rating, &error),
              &error);
    return data;
}

static urn_model *trace_ratings(const urn_dataset *data, const urn_allocator *allocator)
{
    const urn_setting dim = {"dim", "16"};
    urn_trace_options options = trace_options(data);
    options.allocator = allocator;
    options.settings = &dim;
    options.n_settings = 1;
    options.allow_duplicates = true;
    return trace_with(urn__builtin_find("hpmf"), &options);
}

static void the_same_numbers(void **state)
{
    (void)state;
    for (int kind = HALVES; kind <= THIRDS; kind++)
        for (int sorted = 0; sorted < 2; sorted++) {
            urn_dataset *data = ratings_of(ROWS, (values)kind, sorted != 0, NULL);
            urn_model *model = trace_ratings(data, NULL);
            variant v[MOST_VARIANTS];
            dice d = {7};
            evaluation e = evaluation_new(urn_model_position_size(model));
            const int n = density_variants(model, v);
            dice_normals(&d, e.n, 0.3, e.x);
            check_variants(&e, v, n);
            variants_clear(v, n);
            evaluation_clear(&e);
            urn_model_free(model);
            urn_dataset_free(data);
        }
}

/* ---- bytes ---- */

static void *metered(void *context, size_t size)
{
    size_t *in_use = context;
    char *block = aligned_alloc(64, (size + 127) / 64 * 64);
    assert_non_null(block);
    memcpy(block, &size, sizeof size);
    *in_use += size;
    return block + 64;
}

static void released(void *context, void *given)
{
    size_t *in_use = context, size;
    char *block = (char *)given - 64;
    memcpy(&size, block, sizeof size);
    *in_use -= size;
    free(block);
}

/* Bytes of a program and its buffers. */
static size_t bytes_of(int64_t n, values kind, bool sorted, urn_precision precision)
{
    size_t in_use = 0;
    const urn_allocator hook = {metered, released, &in_use};
    urn_error error = {0};
    urn_dataset *data = ratings_of(n, kind, sorted, &hook);
    urn_model *model = trace_ratings(data, &hook);
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_DENSITY, .precision = precision};
    const size_t before = in_use;
    urn_program *program;
    urn_replay *replay;
    assert_ok(urn_program_compile(model, &options, &program, &error), &error);
    assert_ok(urn_replay_new(program, 2, &replay, &error), &error);
    const size_t bytes = in_use - before;
    urn_replay_free(replay);
    urn_program_free(program);
    urn_model_free(model);
    urn_dataset_free(data);
    assert_int_equal(in_use, 0);
    return bytes;
}

/* What one more row takes. From 11,520 rows on there are as many copies of V's sums as there may
 * be. */
static double bytes_a_row(values kind, bool sorted, urn_precision precision)
{
    const double most = (double)bytes_of(MANY_ROWS, kind, sorted, precision);
    const double some = (double)bytes_of(SOME_ROWS, kind, sorted, precision);
    return (most - some) / (MANY_ROWS - SOME_ROWS);
}

static void rows_cost_little(void **state)
{
    (void)state;
    static const double column[] = {[HALVES] = 4, [WHOLE] = 4, [THIRDS] = 8};
    for (int kind = HALVES; kind <= THIRDS; kind++)
        for (int single = 0; single < 2; single++) {
            const urn_precision precision = single ? URN_PRECISION_SINGLE : URN_PRECISION_DOUBLE;
            const double in_order = bytes_a_row((values)kind, true, precision);
            const double in_none = bytes_a_row((values)kind, false, precision);
            print_message("kind %d, %s: %.2f bytes a row by user, %.2f in no order\n", kind,
                          single ? "single" : "double", in_order, in_none);
            assert_true(in_order < 0.1);
            assert_true(in_none < column[kind] + 4.0 + 0.1); /* sorted copies: rating, item */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_numbers),
        cmocka_unit_test(rows_cost_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
