/* urn compare: how far runs of one model on one data set are from each other. */
#include "compare.h"
#include "beside.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_compare_options[] = {
    CLI_TEXT("reference", "RUN", NULL, "the run to measure the others by (default: see above)"),
    CLI_TEXT("site", "SITE", NULL, "the observed site to predict (default: the first)"),
    CLI_TEXT("sites", "A,B", NULL, "compare these sites element by element, factors too"),
    CLI_TEXT("by", "PLATE", NULL,
             "scores by how many training rows an id of this plate has (default: the first plate)"),
    CLI_INT("draws", "0", 0, 100000000,
            "draws of each run to use; 0: 400 of a guide, at most 4,000 of a sampler"),
    CLI_FLAG("force", 0, "compare runs of different models or data"),
    CLI_FLAG("strict", 0, "a run that has not converged makes the exit code 5"),
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_END,
};

/* ---- are they of one kind? ---- */

static void add_mismatch(urn__text *text, const char *format, ...) URN_PRINTF(2, 3);
static void add_mismatch(urn__text *text, const char *format, ...)
{
    char line[400];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    urn__text_add(text, "%s%s", text->length > 0 ? "; " : "", line);
}

static const char *text_at(const cli_compared *run, const char *path)
{
    return urn__io_json_get_text(run->json, path, "");
}

static void compare_options(const cli_compared *a, const cli_compared *b, urn__text *text)
{
    const char *name;
    json_t *value;
    const json_t *other = json_object_get(a->json, "model_options");
    json_object_foreach(json_object_get(b->json, "model_options"), name, value)
    {
        const char *mine = json_string_value(value);
        const char *theirs = json_string_value(json_object_get(other, name));
        if (theirs != NULL && mine != NULL && strcmp(mine, theirs) != 0)
            add_mismatch(text, "%s has %s=%s, %s has %s=%s", b->name, name, mine, a->name, name,
                         theirs);
    }
}

static void compare_models(const cli_compared *a, const cli_compared *b, urn__text *text)
{
    if (strcmp(text_at(a, "model"), text_at(b, "model")) != 0)
        add_mismatch(text, "%s is of the model %s, %s of %s", b->name, text_at(b, "model"), a->name,
                     text_at(a, "model"));
    else if (strcmp(text_at(a, "hashes.model"), text_at(b, "hashes.model")) != 0)
        add_mismatch(text, "the model %s is not the same file, or version, in %s and in %s",
                     text_at(a, "model"), b->name, a->name);
    else
        compare_options(a, b, text);
}

static double holdout_of(const cli_compared *run)
{
    double share = 0.0;
    return urn__parse_real(text_at(run, "options.holdout"), &share) ? share : 0.0;
}

static void compare_data(const cli_compared *a, const cli_compared *b, urn__text *text)
{
    const double mine = holdout_of(b), theirs = holdout_of(a);
    if (strcmp(text_at(a, "hashes.data"), text_at(b, "hashes.data")) != 0)
        add_mismatch(text, "the data of %s is not that of %s", b->name, a->name);
    if (!json_equal(json_object_get(a->json, "map"), json_object_get(b->json, "map")) ||
        strcmp(text_at(a, "options.duplicates"), text_at(b, "options.duplicates")) != 0)
        add_mismatch(text, "%s and %s read it with other --map or --duplicates", b->name, a->name);
    if (mine != theirs)
        add_mismatch(text, "%s holds out %g of the rows, %s %g", b->name, mine, a->name, theirs);
    if (strcmp(text_at(a, "test.hash"), text_at(b, "test.hash")) != 0)
        add_mismatch(text, "%s and %s have other --test rows", b->name, a->name);
}

static urn_status check_kind(cli_comparison *c, urn_error *error)
{
    for (int i = 1; i < c->n; i++) {
        compare_models(&c->runs[0], &c->runs[i], &c->mismatch);
        compare_data(&c->runs[0], &c->runs[i], &c->mismatch);
    }
    if (c->mismatch.length == 0 || cli_flag(c->args, "force"))
        return URN_OK;
    return cli_fail(error, URN_ERR_USAGE,
                    "fit them alike, or add --force: what has the same name is compared then",
                    "the runs are not of one model and one data set: %s", c->mismatch.data);
}

/* ---- the rows of a run ---- */

/* What a digest is made from. */
typedef struct sources {
    cli_run run;
    urn_dataset *data, *fresh_data;
    urn_model *training, *held_out, *fresh;
    char fresh_name[96];
    int64_t *counts;
} sources;

static void close_sources(sources *s)
{
    urn_model_free(s->training);
    urn_model_free(s->held_out);
    urn_model_free(s->fresh);
    urn_dataset_free(s->fresh_data);
    urn_dataset_free(s->data);
    cli_run_close(&s->run);
}

static bool has_held_out(const urn_dataset *data)
{
    for (int t = 0; t < urn_dataset_table_count(data); t++)
        if (urn_dataset_held_out(data, urn_dataset_table_name(data, t)) != NULL)
            return true;
    return false;
}

/* The rows plate of the observed site to predict; false if there is none. */
static bool rows_of(const cli_comparison *c, const urn_model *model, urn_plate_info *plate)
{
    const char *wanted = cli_text(c->args, "site");
    int site;
    for (int k = 0; (site = cli_observed_site(model, k, plate)) >= 0; k++) {
        urn_site_info info;
        urn_model_site(model, site, &info);
        if (wanted == NULL || strcmp(info.name, wanted) == 0)
            return true;
    }
    return false;
}

/* How many training rows the id of each held-out row has. *counts stays NULL without the column. */
static urn_status count_rows(cli_comparison *c, sources *s, const urn_plate_info *ids,
                             urn__arena *arena, urn_error *error)
{
    urn_plate_info rows, rows_test;
    const int32_t *codes = NULL, *codes_test = NULL;
    if (!rows_of(c, s->training, &rows) || !rows_of(c, s->held_out, &rows_test))
        return URN_OK;
    URN_TRY(cli_codes(s->data, s->training, &rows, ids, arena, &codes, error));
    URN_TRY(cli_codes(s->data, s->held_out, &rows_test, ids, arena, &codes_test, error));
    if (codes == NULL || codes_test == NULL)
        return URN_OK;
    int64_t *of_id = urn__arena_alloc(arena, (size_t)ids->size + 1, sizeof *of_id);
    int64_t *counts = urn__arena_alloc(arena, (size_t)rows_test.size + 1, sizeof *counts);
    if (urn__arena_failed(arena))
        return cli_fail_memory(error);
    for (int64_t r = 0; r < rows.size; r++)
        of_id[codes[r]]++;
    for (int64_t r = 0; r < rows_test.size; r++)
        counts[r] = of_id[codes_test[r]];
    s->counts = counts;
    snprintf(c->by, sizeof c->by, "%s", ids->name);
    return URN_OK;
}

static urn_status make_groups(cli_comparison *c, sources *s, urn__arena *arena, urn_error *error)
{
    const char *wanted = cli_text(c->args, "by"), *names[16];
    urn_plate_info ids;
    size_t n = 0;
    for (int k = 0; s->counts == NULL && n < 16 && cli_plate_of_ids(s->held_out, k, &ids); k++) {
        names[n++] = ids.name;
        if (wanted == NULL || strcmp(wanted, ids.name) == 0)
            URN_TRY(count_rows(c, s, &ids, arena, error));
    }
    if (wanted != NULL && s->counts == NULL)
        return cli_fail_unknown(error, "plate of ids", wanted, names, n);
    return URN_OK;
}

static urn_status read_rows(cli_comparison *c, sources *s, cli_compared *run, urn__arena *arena,
                            urn_error *error)
{
    URN_TRY(cli_run_fit_data(&s->run, &s->data, error));
    run->has_rows = s->data != NULL;
    if (!run->has_rows)
        return URN_OK;
    URN_TRY(cli_run_trace_rows(&s->run, s->data, URN_ROWS_TRAINING, &s->training, error));
    if (!has_held_out(s->data))
        return URN_OK;
    URN_TRY(cli_run_trace_rows(&s->run, s->data, URN_ROWS_HELD_OUT, &s->held_out, error));
    return make_groups(c, s, arena, error);
}

/* A new id of the first plate beside all ids of the second; left out where there are no two, or
 * more than one table. */
static urn_status make_fresh(sources *s, urn__arena *arena, urn_error *error)
{
    urn_plate_info users, items;
    if (!cli_plate_of_ids(s->run.model, 0, &users) || !cli_plate_of_ids(s->run.model, 1, &items) ||
        json_object_size(json_object_get(s->run.json, "template")) != 1 ||
        !json_is_true(json_object_get(s->run.json, "tables_only")))
        return URN_OK;
    snprintf(s->fresh_name, sizeof s->fresh_name, "new %s", users.name);
    URN_TRY(cli_beside_data(&s->run, &users, &items, -1, arena, &s->fresh_data, error));
    return cli_run_trace(&s->run, s->fresh_data, &s->fresh, error);
}

static urn_status digest_sources(cli_comparison *c, sources *s, cli_compared *run,
                                 urn__arena *arena, urn_error *error)
{
    URN_TRY(cli_run_open(run->path, true, &s->run, error));
    URN_TRY(read_rows(c, s, run, arena, error));
    URN_TRY(make_fresh(s, arena, error));
    const urn__digest_input input = {.fitted = s->run.model,
                                     .posterior = s->run.posterior,
                                     .held_out = s->held_out,
                                     .training = s->training,
                                     .fresh = s->fresh,
                                     .fresh_name = s->fresh_name,
                                     .site = cli_text(c->args, "site"),
                                     .n_training_rows = s->counts,
                                     .sites = cli_text(c->args, "sites"),
                                     .draws = cli_int(c->args, "draws"),
                                     .threads = (int)cli_int(c->args, "threads"),
                                     .seed = (uint64_t)cli_int(c->args, "seed")};
    return urn__digest_run(&input, &run->digest, error);
}

static urn_status digest_run(cli_comparison *c, cli_compared *run, urn_error *error)
{
    sources s = {.counts = NULL};
    urn__arena *arena = urn__arena_new(NULL);
    const urn_status status =
        arena != NULL ? digest_sources(c, &s, run, arena, error) : cli_fail_memory(error);
    close_sources(&s);
    urn__arena_free(arena);
    return status;
}

/* ---- names and health ---- */

static void name_run(cli_comparison *c, int i)
{
    cli_compared *run = &c->runs[i];
    size_t end = strlen(run->path);
    while (end > 1 && run->path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && run->path[start - 1] != '/')
        start--;
    snprintf(run->name, sizeof run->name, "%.*s", (int)(end - start), run->path + start);
    for (int k = 0; k < i; k++)
        if (strcmp(c->runs[k].name, run->name) == 0) {
            snprintf(run->name, sizeof run->name, "run %d", i + 1);
            return;
        }
}

/* k-hat is null in fit.json when it is infinite, and missing when it was not measured. */
static double k_hat_of(const json_t *json)
{
    const json_t *value = json_object_get(json, "k_hat");
    return value == NULL         ? (double)NAN
           : json_is_null(value) ? (double)INFINITY
                                 : json_number_value(value);
}

static int warnings_of(const json_t *json)
{
    const json_t *list = json_object_get(json, "warnings");
    int n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += strstr(json_string_value(json_array_get(list, i)), "k-hat") == NULL;
    return n;
}

static void judge_run(cli_compared *run)
{
    run->judged =
        (urn__judged){.name = run->name,
                      .engine = text_at(run, "engine"),
                      .digest = run->digest,
                      .k_hat = k_hat_of(run->json),
                      .divergences = urn__io_json_get_real(run->json, "divergences", 0.0),
                      .n_warnings = warnings_of(run->json),
                      .interrupted = json_is_true(json_object_get(run->json, "interrupted"))};
}

const char *cli_compare_converged(const cli_compared *run, urn__arena *arena, bool *converged)
{
    urn__text why = {0};
    *converged = urn__converged(&run->judged, &why);
    const char *text = *converged ? "yes" : urn__arena_printf(arena, "no: %s", why.data);
    urn__text_clear(&why);
    return text != NULL ? text : "no: out of memory";
}

const char *cli_compare_state(const cli_compared *run)
{
    const urn__digest *d = run->digest;
    const char *text = d->posterior == URN_POSTERIOR_DRAWS
                           ? urn__arena_printf(d->arena, "%lld x %lld", (long long)d->n_chains,
                                               (long long)d->n_draws)
                       : d->posterior == URN_POSTERIOR_NORMAL
                           ? urn__arena_printf(d->arena, "guide, %lld", (long long)d->n_draws)
                       : d->posterior == URN_POSTERIOR_INDEPENDENT
                           ? urn__arena_printf(d->arena, "%lld", (long long)d->n_draws)
                           : "point";
    return text != NULL ? text : "";
}

/* ---- all of it ---- */

static urn_status choose_reference(cli_comparison *c, urn_error *error)
{
    const char *wanted = cli_text(c->args, "reference"), *names[64];
    urn__judged judged[64];
    for (int i = 0; i < c->n; i++) {
        judged[i] = c->runs[i].judged;
        names[i] = c->runs[i].path;
        if (wanted != NULL &&
            (strcmp(wanted, c->runs[i].path) == 0 || strcmp(wanted, c->runs[i].name) == 0)) {
            c->reference = i;
            return URN_OK;
        }
    }
    if (wanted != NULL)
        return cli_fail_unknown(error, "reference", wanted, names, (size_t)c->n);
    c->reference = urn__choose_reference(c->n, judged);
    return URN_OK;
}

static urn_status judge(cli_comparison *c, urn_error *error)
{
    urn__judged judged[64];
    URN_TRY(choose_reference(c, error));
    for (int i = 0; i < c->n; i++) {
        cli_compared *run = &c->runs[i];
        if (i != c->reference) {
            URN_TRY(urn__compare_digests(run->digest, c->runs[c->reference].digest, c->arena,
                                         &run->versus, error));
            run->judged.versus = &run->versus;
        }
        judged[i] = run->judged;
    }
    urn__verdict(c->n, judged, c->reference, &c->verdict);
    return c->verdict.failed ? cli_fail_memory(error) : URN_OK;
}

static urn_status end_status(const cli_comparison *c, urn_error *error)
{
    for (int i = 0; i < c->n && cli_flag(c->args, "strict"); i++) {
        bool converged;
        const char *why = cli_compare_converged(&c->runs[i], c->arena, &converged);
        if (!converged)
            return cli_fail(error, URN_ERR_NOT_CONVERGED, NULL, "%s has not converged: %s",
                            c->runs[i].name, why + strlen("no: "));
    }
    return URN_OK;
}

static urn_status compare(cli_comparison *c, urn_error *error)
{
    for (int i = 0; i < c->n; i++) {
        c->runs[i].path = c->args->operands[i];
        name_run(c, i);
        URN_TRY(cli_run_json(c->runs[i].path, &c->runs[i].json, error));
    }
    URN_TRY(check_kind(c, error));
    for (int i = 0; i < c->n; i++) {
        URN_TRY(digest_run(c, &c->runs[i], error));
        judge_run(&c->runs[i]);
    }
    URN_TRY(judge(c, error));
    if (cli_flag(c->args, "json"))
        URN_TRY(cli_print_json(cli_compare_json(c), error));
    else
        cli_compare_print(c);
    return end_status(c, error);
}

urn_status cli_compare(const cli_args *args, urn_error *error)
{
    cli_comparison c = {.args = args, .n = args->n_operands, .arena = urn__arena_new(NULL)};
    c.runs = calloc((size_t)c.n, sizeof *c.runs);
    const urn_status status =
        c.runs != NULL && c.arena != NULL ? compare(&c, error) : cli_fail_memory(error);
    for (int i = 0; c.runs != NULL && i < c.n; i++) {
        urn__digest_free(c.runs[i].digest);
        json_decref(c.runs[i].json);
    }
    free(c.runs);
    urn__text_clear(&c.mismatch);
    urn__text_clear(&c.verdict);
    urn__arena_free(c.arena);
    return status;
}
