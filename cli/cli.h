/* What the subcommands share: the option tables, the parsed command line, output. */
#ifndef URN_CLI_H
#define URN_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <urn/urn.h>

#define CLI_SCHEMA_VERSION 1

/* An option of a command: the row of an option table, and what only a command line needs. */
typedef struct cli_option {
    urn_option_spec spec; /* name NULL ends a table */
    const char *value;    /* what --help calls the value: "FILE"; NULL: by type */
    char letter;          /* short form, or 0 */
    bool repeats;         /* may be given several times */
} cli_option;

/* Rows of an option table. */
#define CLI_ROW(name_, type_, value_, fallback_, choices_, low_, high_, letter_, repeats_, help_)  \
    {                                                                                              \
        .spec = {.name = name_,                                                                    \
                 .type = type_,                                                                    \
                 .fallback = fallback_,                                                            \
                 .choices = choices_,                                                              \
                 .low = low_,                                                                      \
                 .high = high_,                                                                    \
                 .help = help_},                                                                   \
        .value = value_, .letter = letter_, .repeats = repeats_                                    \
    }
#define CLI_TEXT(name, value, fallback, help)                                                      \
    CLI_ROW(name, URN_OPTION_TEXT, value, fallback, NULL, 0, 0, 0, false, help)
#define CLI_LIST(name, value, help)                                                                \
    CLI_ROW(name, URN_OPTION_TEXT, value, NULL, NULL, 0, 0, 0, true, help)
#define CLI_FLAG(name, letter, help)                                                               \
    CLI_ROW(name, URN_OPTION_FLAG, NULL, NULL, NULL, 0, 0, letter, false, help)
#define CLI_CHOICE(name, fallback, choices, help)                                                  \
    CLI_ROW(name, URN_OPTION_CHOICE, NULL, fallback, choices, 0, 0, 0, false, help)
#define CLI_INT(name, fallback, low, high, help)                                                   \
    CLI_ROW(name, URN_OPTION_INT, "N", fallback, NULL, low, high, 0, false, help)
#define CLI_REAL(name, fallback, low, high, help)                                                  \
    CLI_ROW(name, URN_OPTION_REAL, "X", fallback, NULL, low, high, 0, false, help)
#define CLI_OUT(value, help)                                                                       \
    CLI_ROW("out", URN_OPTION_TEXT, value, NULL, NULL, 0, 0, 'o', false, help)
#define CLI_END CLI_ROW(NULL, URN_OPTION_FLAG, NULL, NULL, NULL, 0, 0, 0, false, NULL)

/* Options that several commands have. */
#define CLI_DATA_OPTIONS                                                                           \
    CLI_LIST("data", "FILE",                                                                       \
             "data: CSV, MatrixMarket or JSON; TABLE=FILE names a table; repeats"),                \
        CLI_LIST("map", "NAME=COLUMN", "the model's word=the file's column; commas or repeats")
#define CLI_SET_OPTION CLI_LIST("set", "NAME=VALUE", "a model option; commas or repeats")
#define CLI_SIZE_OPTIONS                                                                           \
    CLI_LIST("plate", "NAME=N", "size of a plate; commas or repeats"),                             \
        CLI_INT("rows", NULL, 1, 2147483646, "number of rows of every table")
#define CLI_THREADS_OPTION CLI_INT("threads", "0", 0, 4096, "threads; 0: all the machine has")
#define CLI_SEED_OPTION CLI_INT("seed", "1", 0, 9.2e18, "seed of all random numbers")
#define CLI_FORCE_OPTION CLI_FLAG("force", 0, "replace what is there")

typedef struct cli_args cli_args;

typedef struct cli_command {
    const char *name, *summary;
    const char *operands; /* "MODEL", "RUN", "" */
    int min_operands, max_operands;
    bool engine_options;       /* takes the options of the engine chosen by --engine too */
    const cli_option *options; /* NULL: only the common ones */
    const char *about;         /* a paragraph for --help and the man page */
    urn_status (*run)(const cli_args *args, urn_error *error);
} cli_command;

/* The table of commands, ended by a NULL name (main.c); the options every command has (options.c).
 */
extern const cli_command cli_commands[];
extern const cli_option cli_common_options[];

/* ---- the parsed command line (options.c) ---- */

typedef struct cli_given {
    const char *name, *value;
} cli_given;

struct cli_args {
    const cli_command *command;
    const urn_engine *engine; /* of commands with engine options */
    cli_given *given;         /* in the order given */
    int n_given;
    const char **operands;
    int n_operands;
    char *memory; /* the strings of --name=value */
};

/* Parses `argv` (what follows the command's name). Free with cli_args_clear, also after an error.
 */
urn_status cli_parse(const cli_command *command, int argc, char **argv, cli_args *args,
                     urn_error *error);
void cli_args_clear(cli_args *args);
/* The last value given for an option, else its default from the table, else NULL. */
const char *cli_text(const cli_args *args, const char *name);
bool cli_given_at_all(const cli_args *args, const char *name);
int64_t cli_int(const cli_args *args, const char *name);
double cli_real(const cli_args *args, const char *name);
bool cli_flag(const cli_args *args, const char *name);
/* The i-th value of an option that repeats, NULL past the last. */
const char *cli_text_at(const cli_args *args, const char *name, int i);
/* Is this an option of the engine, and a value it takes? (--init is the command's too: a file there
 * is no business of the engine.) */
bool cli_engine_takes(const cli_args *args, const char *name, const char *value);
/* The engine options that were given, as settings; `settings` has room for n_given. */
size_t cli_engine_settings(const cli_args *args, urn_setting *settings);
/* Settings from every value of an option that repeats and takes commas, "a=1,b=2". A comma only
 * separates where a name and '=' follow, so a value may hold commas. *settings and the strings go
 * with one cli_settings_free. */
urn_status cli_settings(const cli_args *args, const char *name, urn_setting **settings, size_t *n,
                        urn_error *error);
void cli_settings_free(urn_setting *settings);

/* ---- help (help.c) ---- */
void cli_print_usage(FILE *out);
void cli_print_help(const cli_command *command, FILE *out);
void cli_print_man(FILE *out);
extern const cli_option cli_help_options[];
urn_status cli_help(const cli_args *args, urn_error *error);

/* ---- errors and output (output.c) ---- */

urn_status cli_fail(urn_error *error, urn_status status, const char *hint, const char *format, ...)
    URN_PRINTF(4, 5);
urn_status cli_fail_memory(urn_error *error);
/* The error of an unknown name: says it, lists the known ones, hints at the nearest. `what` is
 * "model"; `names` has n entries. */
urn_status cli_fail_unknown(urn_error *error, const char *what, const char *name,
                            const char *const *names, size_t n);
/* Prints a JSON object with its schema_version first, and frees it. */
urn_status cli_print_json(json_t *object, urn_error *error);
/* Formats a number for tables: 4 significant digits or so, "-" for NaN. */
const char *cli_number(double value, char text[32]);
/* A name for the terminal: bold when stdout is one and NO_COLOR is not set. */
const char *cli_bold(void);
const char *cli_plain(void);
bool cli_colour(FILE *out);

/* Threads of BLAS and memory of the process, at its start (process.c). */
void cli_settle_process(void);

/* ---- the commands ---- */
#define CLI_COMMAND(name)                                                                          \
    urn_status cli_##name(const cli_args *args, urn_error *error);                                 \
    extern const cli_option cli_##name##_options[];
CLI_COMMAND(fit)
CLI_COMMAND(models)
CLI_COMMAND(engines)
CLI_COMMAND(describe)
CLI_COMMAND(check)
CLI_COMMAND(new)
CLI_COMMAND(build)
CLI_COMMAND(simulate)
CLI_COMMAND(predict)
CLI_COMMAND(recommend)
CLI_COMMAND(summary)
CLI_COMMAND(diagnose)
CLI_COMMAND(export)
CLI_COMMAND(compare)
CLI_COMMAND(sbc)
#undef CLI_COMMAND

#endif
