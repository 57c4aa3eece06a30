/* urn sbc: is an engine calibrated on a model? Truth and data are drawn from the model, the engine
 * fits them, and the truth's rank among the draws should be uniform. */
#include "sbc.h"
#include "../inference/compare/compare.h"
#include "../inference/engine.h"
#include "../runtime/base/rng.h"
#include "progress.h"
#include <stdlib.h>
#include <string.h>

const cli_option cli_sbc_options[] = {
    CLI_TEXT("engine", "ENGINE", "nuts", "what is put to the test"),
    CLI_INT("trials", "200", 20, 100000, "data sets drawn and fitted"),
    CLI_INT("draws", "99", 4, 100000, "posterior draws the truth is ranked among"),
    CLI_INT("warmup", "500", 1, 1000000000, "samplers: warm-up of each fit's one chain"),
    CLI_INT("thin", "5", 1, 1000000, "samplers: steps for each draw; draws should be independent"),
    CLI_SIZE_OPTIONS,
    CLI_REAL("popularity", "0", 0, 100, "ids are drawn with probability ~ rank^-X; 0: evenly"),
    CLI_TEXT("sites", "A,B", NULL,
             "these sites (default: all of at most 50 elements that are identified)"),
    CLI_SET_OPTION,
    CLI_DATA_OPTIONS,
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_FLAG("strict", 0, "exit with 5 if ranks are not uniform"),
    CLI_FLAG("quiet", 'q', "no progress"),
    CLI_END,
};

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

static urn_status draw_data(sbc_run *c, uint64_t seed, cli_simulation *s, urn_error *error)
{
    urn_dataset *data = NULL;
    if (cli_text_at(c->args, "data", 0) != NULL)
        URN_TRY(cli_read_data(c->args, NULL, NULL, &data, error));
    URN_TRY(cli_simulate_run(&c->source, &c->sizes, data, cli_real(c->args, "popularity"), NULL, 0,
                             seed, 0, s, error));
    urn_status status = check_unobserved(s, error);
    if (status == URN_OK)
        status = cli_simulation_observe(s, error);
    if (status != URN_OK)
        cli_simulation_clear(s);
    return status;
}

static urn_status fit(const sbc_run *c, uint64_t seed, urn_model *model, urn_fit **made,
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

/* ---- ranks ---- */

/* Values of a posterior's draws, and the density of what was observed given values. */
typedef struct reader {
    urn__runner values, predict;
    const double **value; /* by site */
    double *state, *of;   /* of: what is ranked, draw by draw for one quantity after another */
    int64_t *below, *equal;
    urn__chains *chains;
} reader;

static void reader_close(reader *r)
{
    urn__runner_close(&r->values);
    urn__runner_close(&r->predict);
    free(r->value);
    free(r->state);
    free(r->of);
    free(r->below);
    urn__chains_free(r->chains);
}

static urn_status open_predict(const urn_model *model, reader *r, urn_error *error)
{
    const urn_compile_options predict = {.bytes = sizeof predict, .kind = URN_PROGRAM_PREDICT};
    return urn__runner_open(&r->predict, model, &predict, 1, error);
}

static urn_status reader_open(const sbc_run *c, const urn_model *model, int64_t size, reader *r,
                              urn_error *error)
{
    const urn_compile_options values = {.bytes = sizeof values, .kind = URN_PROGRAM_VALUES};
    r->value = calloc((size_t)urn_model_site_count(model) + 1, sizeof *r->value);
    r->below = calloc(2 * (size_t)c->n, sizeof *r->below);
    r->state = malloc(((size_t)size + 1) * sizeof *r->state);
    r->of = malloc((size_t)(c->n * c->draws) * sizeof *r->of);
    if (r->value == NULL || r->below == NULL || r->state == NULL || r->of == NULL)
        return cli_fail_memory(error);
    r->equal = r->below + c->n;
    URN_TRY(urn__chains_new(NULL, 1, c->draws, &r->chains, error));
    if (c->with_likelihood)
        URN_TRY(open_predict(model, r, error));
    return urn__runner_open(&r->values, model, &values, 1, error);
}

static bool is_observed(const urn_model *model, int i, urn_site_info *info)
{
    urn_model_site(model, i, info);
    return info->role == URN_SITE_OBSERVED;
}

/* The log density of all that was observed, given what r->value holds. */
static urn_status likelihood_of(const sbc_run *c, const urn_model *model, reader *r, double *sum,
                                urn_error *error)
{
    urn_site_info info;
    *sum = 0.0;
    for (int i = 0; c->with_likelihood && i < urn_model_site_count(model); i++) {
        urn_model_site(model, i, &info);
        if (info.role == URN_SITE_LATENT)
            URN_TRY(urn_replay_input(r->predict.replay, i, r->value[i], info.size, error));
    }
    if (c->with_likelihood)
        urn_replay_run(r->predict.replay, NULL);
    for (int i = 0; c->with_likelihood && i < urn_model_site_count(model); i++) {
        if (!is_observed(model, i, &info))
            continue;
        const double *row = urn_replay_result(r->predict.replay, i, URN_RESULT_LOG_DENSITY);
        for (int64_t k = 0; row != NULL && k < info.rows; k++)
            *sum += row[k];
    }
    return URN_OK;
}

/* Can the density of what was observed be had? Not with parameters without a distribution. */
static bool has_likelihood(const urn_model *model)
{
    reader r = {0};
    bool has = open_predict(model, &r, NULL) == URN_OK;
    for (int i = 0; has && i < urn_model_site_count(model); i++) {
        urn_site_info info;
        urn_model_site(model, i, &info);
        has = info.role != URN_SITE_PARAM && info.role != URN_SITE_FACTOR;
    }
    reader_close(&r);
    return has;
}

/* The truth, then the draws. Draws equal to the truth are counted: see rank_all. */
static urn_status read_draws(const sbc_run *c, const cli_simulation *s, const urn_model *model,
                             const urn_posterior *posterior, reader *r, urn_error *error)
{
    const int n_sites = urn_model_site_count(model);
    double likelihood;
    double *truth = malloc((size_t)c->n * sizeof *truth);
    if (truth == NULL)
        return cli_fail_memory(error);
    for (int i = 0; i < n_sites; i++)
        r->value[i] = cli_simulated(s, i);
    urn_status status = likelihood_of(c, model, r, &likelihood, error);
    for (int64_t i = 0; status == URN_OK && i < c->n; i++)
        truth[i] = sbc_read(&c->quantities[i], r->value, likelihood);
    for (int64_t d = 0; status == URN_OK && d < c->draws; d++) {
        urn_posterior_draw(posterior, d, r->state);
        urn_replay_run(r->values.replay, r->state);
        for (int i = 0; i < n_sites; i++)
            r->value[i] = urn_replay_result(r->values.replay, i, URN_RESULT_VALUE);
        status = likelihood_of(c, model, r, &likelihood, error);
        for (int64_t i = 0; i < c->n; i++) {
            const double drawn = sbc_read(&c->quantities[i], r->value, likelihood);
            r->of[i * c->draws + d] = drawn;
            r->below[i] += drawn < truth[i];
            r->equal[i] += drawn == truth[i];
        }
    }
    free(truth);
    return status;
}

/* Truths equal to draws, as of discrete sites, get a random rank among them. */
static void rank_all(sbc_run *c, bool sampler, uint64_t seed, reader *r)
{
    const urn__stream stream = urn__stream_at(seed, 0, "ranks of ties", 0);
    for (int64_t i = 0; i < c->n; i++) {
        sbc_quantity *q = &c->quantities[i];
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, i);
        const double places = (double)r->equal[i] + 1.0;
        urn__ranks_add(&q->ranks, r->below[i] + (int64_t)(urn_rng_uniform(&rng) * places));
        urn__chains_read(r->chains, r->of + i * c->draws, c->draws, 1);
        const double ess = sampler ? urn__ess_mean(r->chains) : (double)c->draws;
        q->independent += ess < (double)c->draws ? ess : (double)c->draws; /* NaN: all of them */
    }
}

static urn_status rank_fit(sbc_run *c, const cli_simulation *s, const urn_model *model,
                           const urn_fit *made, uint64_t seed, urn_error *error)
{
    const urn_posterior *posterior = urn_fit_posterior(made);
    reader r = {0};
    urn_status status = reader_open(c, model, urn_posterior_size(posterior), &r, error);
    if (status == URN_OK)
        status = read_draws(c, s, model, posterior, &r, error);
    if (status == URN_OK)
        rank_all(c, c->args->engine->kind == URN__SAMPLER, seed, &r);
    reader_close(&r);
    return status;
}

static void note_numbers(sbc_run *c, const urn_fit *made)
{
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(made, i, &number); i++) {
        if (strcmp(number.name, "divergences") == 0)
            c->diverging += number.value > 0.0;
        if (strcmp(number.name, "k_hat") == 0) {
            c->n_high_k += number.value > URN__K_HAT_LIMIT;
            c->k_hat[c->n_k++] = number.value;
        }
    }
}

static urn_status fit_and_rank(sbc_run *c, cli_simulation *s, uint64_t seed, urn_error *error)
{
    urn_trace_options options = cli_trace_options(&c->setup, s->data);
    urn_model *model = NULL;
    urn_fit *made = NULL;
    options.allow_duplicates = true;
    URN_TRY(urn_model_trace(&c->source.def, &options, &model, error));
    urn_status status = URN_OK;
    if (c->quantities == NULL) {
        c->with_likelihood = has_likelihood(model);
        status = sbc_list(c, model, error);
    }
    if (status == URN_OK)
        status = fit(c, seed, model, &made, error);
    if (status == URN_ERR_RUNTIME) { /* counted: many of them say something, too */
        c->skipped++;
        if (error != NULL)
            snprintf(c->failure, sizeof c->failure, "%.500s", error->message);
        status = URN_OK;
    } else if (status == URN_OK) {
        note_numbers(c, made);
        status = rank_fit(c, s, model, made, seed, error);
    }
    urn_fit_free(made);
    urn_model_free(model);
    return status;
}

static urn_status run_trials(sbc_run *c, urn_error *error)
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

urn_status cli_sbc(const cli_args *args, urn_error *error)
{
    sbc_run c = {.args = args, .trials = cli_int(args, "trials"), .draws = cli_int(args, "draws")};
    URN_TRY(cli_load(args->operands[0], &c.source, error));
    c.k_hat = malloc((size_t)c.trials * sizeof *c.k_hat);
    urn_status status = c.k_hat != NULL ? URN_OK : cli_fail_memory(error);
    if (status == URN_OK)
        status = cli_setup_init(args, false, &c.setup, error);
    if (status == URN_OK)
        status = cli_setup_init(args, true, &c.sizes, error);
    if (status == URN_OK)
        status = run_trials(&c, error);
    if (status == URN_OK)
        status = sbc_report(&c, error);
    sbc_clear(&c);
    cli_setup_clear(&c.setup);
    cli_setup_clear(&c.sizes);
    cli_unload(&c.source);
    return status;
}
