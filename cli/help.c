/* Help and the man page, both from the tables of commands, options and engines. */
#include "cli.h"
#include <string.h>

const cli_option cli_help_options[] = {
    CLI_FLAG("man", 0, "print the man page instead (roff)"),
    CLI_END,
};

static const char *value_word(const urn_option_spec *spec, const char *given)
{
    if (given != NULL)
        return given;
    switch (spec->type) {
    case URN_OPTION_INT:
        return "N";
    case URN_OPTION_REAL:
        return "X";
    case URN_OPTION_CHOICE:
        return spec->choices;
    case URN_OPTION_FLAG:
        return "";
    case URN_OPTION_TEXT:
        break;
    }
    return "TEXT";
}

static void print_option(FILE *out, const urn_option_spec *spec, const char *value, char letter)
{
    char left[160];
    const char *word = value_word(spec, value);
    const char dash = letter != 0 ? '-' : ' ', short_name = letter != 0 ? letter : ' ';
    snprintf(left, sizeof left, "%c%c --%s%s%s", dash, short_name, spec->name,
             *word != '\0' ? " " : "", word);
    fprintf(out, "  %-32s %s", left, spec->help != NULL ? spec->help : "");
    if (spec->fallback != NULL && *spec->fallback != '\0')
        fprintf(out, " [%s]", spec->fallback);
    putc('\n', out);
}

static void print_options(FILE *out, const cli_option *table)
{
    for (; table != NULL && table->spec.name != NULL; table++)
        print_option(out, &table->spec, table->value, table->letter);
}

void cli_print_help(const cli_command *command, FILE *out)
{
    fprintf(out, "urn %s%s%s [options]\n%s\n", command->name, *command->operands ? " " : "",
            command->operands, command->summary);
    if (command->about != NULL)
        fprintf(out, "\n%s\n", command->about);
    fprintf(out, "\nOptions:\n");
    print_options(out, command->options);
    print_options(out, cli_common_options);
    for (int i = 0; command->engine_options && i < urn_engine_count(); i++) {
        const urn_engine *engine = urn_engine_at(i);
        fprintf(out, "\nOptions of --engine %s (%s):\n", urn_engine_name(engine),
                urn_engine_summary(engine));
        for (const urn_option_spec *s = urn_engine_options(engine); s->name != NULL; s++)
            print_option(out, s, NULL, 0);
    }
}

void cli_print_usage(FILE *out)
{
    fprintf(out,
            "urn %s: write a Bayesian model once, as a C function; fit it with any engine.\n\n"
            "  urn fit MODEL --data FILE --engine ENGINE [options]\n\nCommands:\n",
            URN_VERSION);
    for (const cli_command *c = cli_commands; c->name != NULL; c++)
        fprintf(out, "  %-12s %s\n", c->name, c->summary);
    fprintf(out,
            "\n\"urn COMMAND --help\" lists a command's options; \"urn --version\" the version.\n");
}

urn_status cli_help(const cli_args *args, urn_error *error)
{
    const char *name = args->n_operands > 0 ? args->operands[0] : NULL;
    if (cli_flag(args, "man")) {
        cli_print_man(stdout);
        return URN_OK;
    }
    if (name == NULL) {
        cli_print_usage(stdout);
        return URN_OK;
    }
    const char *names[64];
    size_t n = 0;
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            cli_print_help(c, stdout);
            return URN_OK;
        }
        if (n < 64)
            names[n++] = c->name;
    }
    return cli_fail_unknown(error, "command", name, names, n);
}

/* ---- the man page ---- */

/* Text with what roff would read as its own escaped. */
static void roff(FILE *out, const char *text)
{
    bool at_start = true;
    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            putc(*text, out);
        at_start = *text == '\n';
    }
}

static void man_option(FILE *out, const urn_option_spec *spec, const char *value, char letter)
{
    const char *word = value_word(spec, value);
    fprintf(out, ".TP\n");
    if (letter != 0)
        fprintf(out, "\\fB\\-%c\\fR, ", letter);
    fprintf(out, "\\fB\\-\\-");
    roff(out, spec->name);
    fprintf(out, "\\fR");
    if (*word != '\0') {
        fprintf(out, " \\fI");
        roff(out, word);
        fprintf(out, "\\fR");
    }
    putc('\n', out);
    roff(out, spec->help != NULL ? spec->help : "");
    if (spec->fallback != NULL && *spec->fallback != '\0') {
        fprintf(out, " (default: ");
        roff(out, spec->fallback);
        fprintf(out, ")");
    }
    putc('\n', out);
}

static void man_options(FILE *out, const cli_option *table)
{
    for (; table != NULL && table->spec.name != NULL; table++)
        man_option(out, &table->spec, table->value, table->letter);
}

static void man_command(FILE *out, const cli_command *command)
{
    fprintf(out, ".SS urn ");
    roff(out, command->name);
    fprintf(out, " ");
    roff(out, command->operands);
    fprintf(out, "\n");
    roff(out, command->summary);
    fprintf(out, ".\n");
    if (command->about != NULL) {
        fprintf(out, ".PP\n");
        roff(out, command->about);
        putc('\n', out);
    }
    man_options(out, command->options);
}

static void man_exit_codes(FILE *out)
{
    static const struct {
        int code;
        const char *text;
    } codes[] = {
        {0, "the command did what it was asked to"},
        {1, "a failure at run time"},
        {2, "wrong usage: an unknown option, model, engine or setting, a run that exists"},
        {3, "bad data"},
        {4, "a bad model: it does not compile, or breaks a rule of the language"},
        {5, "the fit has warnings, under --strict"},
        {6, "a file cannot be read or written"},
        {130, "interrupted; what was fitted so far is written"},
    };
    fprintf(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        fprintf(out, ".TP\n%d\n", codes[i].code);
        roff(out, codes[i].text);
        putc('\n', out);
    }
}

void cli_print_man(FILE *out)
{
    fprintf(out,
            ".\\\" Made from the tables of the program: urn help --man\n"
            ".TH URN 1 \"\" \"urn %s\" \"User Commands\"\n"
            ".SH NAME\nurn \\- fit Bayesian models written as C functions\n"
            ".SH SYNOPSIS\n.B urn\n\\fIcommand\\fR [\\fIoperand\\fR] [\\fIoptions\\fR]\n"
            ".SH DESCRIPTION\nA model is a C function. It is given as the name of a built\\-in "
            "model, as a C file, which is compiled and cached, or as a shared object.\n"
            "Results go to the standard output, progress and messages to the standard error.\n"
            ".SH COMMANDS\n",
            URN_VERSION);
    for (const cli_command *c = cli_commands; c->name != NULL; c++)
        man_command(out, c);
    fprintf(out, ".SH OPTIONS OF EVERY COMMAND\n");
    man_options(out, cli_common_options);
    fprintf(out, ".SH ENGINES\n");
    for (int i = 0; i < urn_engine_count(); i++) {
        const urn_engine *engine = urn_engine_at(i);
        fprintf(out, ".SS ");
        roff(out, urn_engine_name(engine));
        putc('\n', out);
        roff(out, urn_engine_summary(engine));
        fprintf(out, ".\n");
        for (const urn_option_spec *s = urn_engine_options(engine); s->name != NULL; s++)
            man_option(out, s, NULL, 0);
    }
    man_exit_codes(out);
    fprintf(out, ".SH ENVIRONMENT\n.TP\nCC\nthe compiler of model files (default: cc)\n"
                 ".TP\nURN_INCLUDE\nwhere <urn/urn.h> is, for model files\n"
                 ".TP\nXDG_CACHE_HOME\ncompiled models are kept in its directory urn "
                 "(default: ~/.cache)\n.TP\nNO_COLOR\nno colours on a terminal\n");
}
