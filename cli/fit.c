/* urn fit: data and a model into a run. */
#include "../inference/engine.h"
#include "data.h"
#include "init.h"
#include "load.h"
#include "memory.h"
#include "profile.h"
#include "progress.h"
#include "save.h"
#include "score.h"
#include "sites.h"
#include "watch.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const cli_option cli_fit_options[] = {
    CLI_DATA_OPTIONS,
    CLI_SET_OPTION,
    CLI_HANDLER_OPTIONS,
    CLI_TEXT("engine", "ENGINE", "svi", "how to fit; \"urn engines\" lists them"),
    CLI_REAL("holdout", NULL, 0.0, 0.99, "share of the rows held out, by a hash of their number"),
    CLI_TEXT("test", "FILE", NULL, "a second file whose rows are held out"),
    CLI_CHOICE("duplicates", "error", "error|mean|last",
               "repeated rows where the model wants them unique"),
    CLI_TEXT("init", "FILE", NULL,
             "first values of sites, as JSON {\"site\": [..]}; or the engine's word for a start"),
    CLI_TEXT("init-from", "RUN", NULL,
             "start where another run of the same sites ended; of a run with draws, each chain or "
             "path at another draw"),
    CLI_TEXT("metric-file", "FILE", NULL,
             "nuts, hmc: first inverse metric and step size, as a run's metric_1.json or Stan's "
             "JSON {\"inv_metric\": [..]}"),
    CLI_INT("chains", "0", 0, 4096, "chains of a sampler; 0: the engine's default"),
    CLI_INT("warmup", NULL, 0, 1000000000,
            "samplers: first steps of each chain, which find their way and are not kept"),
    CLI_INT("draws", NULL, 1, 1000000000,
            "draws: of a sampler, of each chain after warm-up; of laplace and pathfinder, all"),
    CLI_INT("thin", NULL, 1, 1000000, "samplers: steps for each draw"),
    CLI_CHOICE("precision", "double", "double|single",
               "the type the steps compute in; single is faster and takes half the memory"),
    CLI_TEXT("cpu", "PATH", NULL,
             "instructions to use: base, v3 (AVX2) or v4 (AVX-512); default: the best there is"),
    CLI_TEXT("max-memory", "SIZE", NULL,
             "refuse a fit that would take more, such as 500M or 4G, before it starts"),
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_OUT("DIR", "write the run here: fit.json, draws.nc, log.csv"),
    CLI_FORCE_OPTION,
    CLI_REAL("save-budget", "1024", 1, 1e9,
             "most megabytes of draws to keep; evenly spaced ones are kept where not all fit"),
    CLI_INT("prior", "0", 0, 1000000,
            "also keep so many draws from the prior, and data drawn from them, in draws.nc"),
    CLI_TEXT("keep", "SITES", NULL,
             "samplers: keep draws of these sites alone for reading, but all of them (within half "
             "of --save-budget); predictions have states of their own"),
    CLI_INT("log-every", "100", 1, 1000000000,
            "steps between lines of progress; up to 1,000 sweeps have a line each unless given"),
    CLI_FLAG("strict", 0, "warnings about the fit make the exit code 5"),
    CLI_FLAG("profile", 0, "print where the time of the steps went, by phase and op"),
    CLI_FLAG("quiet", 'q', "no progress"),
    CLI_END,
};

/* Everything a fit owns, so that one function lets it go. */
typedef struct session {
    const cli_args *args;
    cli_model source;
    cli_setup setup;
    urn_dataset *data;
    urn_model *model;   /* training rows */
    urn_model *batched; /* the same with mini-batches, or NULL */
    urn_model *target;  /* held-out rows, or NULL */
    urn_fit *fit;
    cli_init init;
    urn__io_run *run;
    urn__io_file *log;
    char log_path[PATH_MAX];
    urn__io_csv log_csv;
    bool log_begun, interrupted;
    cli_progress progress;
    cli_watch *watch; /* of samplers */
    cli_memory memory;
    json_t *sites, *json;
    cli_score *scores;
    int n_scores;
    int64_t n_held_out;
    uint64_t seed;
    int threads;
    double wall_s;
} session;

static void close_session(session *s)
{
    urn__io_file_abort(s->log);
    urn__io_run_abort(s->run);
    urn_fit_free(s->fit);
    cli_watch_free(s->watch);
    urn_model_free(s->target);
    urn_model_free(s->batched);
    urn_model_free(s->model);
    urn_dataset_free(s->data);
    cli_setup_clear(&s->setup);
    cli_init_clear(&s->init);
    json_decref(s->sites);
    json_decref(s->json);
    free(s->scores);
    cli_unload(&s->source);
}

static urn_trace_options trace_options(session *s)
{
    urn_trace_options options = cli_trace_options(&s->setup, s->data);
    options.allocator = &s->memory.hook;
    return options;
}

/* ---- data ---- */

/* --duplicates mean|last: merges what the model declares unique. */
static urn_status merge_duplicates(session *s, urn_error *error)
{
    const urn_trace_options options = trace_options(s);
    return cli_merge_rows(s->data, &s->source.def, &options, cli_text(s->args, "duplicates"), false,
                          error);
}

static urn_status hold_out(session *s, urn_error *error)
{
    if (!cli_given_at_all(s->args, "holdout"))
        return URN_OK;
    if (cli_given_at_all(s->args, "test"))
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "--holdout and --test exclude each other; give one");
    const urn_trace_options options = trace_options(s);
    return cli_hold_out_share(s->data, &s->source.def, &options, cli_real(s->args, "holdout"),
                              error);
}

static void count_held_out(session *s)
{
    for (int t = 0; t < urn_dataset_table_count(s->data); t++) {
        const char *table = urn_dataset_table_name(s->data, t);
        const unsigned char *flags = urn_dataset_held_out(s->data, table);
        for (int64_t r = 0; flags != NULL && r < urn_dataset_rows(s->data, table); r++)
            s->n_held_out += flags[r];
    }
}

/* ---- models ---- */

/* --batch PLATE=N and --batch-updates; `plate` has room for 128 bytes. */
static urn_status set_batch(const cli_args *args, char *plate, urn_trace_options *options,
                            urn_error *error)
{
    const char *batch = cli_text(args, "batch"), *updates = cli_text(args, "batch-updates");
    const char *equals = batch != NULL ? strchr(batch, '=') : NULL;
    const bool none = batch == NULL || *batch == '\0';
    if (none && cli_given_at_all(args, "batch-updates"))
        return cli_fail(error, URN_ERR_USAGE, "add --batch PLATE=N",
                        "option --batch-updates was given, but no mini-batches are taken");
    if (none)
        return URN_OK;
    if (equals == NULL || !urn__parse_int(equals + 1, &options->batch_size) ||
        options->batch_size < 1)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "option --batch is \"%s\"; it takes PLATE=N, N at least 1", batch);
    snprintf(plate, 128, "%.*s", (int)(equals - batch), batch);
    options->batch_plate = plate;
    options->batch_updates = updates == NULL                   ? URN_BATCH_AUTO
                             : strcmp(updates, "all") == 0     ? URN_BATCH_ALL
                             : strcmp(updates, "touched") == 0 ? URN_BATCH_TOUCHED
                                                               : URN_BATCH_AUTO;
    options->allow_duplicates = true; /* checked already */
    return URN_OK;
}

/* --reparam auto is settled by a pilot; then the model is traced again. */
static urn_status settle_forms(session *s, const urn_trace_options *batched, urn_error *error)
{
    const size_t before = s->setup.handlers.n;
    const urn_fit_options fit = {.bytes = sizeof fit,
                                 .allocator = &s->memory.hook,
                                 .engine = s->args->engine,
                                 .seed = s->seed,
                                 .threads = s->threads,
                                 .cpu = cli_text(s->args, "cpu"),
                                 .interrupted = cli_interrupted};
    URN_TRY(cli_handlers_settle(&s->setup.handlers, &s->source.def, batched, &fit,
                                cli_flag(s->args, "quiet"), error));
    if (s->setup.handlers.n == before)
        return URN_OK;
    urn_trace_options options = trace_options(s);
    urn_model_free(s->model);
    s->model = NULL;
    return urn_model_trace(&s->source.def, &options, &s->model, error);
}

static urn_status trace_models(session *s, urn_error *error)
{
    urn_trace_options options = trace_options(s);
    /* after a merge nothing is repeated; the check is the model's otherwise */
    URN_TRY(urn_model_trace(&s->source.def, &options, &s->model, error));
    URN_TRY(cli_check_maps(s->data, s->model, error));
    if (cli_int(s->args, "prior") > 0)
        URN_TRY(cli_check_prior(s->model, error));
    char plate[128];
    urn_trace_options batched = options;
    URN_TRY(set_batch(s->args, plate, &batched, error));
    URN_TRY(settle_forms(s, &batched, error));
    batched.handlers = options.handlers = s->setup.handlers.list;
    batched.n_handlers = options.n_handlers = s->setup.handlers.n;
    if (batched.batch_plate != NULL)
        URN_TRY(urn_model_trace(&s->source.def, &batched, &s->batched, error));
    if (s->n_held_out == 0)
        return URN_OK;
    options.rows = URN_ROWS_HELD_OUT;
    options.allow_duplicates = true;
    return urn_model_trace(&s->source.def, &options, &s->target, error);
}

/* ---- the fit ---- */

static void on_progress(void *context, const urn_progress *progress)
{
    session *s = context;
    cli_watch_text(s->watch, progress, s->progress.extra, sizeof s->progress.extra);
    cli_progress_show(&s->progress, progress);
}

static urn_status on_draw(void *context, const urn_draw *draw, urn_error *error)
{
    session *s = context;
    return cli_watch_draw(s->watch, draw, error);
}

static void on_log_row(void *context, int n, const char *const *names, const double *values)
{
    session *s = context;
    if (s->log == NULL)
        return;
    const char *const *columns;
    const int more = cli_watch_columns(s->watch, &columns);
    if (!s->log_begun) {
        for (int i = 0; i < n + more; i++)
            urn__io_csv_text(&s->log_csv, i < n ? names[i] : columns[i - n]);
        urn__io_csv_end(&s->log_csv);
        s->log_begun = true;
    }
    double watched[4] = {0};
    if (more > 0)
        cli_watch_row(s->watch, values, watched);
    for (int i = 0; i < n + more; i++)
        urn__io_csv_real(&s->log_csv, i < n ? values[i] : watched[i - n]);
    urn__io_csv_end(&s->log_csv);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t budget_of(const session *s)
{
    return (int64_t)(cli_real(s->args, "save-budget") * 1048576.0);
}

static int64_t training_rows(const session *s)
{
    return urn_model_observation_count(s->model);
}

/* Bytes of a sampler's draws.nc: the states (the posterior) and values in natural space, half of
 * the budget each at most, and groups with a number a training row (cli_save_rows). */
static double sampler_files(const session *s, double posterior)
{
    const double budget = (double)budget_of(s), rows = 8.0 * (double)training_rows(s);
    const double draws = posterior / (8.0 * (double)urn_model_state_size(s->model));
    const double groups = rows * draws <= budget / 16.0 ? 2.0 * rows * draws : 0.0;
    return posterior + fmin(2.0 * posterior, 0.5 * budget) + groups + fmin(rows, budget / 16.0);
}

/* Bytes of predictions (see urn_predict) and of draws.nc, which is built in memory. */
static cli_after memory_after(const session *s, double posterior)
{
    const urn_engine *engine = s->args->engine;
    const bool stored = engine->kind == URN__SAMPLER || engine->draws > 0;
    const double number = sizeof(double), n = (double)urn_model_position_size(s->model);
    cli_after after = {0};
    if (s->target != NULL &&
        engine->kind != URN__SAMPLER) /* a sampler's are there: see cli_watch */
        after.predictions = 4.0 * n * number + 8.0 * (double)s->n_held_out * number;
    if (s->run != NULL)
        after.files =
            3.0 * n * number + 6.0 * 1048576.0 +
            (stored ? sampler_files(s, posterior) : cli_guide_draws_bytes(s->model, budget_of(s)));
    return after;
}

static urn_status on_admit(void *context, const urn_fit_memory *fit, urn_error *error)
{
    session *s = context;
    const cli_after after = memory_after(s, (double)fit->posterior);
    return cli_memory_admit(&s->memory, fit, &after, error);
}

/* One file a chain, numbered from 1 as CmdStan does. A unit metric has nothing to keep. */
static urn_status on_metric(void *context, const urn_metric *metric, urn_error *error)
{
    const session *s = context;
    char name[64];
    snprintf(name, sizeof name, "metric_%d.json", metric->chain + 1);
    if (s->run == NULL || metric->inverse == NULL)
        return URN_OK;
    const char *path = urn__io_run_path(s->run, name);
    return path != NULL ? cli_metric_write(metric, path, error) : cli_fail_memory(error);
}

static urn_precision precision_of(const cli_args *args)
{
    return strcmp(cli_text(args, "precision"), "single") == 0 ? URN_PRECISION_SINGLE
                                                              : URN_PRECISION_DOUBLE;
}

/* For urn_fit_options: there, no warm-up is -1, and the engine's own is 0. */
static int64_t warmup_of(const cli_args *args)
{
    const int64_t warmup = cli_int(args, "warmup");
    return cli_given_at_all(args, "warmup") && warmup == 0 ? -1 : warmup;
}

static urn_status run_fit(session *s, urn_error *error)
{
    urn_setting *settings = calloc((size_t)s->args->n_given + 3, sizeof *settings);
    if (settings == NULL)
        return cli_fail_memory(error);
    size_t n_settings = cli_engine_settings(s->args, settings);
    n_settings += cli_init_settings(&s->init, s->args, settings + n_settings);
    urn_normal_form form = {.bytes = sizeof form};
    const bool formed = s->init.posterior != NULL && urn_posterior_form(s->init.posterior, &form);
    const urn_fit_options options = {.bytes = sizeof options,
                                     .allocator = &s->memory.hook,
                                     .engine = s->args->engine,
                                     .settings = settings,
                                     .n_settings = n_settings,
                                     .seed = s->seed,
                                     .chains = (int)cli_int(s->args, "chains"),
                                     .warmup = warmup_of(s->args),
                                     .draws = cli_int(s->args, "draws"),
                                     .thin = cli_int(s->args, "thin"),
                                     .keep_bytes = budget_of(s) / 2, /* the rest: cli_save_draws */
                                     .threads = s->threads,
                                     .cpu = cli_text(s->args, "cpu"),
                                     .precision = precision_of(s->args),
                                     .init = s->init.position,
                                     .n_init = s->init.n,
                                     .init_scale = s->init.scale,
                                     .init_form = formed ? &form : NULL,
                                     .inverse_metric = s->init.metric,
                                     .n_inverse_metric = s->init.n_metric,
                                     .context = s,
                                     .progress = on_progress,
                                     .interrupted = cli_interrupted,
                                     .log_row = on_log_row,
                                     .draw = on_draw,
                                     .metric = on_metric,
                                     .admit = on_admit,
                                     .profile = cli_flag(s->args, "profile")};
    s->progress = cli_progress_start(
        cli_flag(s->args, "quiet"),
        cli_given_at_all(s->args, "log-every") ? cli_int(s->args, "log-every") : 0);
    cli_catch_interrupts();
    const double start = now();
    urn_status status =
        urn_fit_run(s->batched != NULL ? s->batched : s->model, &options, &s->fit, error);
    s->wall_s = now() - start;
    cli_progress_end(&s->progress);
    free(settings);
    s->interrupted = status == URN_INTERRUPTED;
    return s->interrupted ? URN_OK : status;
}

/* ---- results ---- */

static urn_status score(session *s, urn_error *error)
{
    if (s->target == NULL)
        return URN_OK;
    const int most = urn_model_site_count(s->target);
    s->scores = calloc((size_t)most + 1, sizeof *s->scores);
    if (s->scores == NULL)
        return cli_fail_memory(error);
    const urn_predict_options options = {
        .bytes = sizeof options, .seed = s->seed, .threads = s->threads, .no_interval = true};
    for (bool found = true; found && s->n_scores < most; s->n_scores += found) {
        urn_prediction *watched = NULL;
        URN_TRY(cli_watch_finish(s->watch, s->n_scores, &watched, error));
        const urn_status status =
            cli_score_site(s->data, s->model, s->target, urn_fit_posterior(s->fit), s->n_scores,
                           &options, watched, &found, &s->scores[s->n_scores], error);
        urn_prediction_free(watched);
        URN_TRY(status);
    }
    return URN_OK;
}

static urn_status make_json(session *s, urn_error *error)
{
    const cli_fitted fitted = {.args = s->args,
                               .source = &s->source,
                               .setup = &s->setup,
                               .data = s->data,
                               .model = s->model,
                               .fit = s->fit,
                               .watch = s->watch,
                               .seed = s->seed,
                               .threads = s->threads,
                               .interrupted = s->interrupted,
                               .wall_s = s->wall_s,
                               .memory_estimate = s->memory.estimate,
                               .n_training = training_rows(s),
                               .n_held_out = s->n_held_out,
                               .sites = s->sites,
                               .scores = s->scores,
                               .n_scores = s->n_scores};
    URN_TRY(cli_fit_json(&fitted, &s->json, error));
    if (s->run == NULL)
        return URN_OK;
    const char *path = urn__io_run_path(s->run, "draws.nc");
    if (path == NULL)
        return cli_fail_memory(error);
    URN_TRY(cli_save_draws(&fitted, budget_of(s), path, error));
    json_object_set_new(s->json, "peak_rss_mb", urn__io_json_real(cli_memory_peak() / 1048576.0));
    return URN_OK;
}

static urn_status open_run(session *s, urn_error *error)
{
    const char *dir = cli_text(s->args, "out");
    if (dir == NULL)
        return URN_OK;
    URN_TRY(urn__io_run_open(dir, cli_flag(s->args, "force"), NULL, &s->run, error));
    const char *path = urn__io_run_path(s->run, "log.csv");
    if (path == NULL)
        return cli_fail_memory(error);
    snprintf(s->log_path, sizeof s->log_path, "%s", path);
    URN_TRY(urn__io_file_open(s->log_path, NULL, &s->log, error));
    s->log_csv = (urn__io_csv){.file = s->log};
    return URN_OK;
}

static urn_status commit_run(session *s, urn_error *error)
{
    if (s->run == NULL)
        return URN_OK;
    urn__io_file *log = s->log;
    s->log = NULL;
    URN_TRY(urn__io_file_commit(log, error));
    const char *path = urn__io_run_path(s->run, "fit.json");
    if (path == NULL)
        return cli_fail_memory(error);
    URN_TRY(urn__io_json_write(s->json, path, NULL, error));
    urn__io_run *run = s->run;
    s->run = NULL;
    return urn__io_run_commit(run, error);
}

static double fit_number(const session *s, const char *name)
{
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(s->fit, i, &number); i++)
        if (strcmp(number.name, name) == 0)
            return number.value;
    return (double)NAN;
}

/* Of engines that end with draws of an approximation. */
static void print_draws(const session *s)
{
    static const char *const names[][2] = {
        {"elbo", "highest ELBO of a path"},
        {"log_evidence", "log evidence by the approximation"},
        {"importance_log_evidence", "log evidence by importance weights"},
        {"importance_size", "independent draws that the weighted ones are worth"}};
    const double draws = fit_number(s, "draws_stored");
    char text[32];
    if (urn_posterior_kind_of(urn_fit_posterior(s->fit)) != URN_POSTERIOR_INDEPENDENT)
        return;
    printf("%.0f independent draws\n", draws);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const double value = fit_number(s, names[i][0]);
        if (!isnan(value))
            printf("%s %s\n", names[i][1], cli_number(value, text));
    }
}

static void print_numbers(const session *s)
{
    char text[32];
    const double loss = fit_number(s, "loss_per_observation"), k_hat = fit_number(s, "k_hat");
    printf("%s%s%s by %s: %lld training rows, %lld held out, seed %llu\n", cli_bold(),
           urn_model_name(s->model), cli_plain(), urn_engine_name(s->args->engine),
           (long long)training_rows(s), (long long)s->n_held_out, (unsigned long long)s->seed);
    const double sweep = fit_number(s, "sweep_ms_median");
    printf("%.0f %s in %.2f s, %.3f ms each (median)\n", fit_number(s, "steps"),
           isnan(sweep) ? "steps" : "sweeps", fit_number(s, "wall_s"),
           isnan(sweep) ? fit_number(s, "step_ms_median") : sweep);
    if (fit_number(s, "chains") > 0.0)
        printf("%.0f chain%s, %.0f draws each after %.0f %s of warm-up, %.0f kept\n",
               fit_number(s, "chains"), fit_number(s, "chains") == 1.0 ? "" : "s",
               fit_number(s, "draws"), fit_number(s, "warmup"), isnan(sweep) ? "steps" : "sweeps",
               fit_number(s, "draws_stored"));
    char peak[32], estimate[32];
    printf("memory: %s at the peak, estimated %s\n", cli_bytes(cli_memory_peak(), peak),
           cli_bytes(s->memory.estimate, estimate));
    if (!isnan(loss))
        printf("loss per observation %s (%s)\n", cli_number(loss, text),
               urn_posterior_kind_of(urn_fit_posterior(s->fit)) == URN_POSTERIOR_POINT
                   ? "at the point found"
                   : "mean of fresh draws");
    print_draws(s);
    if (!isnan(k_hat))
        printf("k-hat of the %s %s\n", cli_approximation(urn_fit_posterior(s->fit)),
               cli_number(k_hat, text));
}

static void print_result(const session *s)
{
    print_numbers(s);
    for (int i = 0; i < s->n_scores; i++)
        cli_score_print(&s->scores[i], urn_model_name(s->model));
    cli_sites_print(s->sites);
    cli_warnings_print(s->sites, urn_posterior_chains(urn_fit_posterior(s->fit)),
                       json_object_get(s->json, "warnings"));
    cli_profile_print(s->fit);
    if (cli_given_at_all(s->args, "out"))
        printf("\nrun written to %s\n", cli_text(s->args, "out"));
}

static urn_status end_status(const session *s, urn_error *error)
{
    if (s->interrupted)
        return cli_fail(error, URN_INTERRUPTED, NULL, "interrupted after %lld steps%s",
                        (long long)urn__io_json_get_int(s->json, "steps", 0),
                        cli_given_at_all(s->args, "out") ? "; the run is written" : "");
    const json_t *warnings = json_object_get(s->json, "warnings");
    if (cli_flag(s->args, "strict") && json_array_size(warnings) > 0)
        return cli_fail(error, URN_ERR_NOT_CONVERGED, NULL, "the fit has warnings: %s",
                        json_string_value(json_array_get(warnings, 0)));
    return URN_OK;
}

static urn_status fit_session(session *s, urn_error *error)
{
    const cli_args *args = s->args;
    const urn__kernels *kernels; /* an unknown --cpu is refused before anything is read */
    URN_TRY(urn__kernels_select(cli_text(args, "cpu"), &kernels, error));
    URN_TRY(cli_memory_start(args, &s->memory, error));
    URN_TRY(cli_memory_files(&s->memory, error));
    URN_TRY(cli_load(args->operands[0], &s->source, error));
    URN_TRY(cli_setup_init(args, false, &s->setup, error));
    URN_TRY(open_run(s, error));
    URN_TRY(cli_read_data(args, cli_text(args, "test"), &s->memory.hook, &s->data, error));
    cli_memory_next(&s->memory);
    URN_TRY(merge_duplicates(s, error));
    URN_TRY(hold_out(s, error));
    count_held_out(s);
    const urn_status traced = trace_models(s, error);
    if (traced == URN_ERR_DATA && error != NULL && cli_text_at(args, "data", 0) == NULL)
        snprintf(error->hint, sizeof error->hint, "give data with --data FILE");
    URN_TRY(traced);
    URN_TRY(cli_init_read(args, s->model, &s->init, error));
    const cli_watched watched = {.args = args,
                                 .model = s->model,
                                 .target = s->target,
                                 .allocator = &s->memory.hook,
                                 .seed = s->seed,
                                 .threads = s->threads,
                                 .keep_bytes = budget_of(s) / 2};
    URN_TRY(cli_watch_new(&watched, &s->watch, error));
    cli_memory_next(&s->memory);
    URN_TRY(run_fit(s, error));
    cli_memory_next(&s->memory);
    URN_TRY(score(s, error));
    URN_TRY(
        cli_sites_json(s->model, urn_fit_posterior(s->fit), NULL, s->threads, &s->sites, error));
    URN_TRY(make_json(s, error));
    if (cli_flag(args, "profile"))
        json_object_set_new(s->json, "profile", cli_profile_json(s->fit));
    URN_TRY(commit_run(s, error));
    if (cli_flag(args, "json"))
        URN_TRY(cli_print_json(json_incref(s->json), error));
    else
        print_result(s);
    return end_status(s, error);
}

urn_status cli_fit(const cli_args *args, urn_error *error)
{
    session s = {.args = args,
                 .seed = (uint64_t)cli_int(args, "seed"),
                 .threads = (int)cli_int(args, "threads")};
    const urn_status status = cli_memory_explain(&s.memory, fit_session(&s, error), error);
    close_session(&s);
    return status;
}
