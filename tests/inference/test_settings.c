/* Engine options: what is accepted, and the words of every refusal. */
#include "tests/inference/check.h"

static urn__arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = urn__arena_new(NULL);
    return arena ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    urn__arena_free(arena);
    return 0;
}

static urn_status read_one(const char *engine, const char *name, const char *value,
                           urn__settings *settings, urn_error *error)
{
    const urn_setting given = {name, value};
    return urn__settings_read(urn_engine_find(engine), &given, 1, arena, settings, error);
}

static void defaults_and_given_values(void **state)
{
    (void)state;
    const urn_setting given[] = {{"steps", "20"}, {"lr", "1e-2"}, {"guide", "delta"}};
    urn__settings s;
    assert_int_equal(urn__settings_read(urn_engine_find("svi"), given, 3, arena, &s, NULL), URN_OK);
    assert_int_equal(urn__setting_int(&s, "steps"), 20);
    assert_true(urn__setting_real(&s, "lr") == 0.01);
    assert_true(urn__setting_is(&s, "guide", "delta"));
    assert_false(urn__setting_is(&s, "guide", "normal"));
    assert_int_equal(urn__setting_int(&s, "particles"), 1);
    assert_true(urn__setting(&s, "lr")->given);
    assert_false(urn__setting(&s, "particles")->given);
    assert_false(urn__setting(&s, "lr-final")->set);
    assert_true(urn__setting_is(&s, "optimizer", "adam"));
}

/* Each table is sound by itself: fallbacks pass their own checks, every row has help, and names are
 * those a command line can take. */
static void tables_are_sound(void **state)
{
    (void)state;
    assert_true(urn_engine_count() >= 2);
    assert_null(urn_engine_at(-1));
    assert_null(urn_engine_at(urn_engine_count()));
    assert_null(urn_engine_find("nut"));
    for (int i = 0; i < urn_engine_count(); i++) {
        const urn_engine *engine = urn_engine_at(i);
        urn__settings s;
        assert_ptr_equal(urn_engine_find(urn_engine_name(engine)), engine);
        assert_true(strlen(urn_engine_summary(engine)) > 10);
        assert_int_equal(urn__settings_read(engine, NULL, 0, arena, &s, NULL), URN_OK);
        const urn_option_spec *row = urn_engine_options(engine);
        for (; row->name; row++) {
            assert_true(strspn(row->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(row->name));
            assert_true(strlen(row->help) > 5);
            assert_true((row->type == URN_OPTION_CHOICE) == (row->choices != NULL));
            for (const urn_option_spec *other = row + 1; other->name; other++)
                assert_string_not_equal(row->name, other->name);
        }
    }
}

static void refusals_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *name, *value, *message, *hint;
    } cases[] = {
        {"svi", "stepps", "3",
         "engine \"svi\" has no option \"stepps\"; its options are steps, lr,",
         "did you mean \"steps\"?"},
        {"map", "guide", "delta", "engine \"map\" has no option \"guide\"", ""},
        {"svi", "steps", "0", "option \"steps\" is 0, but must be between 1 and", ""},
        {"svi", "steps", "3.5", "option \"steps\" is \"3.5\", but must be a whole number", ""},
        {"svi", "lr", "-1", "option \"lr\" is -1, but must be between", ""},
        {"svi", "lr", "nan", "option \"lr\" is \"nan\", but must be a number", ""},
        {"svi", "lr", "", "option \"lr\" is \"\", but must be a number", ""},
        {"svi", "guide", "fuller",
         "is \"fuller\", but must be one of normal|delta|rows|low-rank|full", ""},
        {"svi", "guide", "norm", "is \"norm\", but must be one of normal|delta", ""},
    };
    for (size_t i = 0; i < N_OF(cases); i++) {
        urn__settings s;
        urn_error error = {0};
        assert_int_equal(read_one(cases[i].engine, cases[i].name, cases[i].value, &s, &error),
                         URN_ERR_USAGE);
        assert_int_equal(error.status, URN_ERR_USAGE);
        if (!strstr(error.message, cases[i].message) || !strstr(error.hint, cases[i].hint))
            fail_msg("found \"%s\" (%s), expected \"%s\" (%s)", error.message, error.hint,
                     cases[i].message, cases[i].hint);
    }
}

/* Options that the chosen optimiser or method does not use are refused, not ignored. */
static void options_without_effect_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *name, *value, *message;
    } cases[] = {
        {"svi", "momentum", "0.5", "option \"momentum\" was given, but belongs to sgd"},
        {"svi", "weight-decay", "0.5", "option \"weight-decay\" was given, but belongs to adamw"},
        {"svi", "lr-final", "1e-5", "belongs to schedules other than constant"},
        {"map", "lr", "1e-5", "option \"lr\" was given, but L-BFGS does not take it"},
        {"map", "batch", "rows=5", "option \"batch\" was given, but L-BFGS does not take it"},
    };
    normal_target *t = normal_target_new(3, 1);
    for (size_t i = 0; i < N_OF(cases); i++) {
        const urn_setting given = {cases[i].name, cases[i].value};
        const urn_fit_options options = options_for(cases[i].engine, &given, 1, NULL);
        urn_fit *fit;
        urn_error error = {0};
        assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
        assert_null(fit);
        assert_non_null(strstr(error.message, cases[i].message));
    }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_given_values),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(options_without_effect_are_refused),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
