/* Engine options: texts in, checked values out. */
#include "engine.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int row_of(const urn_option_spec *table, const char *name)
{
    for (int i = 0; table[i].name; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return -1;
}

static int row_count(const urn_option_spec *table)
{
    int n = 0;
    while (table[n].name)
        n++;
    return n;
}

static urn_status fail_unknown(const urn_engine *engine, const char *name, urn_error *error)
{
    enum { MOST = 64 };
    const char *names[MOST];
    char known[512] = "";
    size_t n = 0, length = 0;
    for (; engine->options[n].name && n < MOST; n++) {
        names[n] = engine->options[n].name;
        const int added =
            snprintf(known + length, sizeof known - length, "%s%s", n > 0 ? ", " : "", names[n]);
        if (added > 0 && length + (size_t)added < sizeof known)
            length += (size_t)added;
    }
    const char *nearest = urn__nearest(name, names, n);
    char hint[128] = "";
    if (nearest)
        snprintf(hint, sizeof hint, "did you mean \"%s\"?", nearest);
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, hint,
                     "engine \"%s\" has no option \"%s\"; its options are %s", engine->name, name,
                     known);
}

static urn_status check_range(const urn_option_spec *spec, const char *engine, const char *text,
                              double value, urn_error *error)
{
    const bool any = spec->low == 0.0 && spec->high == 0.0;
    if (any || (value >= spec->low && value <= spec->high))
        return URN_OK;
    if (spec->high >= DBL_MAX)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "engine \"%s\": option \"%s\" is %s, but must be at least %g", engine,
                         spec->name, text, spec->low);
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "engine \"%s\": option \"%s\" is %s, but must be between %.17g and %.17g",
                     engine, spec->name, text, spec->low, spec->high);
}

/* Position of `text` among "a|b|c", -1 if it is none of them. */
static int choice_of(const char *choices, const char *text)
{
    const size_t length = strlen(text);
    for (int i = 0;; i++) {
        const size_t n = strcspn(choices, "|");
        if (n == length && strncmp(choices, text, n) == 0)
            return i;
        if (choices[n] == '\0')
            return -1;
        choices += n + 1;
    }
}

static bool parse_flag(const char *text, int64_t *value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "0", "1", "off", "on"};
    for (int i = 0; i < 8; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    return false;
}

static urn_status fail_value(const urn_option_spec *spec, const char *engine, const char *text,
                             const char *wanted, urn_error *error)
{
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "engine \"%s\": option \"%s\" is \"%s\", but must be %s", engine, spec->name,
                     text, wanted);
}

static urn_status read_value(const urn_option_spec *spec, const char *engine, const char *text,
                             urn__setting_value *value, urn_error *error)
{
    value->set = true;
    value->text = text;
    switch (spec->type) {
    case URN_OPTION_INT:
        if (!urn__parse_int(text, &value->integer))
            return fail_value(spec, engine, text, "a whole number", error);
        value->real = (double)value->integer;
        return check_range(spec, engine, text, value->real, error);
    case URN_OPTION_REAL:
        if (!urn__parse_real(text, &value->real) || !isfinite(value->real))
            return fail_value(spec, engine, text, "a number", error);
        return check_range(spec, engine, text, value->real, error);
    case URN_OPTION_CHOICE:
        value->integer = choice_of(spec->choices, text);
        if (value->integer < 0)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                             "engine \"%s\": option \"%s\" is \"%s\", but must be one of %s",
                             engine, spec->name, text, spec->choices);
        return URN_OK;
    case URN_OPTION_FLAG:
        if (!parse_flag(text, &value->integer))
            return fail_value(spec, engine, text, "true or false", error);
        return URN_OK;
    case URN_OPTION_TEXT:
        break;
    }
    return URN_OK;
}

urn_status urn__settings_read(const urn_engine *engine, const urn_setting *given, size_t n,
                              urn__arena *arena, urn__settings *settings, urn_error *error)
{
    const urn_option_spec *table = engine->options;
    const int rows = row_count(table);
    *settings = (urn__settings){.engine = engine->name, .table = table};
    settings->values = urn__arena_alloc(arena, (size_t)rows + 1, sizeof *settings->values);
    if (!settings->values)
        return urn__fail_memory(error, "engine options", (size_t)rows * sizeof *settings->values);
    for (int i = 0; i < rows; i++)
        if (table[i].fallback)
            URN_TRY(read_value(&table[i], engine->name, table[i].fallback, &settings->values[i],
                               error));
    for (size_t k = 0; k < n; k++) {
        const int i = row_of(table, given[k].name);
        if (i < 0)
            return fail_unknown(engine, given[k].name, error);
        URN_TRY(read_value(&table[i], engine->name, given[k].value ? given[k].value : "",
                           &settings->values[i], error));
        settings->values[i].given = true;
    }
    return URN_OK;
}

const urn__setting_value *urn__setting(const urn__settings *settings, const char *name)
{
    const int i = row_of(settings->table, name);
    assert(i >= 0);
    return &settings->values[i];
}

int64_t urn__setting_int(const urn__settings *settings, const char *name)
{
    return urn__setting(settings, name)->integer;
}

double urn__setting_real(const urn__settings *settings, const char *name)
{
    return urn__setting(settings, name)->real;
}

bool urn__setting_is(const urn__settings *settings, const char *name, const char *choice)
{
    const int i = row_of(settings->table, name);
    assert(i >= 0);
    const int wanted = choice_of(settings->table[i].choices, choice);
    assert(wanted >= 0);
    return settings->values[i].set && settings->values[i].integer == wanted;
}
