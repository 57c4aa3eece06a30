/* urn new: a model file to start from, whose comments teach the language. */
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "cli.h"
#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

const cli_option cli_new_options[] = {
    CLI_OUT("FILE", "where to write it (default: NAME.c)"),
    CLI_FORCE_OPTION,
    CLI_END,
};

/* One string a line; "@" stands for the model's name. */
static const char *const template_lines[] = {
    "/* @: a regression whose intercept differs from group to group.",
    " *",
    " * Try it; the rows are drawn from the model itself, and the truth is kept beside them:",
    " *     urn simulate @.c --plate group=20 --rows 1000 --seed 1 --out @-data",
    " *     urn fit @.c --data @-data/data.csv --engine svi --lr 0.05 --schedule cosine \\",
    " *         --holdout 0.1 --out @-run",
    " *     urn summary @-run",
    " *",
    " * The function below runs once, before any fitting. It deals in handles (urn_var),",
    " * not in numbers, and leaves a description of the joint density: data, gradients",
    " * and threads are not its business. */",
    "#include <urn/urn.h>",
    "",
    "static void @(urn_model *m)",
    "{",
    "    /* An option, set with --set scale=2; 5 is its default. */",
    "    const double scale = urn_option_real(m, \"scale\", 5.0, \"prior sd of the regression\");",
    "",
    "    /* Plates are sets of independent rows: the rows of the data table, and the",
    "     * distinct ids (whole numbers or text) in its column \"group\". */",
    "    urn_plate rows = urn_plate_rows(m, \"rows\");",
    "    urn_plate groups = urn_plate_of(m, \"group\");",
    "",
    "    /* A column of the data. --map x=age reads it from a column called age. */",
    "    urn_var x = urn_data(rows, \"x\");",
    "",
    "    /* Random variables: a name, a family, and the family's parameters by name.",
    "     * <urn/families.h> lists the families: normal, gamma, poisson, mvn, ... */",
    "    urn_var zero = urn_real(m, 0.0);",
    "    urn_var wide = urn_real(m, scale);",
    "    urn_var intercept = urn_sample(m, \"intercept\", normal, .loc = zero, .scale = wide);",
    "    urn_var slope = urn_sample(m, \"slope\", normal, .loc = zero, .scale = wide);",
    "    urn_var spread = urn_sample(m, \"spread\", half_normal, .scale = urn_real(m, 2.0));",
    "    urn_var noise = urn_sample(m, \"noise\", half_normal, .scale = urn_real(m, 2.0));",
    "",
    "    /* With .plate there is one for every row of the plate: here, one a group. */",
    "    urn_var level = urn_sample(m, \"level\", normal, .loc = intercept, .scale = spread,",
    "                               .plate = groups);",
    "",
    "    /* urn_index says which group each row of data belongs to, urn_gather fetches its",
    "     * value. <urn/ops.h> lists what values combine with: urn_add, urn_exp, ... */",
    "    urn_var own = urn_gather(level, urn_index(rows, \"group\", groups));",
    "    urn_var mean = urn_add(own, urn_mul(slope, x));",
    "",
    "    /* What was observed: the same words, and .value. */",
    "    urn_observe(m, \"y\", normal, .value = urn_data(rows, \"y\"), .loc = mean,",
    "                .scale = noise, .plate = rows);",
    "}",
    "URN_MODEL(@, \"regression with an intercept for every group\");",
};

static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (const char *p = name; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return strlen(name) < 64;
}

static urn_status write_template(const char *name, const char *path, urn_error *error)
{
    urn__io_file *file = NULL;
    URN_TRY(urn__io_file_open(path, NULL, &file, error));
    for (size_t i = 0; i < sizeof template_lines / sizeof template_lines[0]; i++) {
        for (const char *p = template_lines[i]; *p != '\0'; p++) {
            if (*p == '@')
                urn__io_file_print(file, "%s", name);
            else
                urn__io_file_write(file, p, 1);
        }
        urn__io_file_write(file, "\n", 1);
    }
    return urn__io_file_commit(file, error);
}

urn_status cli_new(const cli_args *args, urn_error *error)
{
    const char *name = args->operands[0], *given = cli_text(args, "out");
    char path[PATH_MAX];
    if (!is_name(name))
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "\"%s\" is not a model name: it takes letters, digits and _, and starts "
                        "with a letter",
                        name);
    if (given != NULL)
        snprintf(path, sizeof path, "%s", given);
    else
        snprintf(path, sizeof path, "%s.c", name);
    if (!cli_flag(args, "force") && access(path, F_OK) == 0)
        return cli_fail(error, URN_ERR_USAGE, "--force replaces it", "%s exists", path);
    URN_TRY(write_template(name, path, error));
    if (cli_flag(args, "json"))
        return cli_print_json(json_pack("{s:s,s:s}", "model", name, "file", path), error);
    printf("%s is written. Next:\n"
           "  urn simulate %s --plate group=20 --rows 1000 --seed 1 --out %s-data\n"
           "  urn fit %s --data %s-data/data.csv --lr 0.05 --schedule cosine --holdout 0.1 --out "
           "%s-run\n",
           path, path, name, path, name, name);
    return URN_OK;
}
