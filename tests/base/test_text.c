/* Hashes, nearest names, numbers from text. */
#include "tests/base/check.h"

#include <math.h>
#include <string.h>

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t count_equal(uint64_t *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_u64);
    size_t equal = 0;
    for (size_t i = 1; i < n; i++)
        equal += values[i] == values[i - 1];
    return equal;
}

/* Small integers in both places: where sums and products of the two would collide thousands of
 * times. */
static void hashes_of_pairs_do_not_collide(void **state)
{
    (void)state;
    const size_t side = 600;
    uint64_t *hashes = malloc(side * side * sizeof *hashes);
    for (uint64_t h = 0; h < side; h++)
        for (uint64_t value = 0; value < side; value++)
            hashes[h * side + value] = urn__hash_u64(h, value);
    assert_int_equal(count_equal(hashes, side * side), 0);
    free(hashes);
}

static void every_input_bit_flips_half_the_output(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        int flipped_value = 0, flipped_h = 0;
        for (uint64_t i = 0; i < 256; i++) {
            const uint64_t flip = (uint64_t)1 << bit;
            flipped_value += __builtin_popcountll(urn__hash_u64(7, i) ^ urn__hash_u64(7, i ^ flip));
            flipped_h += __builtin_popcountll(urn__hash_u64(i, 7) ^ urn__hash_u64(i ^ flip, 7));
        }
        /* 256 x 32 expected, standard deviation 64 */
        assert_in_range(flipped_value, 8192 - 384, 8192 + 384);
        assert_in_range(flipped_h, 8192 - 384, 8192 + 384);
    }
}

static void byte_hashes_see_order_length_and_seams(void **state)
{
    (void)state;
    uint64_t hashes[12] = {
        urn__hash_text(0, ""),
        urn__hash_text(0, "a"),
        urn__hash_text(0, "ab"),
        urn__hash_text(0, "ba"),
        urn__hash_bytes(0, "a\0", 2),
        urn__hash_text(0, "abcdefgh"),
        urn__hash_text(0, "abcdefghi"),
        urn__hash_text(1, "a"),
        urn__hash_text(urn__hash_text(0, "ab"), "c"),
        urn__hash_text(urn__hash_text(0, "a"), "bc"),
        urn__hash_text(0, "abc"),
        urn__hash_bytes(0, "\0\0", 2),
    };
    assert_int_equal(urn__hash_text(0, "abc"), urn__hash_bytes(0, "abc", 3));
    assert_int_equal(count_equal(hashes, 12), 0);
}

static void assert_nearest(const char *name, const char *expected)
{
    static const char *const names[] = {"steps", "seed", "threads", "holdout", "obs_scale", "lr"};
    const char *found = urn__nearest(name, names, sizeof names / sizeof *names);
    if (expected)
        assert_string_equal(found, expected);
    else
        assert_null(found);
}

static void nearest_names(void **state)
{
    (void)state;
    assert_nearest("step", "steps");
    assert_nearest("setps", "steps"); /* a swap of neighbours is one slip */
    assert_nearest("sead", "seed");
    assert_nearest("thread", "threads");
    assert_nearest("hold-out", "holdout");
    assert_nearest("Obs-Scale", "obs_scale");
    assert_nearest("l", "lr");
    assert_nearest("steps", "steps");
    assert_nearest("engine", NULL);
    assert_nearest("xyz", NULL);
    assert_nearest("q", NULL);
    assert_nearest("", NULL);
    assert_nearest(NULL, NULL);
    assert_null(urn__nearest("lr", NULL, 0));
    char longer[200];
    memset(longer, 's', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_nearest(longer, NULL);
    const char *const long_names[] = {longer, NULL, "ss"};
    assert_string_equal(urn__nearest("sss", long_names, 3), "ss");
}

static void the_nearest_wins_and_ties_go_to_the_first(void **state)
{
    (void)state;
    const char *const names[] = {"scale_trim", "scale_tril", "scale"};
    assert_string_equal(urn__nearest("scale_tril", names, 3), "scale_tril");
    assert_string_equal(urn__nearest("scale_trix", names, 3), "scale_trim");
    assert_string_equal(urn__nearest("scal", names, 3), "scale");
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-17", -17},
                {"+5", 5},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t value = 99;
        assert_true(urn__parse_int(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    static const char *const bad[] = {"",
                                      " ",
                                      "1 ",
                                      " 1",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "abc",
                                      "--1",
                                      "+",
                                      "-",
                                      "1\n",
                                      ".5",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t value = 99;
        assert_false(urn__parse_int(bad[i], &value));
        assert_int_equal(value, 99);
    }
    int64_t value;
    assert_false(urn__parse_int(NULL, &value));
}

static void reals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},  {"-1.5", -1.5}, {"+2", 2.0}, {"1e-3", 1e-3}, {"1.5E+2", 150},
                {".5", 0.5}, {"-.25", -.25}, {"3.", 3.0}, {"0.1", 0.1},   {"1e308", 1e308}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double value = 99;
        assert_true(urn__parse_real(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",     " 1",    "1 ",    "nan", "NaN",      "-nan",  "inf",
                                      "-inf", "0x1p3", "1,5",   "1e",  "e5",       "1e999", "--1",
                                      ".",    "+",     "1.2.3", "ten", "-infinity"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double value = 99;
        assert_false(urn__parse_real(bad[i], &value));
        assert_true(value == 99);
    }
    double value;
    assert_false(urn__parse_real(NULL, &value));
    assert_true(
        urn__parse_real("4.9e-324", &value)); /* too small for a normal number is still a number */
    assert_true(value >= 0 && value < 1e-300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_pairs_do_not_collide),
        cmocka_unit_test(every_input_bit_flips_half_the_output),
        cmocka_unit_test(byte_hashes_see_order_length_and_seams),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(the_nearest_wins_and_ties_go_to_the_first),
        cmocka_unit_test(integers),
        cmocka_unit_test(reals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
