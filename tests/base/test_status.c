/* Statuses and errors: texts, exit codes, the one-line form. */
#include "tests/base/check.h"

#include <string.h>

static void exit_codes_are_the_promised_ones(void **state)
{
    (void)state;
    assert_int_equal(urn_status_exit_code(URN_OK), 0);
    assert_int_equal(urn_status_exit_code(URN_ERR_RUNTIME), 1);
    assert_int_equal(urn_status_exit_code(URN_ERR_MEMORY), 1);
    assert_int_equal(urn_status_exit_code(URN_ERR_INTERNAL), 1);
    assert_int_equal(urn_status_exit_code(URN_ERR_USAGE), 2);
    assert_int_equal(urn_status_exit_code(URN_ERR_DATA), 3);
    assert_int_equal(urn_status_exit_code(URN_ERR_MODEL), 4);
    assert_int_equal(urn_status_exit_code(URN_ERR_NOT_CONVERGED), 5);
    assert_int_equal(urn_status_exit_code(URN_ERR_IO), 6);
    assert_int_equal(urn_status_exit_code(URN_INTERRUPTED), 130);
    assert_int_equal(urn_status_exit_code((urn_status)99), 1);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(urn_status_text(URN_OK), "ok");
    assert_string_equal(urn_status_text(URN_ERR_DATA), "bad data");
    assert_string_equal(urn_status_text(URN_INTERRUPTED), "interrupted");
    assert_string_equal(urn_status_text((urn_status)99), "unknown status");
}

static void assert_line(const urn_error *error, const char *line)
{
    char text[2048];
    urn_error_format(error, text, sizeof text);
    assert_string_equal(text, line);
}

static void a_full_error_is_one_line(void **state)
{
    (void)state;
    urn_error error = {0};
    assert_int_equal(urn__fail(&error, URN_ERR_MODEL, "pmf.c:14", "U",
                               "both need the same last dimension",
                               "loc has %d elements but scale_tril is %d x %d", 4, 5, 5),
                     URN_ERR_MODEL);
    assert_int_equal(error.status, URN_ERR_MODEL);
    assert_string_equal(error.where, "pmf.c:14");
    assert_string_equal(error.site, "U");
    assert_line(&error, "pmf.c:14: site \"U\": loc has 4 elements but scale_tril is 5 x 5; "
                        "both need the same last dimension");
}

static void empty_parts_are_left_out(void **state)
{
    (void)state;
    urn_error error;
    memset(&error, 'x', sizeof error); /* every field is set, whatever was there */
    urn__fail(&error, URN_ERR_DATA, "a.csv:3", NULL, NULL, "rating is \"%s\"", "seven");
    assert_line(&error, "a.csv:3: rating is \"seven\"");
    urn__fail(&error, URN_ERR_DATA, NULL, "R", NULL, "negative");
    assert_line(&error, "site \"R\": negative");
    urn__fail(&error, URN_ERR_USAGE, NULL, NULL, "use --out", "no directory");
    assert_line(&error, "no directory; use --out");
    const urn_error bare = {.status = URN_ERR_IO};
    assert_line(&bare, "input/output error");
}

static void the_format_fits_any_buffer(void **state)
{
    (void)state;
    urn_error error;
    urn__fail(&error, URN_ERR_DATA, "file.csv:12", "R", NULL, "bad");
    char text[12];
    memset(text, 'x', sizeof text);
    urn_error_format(&error, text, 11);
    assert_string_equal(text, "file.cs...");
    assert_int_equal(text[11], 'x');
    urn_error_format(&error, text, 1);
    assert_string_equal(text, "");
    urn_error_format(&error, text, 0);
    urn_error_format(&error, NULL, 10);
    urn_error_format(NULL, text, sizeof text);
    assert_string_equal(text, "");
}

static void long_parts_are_cut_and_say_so(void **state)
{
    (void)state;
    char longer[2000];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    urn_error error;
    urn__fail(&error, URN_ERR_DATA, longer, longer, longer, "%s", longer);
    assert_int_equal(strlen(error.where), sizeof error.where - 1);
    assert_int_equal(strlen(error.site), sizeof error.site - 1);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_int_equal(strlen(error.hint), sizeof error.hint - 1);
    assert_string_equal(error.where + sizeof error.where - 5, "a...");
    assert_string_equal(error.site + sizeof error.site - 5, "a...");
    assert_string_equal(error.message + sizeof error.message - 5, "a...");
    assert_string_equal(error.hint + sizeof error.hint - 5, "a...");
}

static void an_error_may_wrap_itself(void **state)
{
    (void)state;
    urn_error error;
    urn__fail(&error, URN_ERR_IO, "run/fit.json", "U", "free some space", "disk full");
    urn__fail(&error, URN_ERR_RUNTIME, error.where, error.site, error.hint, "cannot save: %s",
              error.message);
    assert_line(&error, "run/fit.json: site \"U\": cannot save: disk full; free some space");
    assert_int_equal(error.status, URN_ERR_RUNTIME);
}

static void nobody_has_to_want_the_error(void **state)
{
    (void)state;
    assert_int_equal(urn__fail(NULL, URN_ERR_DATA, "a", "b", "c", "%d", 1), URN_ERR_DATA);
    assert_int_equal(urn__fail_memory(NULL, "the table", 10), URN_ERR_MEMORY);
    urn_error error;
    assert_int_equal(urn__fail_memory(&error, "the table", 4096), URN_ERR_MEMORY);
    assert_string_equal(error.message, "out of memory: the table needs 4096 bytes");
    assert_int_not_equal(strlen(error.hint), 0);
}

static urn_status count_and(int *calls, urn_status status)
{
    URN_TRY(status);
    ++*calls;
    return URN_OK;
}

static void try_returns_at_once(void **state)
{
    (void)state;
    int calls = 0;
    assert_int_equal(count_and(&calls, URN_ERR_DATA), URN_ERR_DATA);
    assert_int_equal(calls, 0);
    assert_int_equal(count_and(&calls, URN_OK), URN_OK);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes_are_the_promised_ones),
        cmocka_unit_test(texts),
        cmocka_unit_test(a_full_error_is_one_line),
        cmocka_unit_test(empty_parts_are_left_out),
        cmocka_unit_test(the_format_fits_any_buffer),
        cmocka_unit_test(long_parts_are_cut_and_say_so),
        cmocka_unit_test(an_error_may_wrap_itself),
        cmocka_unit_test(nobody_has_to_want_the_error),
        cmocka_unit_test(try_returns_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
