/* The comments of CmdStan's CSV, as cmdstanpy and cmdstanr look for them. */
#include "cli.h"
#include "export.h"
#include <string.h>

static bool follows_gradients(const cli_exported *e)
{
    const char *engine = urn__io_json_get_text(e->fit, "engine", "");
    return strcmp(engine, "nuts") == 0 || strcmp(engine, "hmc") == 0;
}

/* An option of the engine as it was given, else its default. */
static const char *option_of(const cli_exported *e, const char *name)
{
    const urn_engine *engine = urn_engine_find(urn__io_json_get_text(e->fit, "engine", ""));
    const char *given =
        json_string_value(json_object_get(urn__io_json_get(e->fit, "options"), name));
    if (given != NULL)
        return given;
    for (const urn_option_spec *o = engine != NULL ? urn_engine_options(engine) : NULL;
         o != NULL && o->name != NULL; o++)
        if (strcmp(o->name, name) == 0)
            return o->fallback;
    return NULL;
}

/* What the chain had in the end; a given metric file may have decided it. */
static const char *metric_of(const cli_exported *e)
{
    const char *own = urn__io_json_get_text(e->metric, "metric_type", NULL);
    const char *option = option_of(e, "metric");
    if (own != NULL || option == NULL)
        return own != NULL ? own : "unit_e";
    return strcmp(option, "dense") == 0  ? "dense_e"
           : strcmp(option, "unit") == 0 ? "unit_e"
                                         : "diag_e";
}

static void print_algorithm(urn__io_file *file, const cli_exported *e)
{
    const char *depth = option_of(e, "max-depth"), *delta = option_of(e, "delta");
    if (!follows_gradients(e)) {
        urn__io_file_print(file, "#     algorithm = fixed_param\n");
        return;
    }
    urn__io_file_print(file, "#     adapt\n#       engaged = %s\n",
                       urn__io_json_get_int(e->fit, "warmup", 0) > 0 ? "true" : "false");
    urn__io_file_print(file, "#       delta = %s\n", delta != NULL ? delta : "0.8");
    urn__io_file_print(file, "#     algorithm = hmc\n#       hmc\n");
    if (strcmp(urn__io_json_get_text(e->fit, "engine", ""), "nuts") == 0)
        urn__io_file_print(file, "#         engine = nuts\n#           nuts\n");
    else
        urn__io_file_print(file, "#         engine = static\n#           static\n");
    /* of the static engine nothing is at this depth; readers want the word */
    urn__io_file_print(file, "#             max_depth = %s\n", depth != NULL ? depth : "10");
    urn__io_file_print(file, "#         metric = %s\n", metric_of(e));
}

/* Other methods of CmdStan's have their own names, and no warm-up. */
static const char *method_of(const cli_exported *e)
{
    const char *engine = urn__io_json_get_text(e->fit, "engine", "");
    return strcmp(engine, "laplace") == 0 || strcmp(engine, "pathfinder") == 0 ? engine : "sample";
}

static void print_sampling(urn__io_file *file, const cli_exported *e)
{
    const int64_t thin = urn__io_json_get_int(e->fit, "thin", 1), steps = e->draws * thin;
    urn__io_file_print(file, "#     num_samples = %lld\n", (long long)steps);
    urn__io_file_print(file, "#     num_warmup = %lld\n",
                       (long long)urn__io_json_get_int(e->fit, "warmup", 0));
    urn__io_file_print(file, "#     save_warmup = false\n");
    urn__io_file_print(file, "#     thin = %lld\n", (long long)thin);
    print_algorithm(file, e);
}

void cli_export_head(urn__io_file *file, const cli_exported *e)
{
    const char *method = method_of(e);
    urn__io_file_print(file, "# model = %s_model\n", urn__io_json_get_text(e->fit, "model", "urn"));
    urn__io_file_print(file, "# urn_version = %s\n", URN_VERSION);
    urn__io_file_print(file, "# urn_engine = %s\n", urn__io_json_get_text(e->fit, "engine", ""));
    urn__io_file_print(file, "# method = %s\n#   %s\n", method, method);
    if (strcmp(method, "sample") == 0)
        print_sampling(file, e);
    else
        urn__io_file_print(file, "#     draws = %lld\n", (long long)e->draws);
    urn__io_file_print(file, "# id = %lld\n", (long long)e->chain + 1);
    urn__io_file_print(file, "# random\n#   seed = %lld\n",
                       (long long)urn__io_json_get_int(e->fit, "seed", 0));
}

static void print_numbers(urn__io_file *file, const json_t *list)
{
    char text[32];
    for (size_t i = 0; i < json_array_size(list); i++) {
        urn__io_format_real(json_number_value(json_array_get(list, i)), text);
        urn__io_file_print(file, "%s%s", i > 0 ? ", " : "# ", text);
    }
    urn__io_file_print(file, "\n");
}

void cli_export_adaptation(urn__io_file *file, const cli_exported *e)
{
    const json_t *inverse = json_object_get(e->metric, "inv_metric");
    const bool dense = strcmp(urn__io_json_get_text(e->metric, "metric_type", ""), "dense_e") == 0;
    char text[32];
    if (!follows_gradients(e) || e->metric == NULL)
        return;
    urn__io_format_real(urn__io_json_get_real(e->metric, "stepsize", 0.0), text);
    urn__io_file_print(file, "# Adaptation terminated\n# Step size = %s\n", text);
    urn__io_file_print(file, "# %s of inverse mass matrix:\n",
                       dense ? "Elements" : "Diagonal elements");
    if (!dense)
        print_numbers(file, inverse);
    for (size_t i = 0; dense && i < json_array_size(inverse); i++)
        print_numbers(file, json_array_get(inverse, i));
}

/* Clocks run over all steps: warm-up has its share of them. */
void cli_export_time(urn__io_file *file, const cli_exported *e)
{
    const double all = urn__io_json_get_real(e->fit, "steps_s", 0.0);
    const double warmup = (double)urn__io_json_get_int(e->fit, "warmup", 0);
    const double steps = warmup + (double)(urn__io_json_get_int(e->fit, "draws", e->draws) *
                                           urn__io_json_get_int(e->fit, "thin", 1));
    const double before = steps > 0.0 ? all * warmup / steps : 0.0;
    urn__io_file_print(file, "# \n#  Elapsed Time: %.3f seconds (Warm-up)\n", before);
    urn__io_file_print(file, "#                %.3f seconds (Sampling)\n", all - before);
    urn__io_file_print(file, "#                %.3f seconds (Total)\n# \n", all);
}
