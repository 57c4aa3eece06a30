/* urn sbc: is an engine calibrated on a model? Truth and data are drawn from the model, the engine
 * fits them, and the truth's rank among the draws should be uniform. */
#include "../inference/diagnostics/ranks.h"
#include "../inference/engine.h"
#include "../inference/replays.h"
#include "../io/io.h"
#include "../runtime/base/rng.h"
#include "progress.h"
#include "simulate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 50, SHOWN = 40 };

const cli_option cli_sbc_options[] = {
    CLI_TEXT("engine", "ENGINE", "nuts", "what is put to the test"),
    CLI_INT("trials", "200", 20, 100000, "data sets drawn and fitted"),
    CLI_INT("draws", "99", 4, 100000, "posterior draws the truth is ranked among"),
    CLI_INT("warmup", "500", 1, 1000000000, "samplers: warm-up of each fit's one chain"),
    CLI_INT("thin", "5", 1, 1000000, "samplers: steps for each draw; draws should be independent"),
    CLI_SIZE_OPTIONS,
    CLI_REAL("popularity", "0", 0, 100, "ids are drawn with probability ~ rank^-X; 0: evenly"),
    CLI_TEXT("sites", "A,B", NULL, "these sites (default: all of at most 50 elements)"),
    CLI_SET_OPTION,
    CLI_DATA_OPTIONS,
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_FLAG("strict", 0, "exit with 5 if ranks are not uniform"),
    CLI_FLAG("quiet", 'q', "no progress"),
    CLI_END,
};

/* One number whose rank is looked at. */
typedef struct quantity {
    char name[160];
    int site; /* of the model */
    int64_t element;
    urn__ranks ranks;
} quantity;

typedef struct calibration {
    const cli_args *args;
    cli_model source;
    cli_setup setup, sizes; /* without and with sizes of plates */
    int64_t trials, draws, n;
    quantity *quantities;
    int64_t skipped; /* trials whose fit failed */
    char failure[512];
} calibration;

/* ---- what is ranked ---- */

static bool is_listed(const char *list, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = list; p != NULL; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, name, n) == 0 && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

static bool is_ranked(const calibration *c, const urn_site_info *info)
{
    const char *list = cli_text(c->args, "sites");
    if (info->role != URN_SITE_LATENT && info->role != URN_SITE_RECORDED)
        return false;
    return list != NULL ? is_listed(list, info->name) : info->size <= MOST_ELEMENTS;
}

static urn_status list_quantities(calibration *c, const urn_model *model, urn_error *error)
{
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < urn_model_site_count(model); i++) {
            urn_site_info info;
            urn_model_site(model, i, &info);
            for (int64_t k = 0; is_ranked(c, &info) && k < info.size; k++, n++) {
                if (pass == 0)
                    continue;
                quantity *q = &c->quantities[n];
                q->site = i;
                q->element = k;
                if (info.n_dims == 0)
                    snprintf(q->name, sizeof q->name, "%.120s", info.name);
                else
                    snprintf(q->name, sizeof q->name, "%.120s[%lld]", info.name, (long long)k);
                urn__ranks_start(&q->ranks, c->draws, c->trials);
            }
        }
        if (n == 0)
            return cli_fail(error, URN_ERR_USAGE, "name latent or recorded sites with --sites",
                            "there is no site to rank");
        if (pass == 0) {
            c->quantities = calloc((size_t)n, sizeof *c->quantities);
            c->n = n;
            n = 0;
        }
        if (c->quantities == NULL)
            return cli_fail_memory(error);
    }
    return URN_OK;
}

/* ---- a trial ---- */

/* Values of the file would not be those the truth was drawn with. */
static urn_status check_unobserved(const cli_simulation *s, urn_error *error)
{
    for (int i = 0; i < urn_model_data_count(s->model); i++) {
        urn_data_info info;
        urn_model_data(s->model, i, &info);
        if (info.observed == NULL)
            continue;
        if (info.table == NULL)
            return cli_fail(error, URN_ERR_USAGE, "observe a column of a table",
                            "site \"%s\" observes the array \"%s\", which cannot be drawn anew",
                            info.observed, info.name);
        if (urn_dataset_values(s->data, info.table, info.name) != NULL)
            return cli_fail(error, URN_ERR_USAGE, "leave that column out of the file",
                            "the data have a column \"%s\", which is what site \"%s\" is drawn for",
                            info.name, info.observed);
    }
    return URN_OK;
}

static urn_status draw_data(calibration *c, uint64_t seed, cli_simulation *s, urn_error *error)
{
    urn_dataset *data = NULL;
    if (cli_text_at(c->args, "data", 0) != NULL)
        URN_TRY(cli_read_data(c->args, NULL, NULL, &data, error));
    URN_TRY(cli_simulate_run(&c->source, &c->sizes, data, cli_real(c->args, "popularity"), NULL, 0,
                             seed, 0, s, error));
    urn_status status = check_unobserved(s, error);
    if (status == URN_OK)
        status = cli_simulation_observe(s, error);
    if (status == URN_OK && c->quantities == NULL)
        status = list_quantities(c, s->model, error);
    if (status != URN_OK)
        cli_simulation_clear(s);
    return status;
}

static urn_status fit(const calibration *c, uint64_t seed, urn_model *model, urn_fit **made,
                      urn_error *error)
{
    urn_setting *settings = calloc((size_t)c->args->n_given + 1, sizeof *settings);
    if (settings == NULL)
        return cli_fail_memory(error);
    const bool sampler = c->args->engine->kind == URN__SAMPLER;
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = c->args->engine,
                                     .settings = settings,
                                     .n_settings = cli_engine_settings(c->args, settings),
                                     .seed = seed,
                                     .chains = sampler ? 1 : 0,
                                     .warmup = sampler ? cli_int(c->args, "warmup") : 0,
                                     .draws = sampler ? c->draws : 0,
                                     .thin = sampler ? cli_int(c->args, "thin") : 0,
                                     .threads = (int)cli_int(c->args, "threads"),
                                     .interrupted = cli_interrupted};
    const urn_status status = urn_fit_run(model, &options, made, error);
    free(settings);
    return status;
}

/* Truths equal to draws, as of discrete sites, get a random rank among them. */
static void rank_all(calibration *c, const cli_simulation *s, const urn_replay *replay,
                     int64_t *below, int64_t *equal)
{
    for (int64_t i = 0; i < c->n; i++) {
        const quantity *q = &c->quantities[i];
        const double truth = cli_simulated(s, q->site)[q->element];
        const double *value = urn_replay_result(replay, q->site, URN_RESULT_VALUE);
        below[i] += value[q->element] < truth;
        equal[i] += value[q->element] == truth;
    }
}

static urn_status count_draws(calibration *c, const cli_simulation *s, const urn_model *model,
                              const urn_posterior *posterior, uint64_t seed, urn_error *error)
{
    const urn_compile_options values = {.bytes = sizeof values, .kind = URN_PROGRAM_VALUES};
    const size_t size = (size_t)urn_posterior_size(posterior);
    urn__runner runner = {0};
    int64_t *below = calloc(2 * (size_t)c->n, sizeof *below), *equal = below + c->n;
    double *state = malloc((size + 1) * sizeof *state);
    urn_status status = below != NULL && state != NULL
                            ? urn__runner_open(&runner, model, &values, 1, error)
                            : cli_fail_memory(error);
    for (int64_t d = 0; status == URN_OK && d < c->draws; d++) {
        urn_posterior_draw(posterior, d, state);
        urn_replay_run(runner.replay, state);
        rank_all(c, s, runner.replay, below, equal);
    }
    const urn__stream stream = urn__stream_at(seed, 0, "ranks of ties", 0);
    for (int64_t i = 0; status == URN_OK && i < c->n; i++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, i);
        const double places = (double)equal[i] + 1.0;
        urn__ranks_add(&c->quantities[i].ranks,
                       below[i] + (int64_t)(urn_rng_uniform(&rng) * places));
    }
    urn__runner_close(&runner);
    free(below);
    free(state);
    return status;
}

static urn_status fit_and_rank(calibration *c, cli_simulation *s, uint64_t seed, urn_error *error)
{
    urn_trace_options options = cli_trace_options(&c->setup, s->data);
    urn_model *model = NULL;
    urn_fit *made = NULL;
    options.allow_duplicates = true;
    URN_TRY(urn_model_trace(&c->source.def, &options, &model, error));
    urn_status status = fit(c, seed, model, &made, error);
    if (status == URN_ERR_RUNTIME) { /* counted: many of them say something, too */
        c->skipped++;
        if (error != NULL)
            snprintf(c->failure, sizeof c->failure, "%.500s", error->message);
        status = URN_OK;
    } else if (status == URN_OK) {
        status = count_draws(c, s, model, urn_fit_posterior(made), seed, error);
    }
    urn_fit_free(made);
    urn_model_free(model);
    return status;
}

static urn_status run_trials(calibration *c, urn_error *error)
{
    const uint64_t seed = (uint64_t)cli_int(c->args, "seed");
    cli_catch_interrupts();
    for (int64_t t = 0; t < c->trials; t++) {
        cli_simulation s = {0};
        const uint64_t own = urn__hash_u64(urn__hash_u64(1, seed), (uint64_t)t);
        URN_TRY(draw_data(c, own, &s, error));
        const urn_status status = fit_and_rank(c, &s, own, error);
        cli_simulation_clear(&s);
        URN_TRY(status);
        if (!cli_flag(c->args, "quiet") && (t + 1) % 20 == 0)
            fprintf(stderr, "trial %6lld/%lld\n", (long long)t + 1, (long long)c->trials);
    }
    return URN_OK;
}

/* ---- results ---- */

/* What the ranks say, in words. Scores beyond 4 are no chance among some hundred quantities. */
static const char *verdict_of(const urn__ranks *r)
{
    if (urn__ranks_spread(r) > 4.0)
        return "draws too narrow";
    if (urn__ranks_spread(r) < -4.0)
        return "draws too wide";
    if (urn__ranks_shift(r) > 4.0)
        return "draws too low";
    if (urn__ranks_shift(r) < -4.0)
        return "draws too high";
    return "";
}

/* The smallest p-value times the number of quantities (Bonferroni). */
static double corrected(const calibration *c)
{
    double least = 1.0;
    for (int64_t i = 0; i < c->n; i++)
        least = fmin(least, urn__ranks_p(&c->quantities[i].ranks));
    return fmin(1.0, least * (double)c->n);
}

static bool is_uniform(const calibration *c)
{
    bool fine = corrected(c) > 0.01;
    for (int64_t i = 0; i < c->n; i++)
        fine = fine && verdict_of(&c->quantities[i].ranks)[0] == '\0';
    return fine;
}

/* A row of digits: each bin's share of what is expected, 5 being all of it. */
static void histogram(const urn__ranks *r, char text[URN__RANK_BINS + 1])
{
    for (int b = 0; b < r->n_bins; b++) {
        const double share = 5.0 * (double)r->bin[b] * r->n_bins / (double)r->trials;
        text[b] = (char)('0' + (share > 9.0 ? 9 : (int)(share + 0.5)));
    }
    text[r->n_bins] = '\0';
}

static void print_result(const calibration *c)
{
    char p[32], shift[32], spread[32], bins[URN__RANK_BINS + 1];
    printf("%s%s%s by %s: %lld trials, ranks among %lld draws\n\n", cli_bold(), c->source.def.name,
           cli_plain(), urn_engine_name(c->args->engine), (long long)(c->trials - c->skipped),
           (long long)c->draws);
    printf("%-24s %-20s %10s %8s %8s\n", "quantity", "ranks (5: as many as expected)", "p", "shift",
           "spread");
    for (int64_t i = 0; i < c->n && i < SHOWN; i++) {
        const urn__ranks *r = &c->quantities[i].ranks;
        histogram(r, bins);
        printf("%-24s %-30s %10s %8s %8s  %s\n", c->quantities[i].name, bins,
               cli_number(urn__ranks_p(r), p), cli_number(urn__ranks_shift(r), shift),
               cli_number(urn__ranks_spread(r), spread), verdict_of(r));
    }
    if (c->n > SHOWN)
        printf("... and %lld more\n", (long long)(c->n - SHOWN));
    if (c->skipped > 0)
        printf("\n%lld trials are left out, whose fit failed; the last of them: %s\n",
               (long long)c->skipped, c->failure);
    printf("\n%s: least p, corrected for %lld quantities, %s\n",
           is_uniform(c) ? "ranks are uniform as far as these trials can tell"
                         : "ranks are not uniform: the engine's posterior is off",
           (long long)c->n, cli_number(corrected(c), p));
}

static json_t *result_json(const calibration *c)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < c->n; i++) {
        const urn__ranks *r = &c->quantities[i].ranks;
        json_t *bins = json_array();
        for (int b = 0; b < r->n_bins; b++)
            json_array_append_new(bins, json_integer((json_int_t)r->bin[b]));
        json_array_append_new(
            list, json_pack("{s:s,s:o,s:o,s:o,s:o,s:s}", "name", c->quantities[i].name, "bins",
                            bins, "p", urn__io_json_real(urn__ranks_p(r)), "shift",
                            urn__io_json_real(urn__ranks_shift(r)), "spread",
                            urn__io_json_real(urn__ranks_spread(r)), "verdict", verdict_of(r)));
    }
    return json_pack("{s:s,s:s,s:I,s:I,s:I,s:o,s:b,s:o}", "model", c->source.def.name, "engine",
                     urn_engine_name(c->args->engine), "trials", (json_int_t)c->trials, "failed",
                     (json_int_t)c->skipped, "draws", (json_int_t)c->draws, "p",
                     urn__io_json_real(corrected(c)), "uniform", (int)is_uniform(c), "quantities",
                     list);
}

static urn_status report(const calibration *c, urn_error *error)
{
    if (2 * c->skipped > c->trials)
        return cli_fail(error, URN_ERR_RUNTIME, NULL, "%lld of %lld fits failed; the last: %s",
                        (long long)c->skipped, (long long)c->trials, c->failure);
    if (cli_flag(c->args, "json"))
        URN_TRY(cli_print_json(result_json(c), error));
    else
        print_result(c);
    if (cli_flag(c->args, "strict") && !is_uniform(c))
        return cli_fail(error, URN_ERR_NOT_CONVERGED, NULL, "ranks are not uniform");
    return URN_OK;
}

urn_status cli_sbc(const cli_args *args, urn_error *error)
{
    calibration c = {
        .args = args, .trials = cli_int(args, "trials"), .draws = cli_int(args, "draws")};
    URN_TRY(cli_load(args->operands[0], &c.source, error));
    urn_status status = cli_setup_init(args, false, &c.setup, error);
    if (status == URN_OK)
        status = cli_setup_init(args, true, &c.sizes, error);
    if (status == URN_OK)
        status = run_trials(&c, error);
    if (status == URN_OK)
        status = report(&c, error);
    free(c.quantities);
    cli_setup_clear(&c.setup);
    cli_setup_clear(&c.sizes);
    cli_unload(&c.source);
    return status;
}
