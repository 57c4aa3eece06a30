/* The command line, parsed by the option tables. */
#include "../runtime/base/base.h"
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_common_options[] = {
    CLI_FLAG("json", 0, "print the result as JSON"),
    CLI_FLAG("help", 'h', "print this help"),
    CLI_END,
};

static const cli_option *find_in(const cli_option *table, const char *name, char letter)
{
    for (; table != NULL && table->spec.name != NULL; table++)
        if (name != NULL ? strcmp(table->spec.name, name) == 0 : table->letter == letter)
            return table;
    return NULL;
}

static const urn_option_spec *find_spec(const urn_option_spec *table, const char *name)
{
    for (; table != NULL && table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static const cli_option *find_option(const cli_command *command, const char *name, char letter)
{
    const cli_option *option = find_in(command->options, name, letter);
    return option != NULL ? option : find_in(cli_common_options, name, letter);
}

/* The spec of any option of the command, or of its engine's. */
static const urn_option_spec *spec_of(const cli_command *command, const urn_engine *engine,
                                      const char *name)
{
    const cli_option *option = find_option(command, name, 0);
    if (option != NULL)
        return &option->spec;
    return engine != NULL ? find_spec(urn_engine_options(engine), name) : NULL;
}

static const urn_engine *engine_with(const char *name)
{
    for (int i = 0; i < urn_engine_count(); i++)
        if (find_spec(urn_engine_options(urn_engine_at(i)), name) != NULL)
            return urn_engine_at(i);
    return NULL;
}

#define MAX_NAMES 128

static urn_status fail_unknown_option(const cli_args *args, const char *name, urn_error *error)
{
    const urn_engine *other = args->engine != NULL ? engine_with(name) : NULL;
    if (other != NULL)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "option --%s belongs to the engine %s, and this run uses %s", name,
                        urn_engine_name(other), urn_engine_name(args->engine));
    const char *names[MAX_NAMES];
    size_t n = 0;
    const cli_option *tables[] = {args->command->options, cli_common_options};
    for (size_t t = 0; t < 2; t++)
        for (const cli_option *o = tables[t]; o != NULL && o->spec.name != NULL; o++)
            if (n < MAX_NAMES)
                names[n++] = o->spec.name;
    const urn_option_spec *spec = args->engine != NULL ? urn_engine_options(args->engine) : NULL;
    for (; spec != NULL && spec->name != NULL && n < MAX_NAMES; spec++)
        names[n++] = spec->name;
    urn__text list = {0};
    for (size_t i = 0; i < n; i++)
        urn__text_add(&list, "%s--%s", i > 0 ? ", " : "", names[i]);
    const char *near = urn__nearest(name, names, n);
    char hint[160] = "";
    if (near != NULL)
        snprintf(hint, sizeof hint, "did you mean \"--%s\"?", near);
    cli_fail(error, URN_ERR_USAGE, hint, "unknown option \"--%s\"; urn %s takes %s", name,
             args->command->name, list.data != NULL ? list.data : "none");
    urn__text_clear(&list);
    return URN_ERR_USAGE;
}

static bool is_choice(const char *choices, const char *value)
{
    const size_t length = strlen(value);
    for (const char *p = choices; length > 0; p = strchr(p, '|') + 1) {
        if (strncmp(p, value, length) == 0 && (p[length] == '|' || p[length] == '\0'))
            return true;
        if (strchr(p, '|') == NULL)
            return false;
    }
    return false;
}

static urn_status check_value(const urn_option_spec *spec, const char *value, urn_error *error)
{
    int64_t whole = 0;
    double number = 0.0;
    switch (spec->type) {
    case URN_OPTION_INT:
        if (!urn__parse_int(value, &whole))
            return cli_fail(error, URN_ERR_USAGE, NULL,
                            "option --%s is \"%s\", which is not a whole number", spec->name,
                            value);
        number = (double)whole;
        break;
    case URN_OPTION_REAL:
        if (!urn__parse_real(value, &number) || !isfinite(number))
            return cli_fail(error, URN_ERR_USAGE, NULL,
                            "option --%s is \"%s\", which is not a number", spec->name, value);
        break;
    case URN_OPTION_CHOICE:
        return is_choice(spec->choices, value)
                   ? URN_OK
                   : cli_fail(error, URN_ERR_USAGE, NULL, "option --%s is \"%s\"; it takes %s",
                              spec->name, value, spec->choices);
    case URN_OPTION_FLAG:
    case URN_OPTION_TEXT:
        return URN_OK;
    }
    if ((spec->low != 0.0 || spec->high != 0.0) && (number < spec->low || number > spec->high)) {
        if (isfinite(spec->high))
            return cli_fail(error, URN_ERR_USAGE, NULL, "option --%s is %s; it takes %g to %g",
                            spec->name, value, spec->low, spec->high);
        return cli_fail(error, URN_ERR_USAGE, NULL, "option --%s is %s; it takes %g or more",
                        spec->name, value, spec->low);
    }
    return URN_OK;
}

static bool given_before(const cli_args *args, const char *name)
{
    for (int i = 0; i < args->n_given; i++)
        if (strcmp(args->given[i].name, name) == 0)
            return true;
    return false;
}

/* One option at argv[*at]; `name` without dashes, `value` what followed '=', or NULL. */
static urn_status take(cli_args *args, const char *name, const char *value, int argc, char **argv,
                       int *at, urn_error *error)
{
    const urn_option_spec *spec = spec_of(args->command, args->engine, name);
    if (spec == NULL)
        return fail_unknown_option(args, name, error);
    const cli_option *option = find_option(args->command, name, 0);
    if (spec->type == URN_OPTION_FLAG) {
        if (value != NULL)
            return cli_fail(error, URN_ERR_USAGE, NULL, "option --%s takes no value", name);
        value = "true";
    } else if (value == NULL) {
        if (*at + 1 >= argc)
            return cli_fail(error, URN_ERR_USAGE, NULL, "option --%s needs a value", name);
        value = argv[++*at];
    }
    if ((option == NULL || !option->repeats) && given_before(args, spec->name) &&
        spec->type != URN_OPTION_FLAG)
        return cli_fail(error, URN_ERR_USAGE, NULL, "option --%s is given twice", name);
    URN_TRY(check_value(spec, value, error));
    args->given[args->n_given++] = (cli_given){spec->name, value};
    return URN_OK;
}

static urn_status take_long(cli_args *args, char *word, int argc, char **argv, int *at,
                            char **memory, urn_error *error)
{
    char *equals = strchr(word, '=');
    if (equals == NULL)
        return take(args, word, NULL, argc, argv, at, error);
    const size_t length = (size_t)(equals - word);
    char *name = *memory;
    memcpy(name, word, length);
    name[length] = '\0';
    *memory += length + 1;
    return take(args, name, equals + 1, argc, argv, at, error);
}

static urn_status take_short(cli_args *args, const char *word, int argc, char **argv, int *at,
                             urn_error *error)
{
    const cli_option *option =
        word[0] != '\0' && word[1] == '\0' ? find_option(args->command, NULL, word[0]) : NULL;
    if (option == NULL)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "unknown option \"-%s\"; \"urn %s --help\" lists the options", word,
                        args->command->name);
    return take(args, option->spec.name, NULL, argc, argv, at, error);
}

/* The engine must be known before its options can be: look for it first. */
static urn_status find_engine(const cli_command *command, int argc, char **argv,
                              const urn_engine **engine, urn_error *error)
{
    const char *name = find_option(command, "engine", 0)->spec.fallback;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc)
            name = argv[i + 1];
        else if (strncmp(argv[i], "--engine=", 9) == 0)
            name = argv[i] + 9;
    }
    *engine = urn_engine_find(name);
    if (*engine != NULL)
        return URN_OK;
    const char *names[MAX_NAMES];
    const int n = urn_engine_count() < MAX_NAMES ? urn_engine_count() : MAX_NAMES;
    for (int i = 0; i < n; i++)
        names[i] = urn_engine_name(urn_engine_at(i));
    return cli_fail_unknown(error, "engine", name, names, (size_t)n);
}

static urn_status check_operands(const cli_args *args, urn_error *error)
{
    const cli_command *command = args->command;
    if (args->n_operands < command->min_operands)
        return cli_fail(error, URN_ERR_USAGE, NULL, "urn %s needs %s; see \"urn %s --help\"",
                        command->name, command->operands, command->name);
    if (args->n_operands > command->max_operands)
        return cli_fail(error, URN_ERR_USAGE, NULL, "urn %s does not take \"%s\"%s%s",
                        command->name, args->operands[command->max_operands],
                        *command->operands != '\0' ? " besides " : "", command->operands);
    return URN_OK;
}

urn_status cli_parse(const cli_command *command, int argc, char **argv, cli_args *args,
                     urn_error *error)
{
    *args = (cli_args){.command = command};
    size_t bytes = 1;
    for (int i = 0; i < argc; i++)
        bytes += strlen(argv[i]) + 1;
    args->memory = malloc(bytes);
    args->given = calloc((size_t)argc + 1, sizeof *args->given);
    args->operands = calloc((size_t)argc + 1, sizeof *args->operands);
    if (args->memory == NULL || args->given == NULL || args->operands == NULL)
        return cli_fail_memory(error);
    if (command->engine_options)
        URN_TRY(find_engine(command, argc, argv, &args->engine, error));
    char *memory = args->memory;
    bool only_operands = false;
    for (int i = 0; i < argc; i++) {
        char *word = argv[i];
        if (only_operands || word[0] != '-' || word[1] == '\0')
            args->operands[args->n_operands++] = word;
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (word[1] == '-')
            URN_TRY(take_long(args, word + 2, argc, argv, &i, &memory, error));
        else
            URN_TRY(take_short(args, word + 1, argc, argv, &i, error));
    }
    return cli_flag(args, "help") ? URN_OK : check_operands(args, error);
}

void cli_args_clear(cli_args *args)
{
    free(args->given);
    free(args->operands);
    free(args->memory);
    *args = (cli_args){0};
}

bool cli_given_at_all(const cli_args *args, const char *name)
{
    return given_before(args, name);
}

const char *cli_text(const cli_args *args, const char *name)
{
    for (int i = args->n_given - 1; i >= 0; i--)
        if (strcmp(args->given[i].name, name) == 0)
            return args->given[i].value;
    const urn_option_spec *spec = spec_of(args->command, args->engine, name);
    return spec != NULL ? spec->fallback : NULL;
}

int64_t cli_int(const cli_args *args, const char *name)
{
    int64_t value = 0;
    const char *text = cli_text(args, name);
    return text != NULL && urn__parse_int(text, &value) ? value : 0;
}

double cli_real(const cli_args *args, const char *name)
{
    double value = 0.0;
    const char *text = cli_text(args, name);
    return text != NULL && urn__parse_real(text, &value) ? value : 0.0;
}

bool cli_flag(const cli_args *args, const char *name)
{
    return cli_text(args, name) != NULL;
}

const char *cli_text_at(const cli_args *args, const char *name, int i)
{
    for (int g = 0; g < args->n_given; g++)
        if (strcmp(args->given[g].name, name) == 0 && i-- == 0)
            return args->given[g].value;
    return NULL;
}

bool cli_engine_takes(const cli_args *args, const char *name, const char *value)
{
    const urn_option_spec *spec = find_spec(urn_engine_options(args->engine), name);
    return spec != NULL && (spec->type != URN_OPTION_CHOICE || is_choice(spec->choices, value));
}

size_t cli_engine_settings(const cli_args *args, urn_setting *settings)
{
    size_t n = 0;
    for (int i = 0; i < args->n_given; i++) {
        const cli_given *g = &args->given[i];
        if (cli_engine_takes(args, g->name, g->value))
            settings[n++] = (urn_setting){g->name, g->value};
    }
    return n;
}

/* Where the value at `text` ends: at a comma that a new "name=" follows, or at the end. */
static char *value_end(char *text)
{
    for (char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        const char *p = comma + 1;
        const size_t word = strcspn(p, "=,");
        if (word > 0 && p[word] == '=')
            return comma;
    }
    return text + strlen(text);
}

urn_status cli_settings(const cli_args *args, const char *name, urn_setting **settings, size_t *n,
                        urn_error *error)
{
    size_t bytes = 0, most = 1;
    *n = 0;
    *settings = NULL;
    const char *text;
    for (int i = 0; (text = cli_text_at(args, name, i)) != NULL; i++) {
        bytes += strlen(text) + 1;
        for (const char *p = text; *p != '\0'; p++)
            most += *p == '=';
    }
    urn_setting *list = malloc(most * sizeof *list + bytes);
    if (list == NULL)
        return cli_fail_memory(error);
    char *copy = (char *)(list + most);
    for (int i = 0; (text = cli_text_at(args, name, i)) != NULL; i++) {
        const size_t length = strlen(text);
        memcpy(copy, text, length + 1);
        for (char *p = copy; p < copy + length;) {
            char *end = value_end(p), *equals = strchr(p, '=');
            if (equals == NULL || equals >= end || equals == p) {
                free(list);
                return cli_fail(error, URN_ERR_USAGE, NULL,
                                "option --%s is \"%s\"; it takes name=value", name, text);
            }
            *end = *equals = '\0';
            list[(*n)++] = (urn_setting){p, equals + 1};
            p = end + 1;
        }
        copy += length + 1;
    }
    *settings = list;
    return URN_OK;
}

void cli_settings_free(urn_setting *settings)
{
    free(settings);
}
