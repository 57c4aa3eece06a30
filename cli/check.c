/* urn check: does a model compile, is its density finite where its prior puts it, are its gradients
 * right? Every engine relies on all three. And is what gibbs derived from it its conditionals? */
#include "../inference/gibbs/verify.h"
#include "../runtime/base/rng.h"
#include "data.h"
#include "load.h"
#include "plan.h"
#include "simulate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_check_options[] = {
    CLI_DATA_OPTIONS,
    CLI_SET_OPTION,
    CLI_SIZE_OPTIONS,
    CLI_INT("points", "5", 1, 1000000, "random positions at which gradients are compared"),
    CLI_INT("draws", "20", 1, 1000000, "prior draws at which the density must be finite"),
    CLI_SEED_OPTION,
    CLI_END,
};

enum { MAX_COORDINATES = 64 };

typedef struct step {
    char name[80];
    bool ok;
    char text[1600];
} step;

typedef struct job {
    const cli_args *args;
    cli_model source;
    cli_setup setup;
    urn_dataset *data;
    urn_model *model;
    urn_program *program;
    urn_replay *replay;
    int64_t size;
    double *position, *moved, *gradient;
    step *steps;
    int n_steps;
    bool discrete; /* there is no density over a position */
    step lost;     /* what a step is written to when memory has run out */
    bool out_of_memory;
} job;

static step *add_step(job *j, const char *name)
{
    step *grown = realloc(j->steps, ((size_t)j->n_steps + 1) * sizeof *grown);
    step *s = grown != NULL ? &grown[j->n_steps] : &j->lost;
    if (grown != NULL) {
        j->steps = grown;
        j->n_steps++;
    }
    j->out_of_memory = j->out_of_memory || grown == NULL;
    snprintf(s->name, sizeof s->name, "%s", name);
    s->ok = true;
    s->text[0] = '\0';
    return s;
}

static urn_rng rng_at(const job *j, const char *what, int64_t row)
{
    const urn__stream stream = urn__stream_at((uint64_t)cli_int(j->args, "seed"), 0, what, 0);
    urn_rng rng;
    urn__rng_at_row(&rng, &stream, row);
    return rng;
}

/* ---- gradients ---- */

/* Difference quotient along one coordinate (direction NULL) or along a direction, of second order
 * with one Richardson step. */
static double slope(job *j, int64_t coordinate, const double *direction, double h)
{
    double quotient[2];
    for (int k = 0; k < 2; k++) {
        const double width = k == 0 ? h : 0.5 * h;
        double f[2];
        for (int side = 0; side < 2; side++) {
            const double move = side == 0 ? width : -width;
            for (int64_t i = 0; i < j->size; i++)
                j->moved[i] = j->position[i] + (direction != NULL ? move * direction[i] : 0.0);
            if (direction == NULL)
                j->moved[coordinate] += move;
            f[side] = urn_replay_log_density(j->replay, j->moved, NULL);
        }
        quotient[k] = (f[0] - f[1]) / (2.0 * width);
    }
    return (4.0 * quotient[1] - quotient[0]) / 3.0;
}

/* The site a coordinate belongs to. */
static const char *site_of(const job *j, int64_t coordinate)
{
    for (int i = 0; i < urn_model_site_count(j->model); i++) {
        urn_site_info info;
        urn_model_site(j->model, i, &info);
        if (info.offset >= 0 && coordinate >= info.offset &&
            coordinate < info.offset + info.free_size)
            return info.name;
    }
    return "?";
}

/* Compares at the current position; *worst grows to the largest relative difference. */
static void compare_gradient(job *j, int64_t point, double *worst, int64_t *where)
{
    const double value = urn_replay_log_density(j->replay, j->position, j->gradient);
    if (!isfinite(value))
        return;
    double largest = 1.0;
    for (int64_t i = 0; i < j->size; i++)
        largest = fmax(largest, fabs(j->gradient[i]));
    const int64_t n = j->size < MAX_COORDINATES ? j->size : MAX_COORDINATES;
    urn_rng rng = rng_at(j, "coordinates", point);
    for (int64_t k = 0; k < n; k++) {
        const int64_t i =
            j->size <= MAX_COORDINATES ? k : (int64_t)(urn_rng_uniform(&rng) * (double)j->size);
        const double difference = fabs(slope(j, i, NULL, 1e-3) - j->gradient[i]);
        /* rounding of the density itself limits what a quotient can tell */
        const double floor = 1e-12 * fabs(value) / 1e-3;
        const double relative = difference / (largest + floor / 1e-5);
        if (!(relative <= *worst)) {
            *worst = relative;
            *where = i;
        }
    }
}

static void check_gradients(job *j)
{
    step *s = add_step(j, "gradient");
    const int64_t points = cli_int(j->args, "points");
    double worst = 0.0;
    int64_t where = 0;
    for (int64_t p = 0; p < points; p++) {
        urn_rng rng = rng_at(j, "positions", p);
        for (int64_t i = 0; i < j->size; i++)
            j->position[i] = 2.0 * urn_rng_uniform(&rng) - 1.0;
        compare_gradient(j, p, &worst, &where);
    }
    s->ok = worst < 1e-5;
    if (s->ok)
        snprintf(s->text, sizeof s->text,
                 "equals finite differences at %lld random positions (largest difference %.1e, "
                 "relative)",
                 (long long)points, worst);
    else
        snprintf(s->text, sizeof s->text,
                 "differs from finite differences by %.1e (relative), most at coordinate %lld, of "
                 "site \"%s\"; is an op used outside its domain?",
                 worst, (long long)where, site_of(j, where));
}

/* ---- prior draws ---- */

static urn_status to_position(job *j, const cli_simulation *draw, urn_error *error)
{
    const int n = urn_model_site_count(j->model);
    const double **values = calloc((size_t)n + 1, sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    for (int i = 0; i < n; i++)
        values[i] = cli_simulated(draw, i);
    const urn_status status = urn_model_unconstrain_all(j->model, values, j->position, error);
    free(values);
    return status;
}

static urn_status check_prior(job *j, urn_error *error)
{
    step *s = add_step(j, "prior draws");
    const int64_t draws = cli_int(j->args, "draws");
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_SIMULATE};
    cli_simulation draw = {.model = j->model};
    urn_status status = urn_program_compile(j->model, &options, &draw.program, error);
    if (status == URN_OK)
        status = urn_replay_new(draw.program, 1, &draw.replay, error);
    int64_t bad = 0;
    for (int64_t d = 0; d < draws && status == URN_OK; d++) {
        urn_replay_seed(draw.replay, (uint64_t)cli_int(j->args, "seed"), 0, (uint64_t)d + 1);
        urn_replay_run(draw.replay, NULL);
        status = to_position(j, &draw, error);
        if (status != URN_OK ||
            isfinite(urn_replay_log_density(j->replay, j->position, j->gradient)))
            continue;
        if (bad++ == 0)
            status = urn_model_explain(j->model, j->position, s->text, sizeof s->text, error);
    }
    urn_replay_free(draw.replay);
    urn_program_free(draw.program);
    s->ok = bad == 0;
    if (status == URN_ERR_MODEL &&
        error != NULL) { /* improper, or between bounds that are drawn, too */
        snprintf(s->text, sizeof s->text, "left out: site \"%s\" %s", error->site, error->message);
        return URN_OK;
    }
    if (s->ok)
        snprintf(s->text, sizeof s->text, "the density is finite at %lld of %lld", (long long)draws,
                 (long long)draws);
    else {
        char reason[1024];
        snprintf(reason, sizeof reason, "%.1000s", s->text);
        snprintf(s->text, sizeof s->text, "the density is not finite at %lld of %lld: %s",
                 (long long)bad, (long long)draws, reason);
    }
    return status;
}

/* ---- the steps ---- */

/* With data, the model on it; without, on data drawn from the model itself. */
static urn_status trace(job *j, urn_error *error)
{
    if (cli_text_at(j->args, "data", 0) != NULL) {
        URN_TRY(cli_read_data(j->args, NULL, NULL, &j->data, error));
    } else {
        cli_simulation draw = {0};
        URN_TRY(cli_simulate_run(&j->source, &j->setup, NULL, 0.0, NULL, 0,
                                 (uint64_t)cli_int(j->args, "seed"), 0, &draw, error));
        const urn_status status = cli_simulation_observe(&draw, error);
        j->data = draw.data;
        draw.data = NULL;
        cli_simulation_clear(&draw);
        URN_TRY(status);
    }
    const urn_trace_options options = cli_trace_options(&j->setup, j->data);
    URN_TRY(urn_model_trace(&j->source.def, &options, &j->model, error));
    step *s = add_step(j, "trace");
    snprintf(s->text, sizeof s->text, "%d sites, %lld unconstrained coordinates, %lld observations",
             urn_model_site_count(j->model), (long long)urn_model_position_size(j->model),
             (long long)urn_model_observation_count(j->model));
    j->discrete = urn_model_state_size(j->model) > urn_model_position_size(j->model);
    return URN_OK;
}

static urn_status compile(job *j, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    URN_TRY(urn_program_compile(j->model, &options, &j->program, error));
    URN_TRY(urn_replay_new(j->program, 1, &j->replay, error));
    j->size = urn_model_position_size(j->model);
    double *memory = calloc(3 * ((size_t)j->size + 1), sizeof *memory);
    if (memory == NULL)
        return cli_fail_memory(error);
    j->position = memory;
    j->moved = memory + j->size + 1;
    j->gradient = memory + 2 * (j->size + 1);
    step *s = add_step(j, "compile");
    snprintf(s->text, sizeof s->text, "density and gradient");
    return URN_OK;
}

/* ---- conditionals ---- */

static urn_status check_block(job *j, urn__gibbs *g, int block, urn_error *error)
{
    const int64_t points = cli_int(j->args, "points");
    urn__block_check worst = {.allowed = 1.0};
    char sites[60], name[80];
    snprintf(name, sizeof name, "gibbs %s", cli_plan_sites(&g->block[block], sites, sizeof sites));
    step *s = add_step(j, name);
    for (int64_t p = 0; p < points; p++) {
        urn__block_check check;
        URN_TRY(urn__gibbs_check(g, block, (uint64_t)cli_int(j->args, "seed"), p, &check, error));
        s->ok = s->ok && check.agrees;
        if (!(check.difference / check.allowed <= worst.difference / worst.allowed))
            worst = check;
    }
    if (s->ok)
        snprintf(s->text, sizeof s->text,
                 "the conditional (rule %s) is that of the joint density at %lld random points "
                 "(largest difference %.1e of the logarithms, %.1e allowed)",
                 g->block[block].rule->name, (long long)points, worst.difference, worst.allowed);
    else
        snprintf(s->text, sizeof s->text,
                 "the conditional (rule %s) is not that of the joint density: differences of logs "
                 "%.12g and %.12g; gibbs does not use it",
                 g->block[block].rule->name, worst.conditional[0] - worst.conditional[1],
                 worst.joint[0] - worst.joint[1]);
    return URN_OK;
}

static urn_status check_blocks(job *j, urn__gibbs *g, urn_error *error)
{
    URN_TRY(urn__gibbs_open(g, error));
    for (int i = 0; i < g->n_blocks; i++)
        if (g->block[i].kind != NULL && g->block[i].kind->exact && g->block[i].rule != NULL)
            URN_TRY(check_block(j, g, i, error));
    return URN_OK;
}

static urn_status check_conditionals(job *j, urn_error *error)
{
    urn__gibbs *g;
    if (urn__gibbs_accepts(j->model, NULL) != URN_OK)
        return URN_OK; /* not a model for gibbs; describe says why */
    URN_TRY(urn__gibbs_new(j->model, NULL, 1, NULL, &g, error));
    const urn_status status = check_blocks(j, g, error);
    urn__gibbs_free(g);
    return status;
}

static urn_status run_steps(job *j, urn_error *error)
{
    URN_TRY(cli_load(j->args->operands[0], &j->source, error));
    URN_TRY(cli_setup_init(j->args, true, &j->setup, error));
    URN_TRY(trace(j, error));
    if (!j->discrete) {
        URN_TRY(compile(j, error));
        URN_TRY(check_prior(j, error));
        check_gradients(j);
    }
    URN_TRY(check_conditionals(j, error));
    return j->out_of_memory ? cli_fail_memory(error) : URN_OK;
}

static urn_status print(const job *j, urn_error *error)
{
    if (cli_flag(j->args, "json")) {
        json_t *list = json_array();
        for (int i = 0; i < j->n_steps; i++)
            json_array_append_new(list, json_pack("{s:s,s:b,s:s}", "step", j->steps[i].name, "ok",
                                                  j->steps[i].ok, "text", j->steps[i].text));
        return cli_print_json(
            json_pack("{s:s,s:o}", "model", urn_model_name(j->model), "steps", list), error);
    }
    for (int i = 0; i < j->n_steps; i++)
        printf("%-12s %-5s %s\n", j->steps[i].name, j->steps[i].ok ? "ok" : "FAILS",
               j->steps[i].text);
    return URN_OK;
}

urn_status cli_check(const cli_args *args, urn_error *error)
{
    job j = {.args = args};
    urn_status status = run_steps(&j, error);
    if (status == URN_OK)
        status = print(&j, error);
    for (int i = 0; status == URN_OK && i < j.n_steps; i++)
        if (!j.steps[i].ok)
            status = cli_fail(error, URN_ERR_MODEL, NULL, "the check \"%s\" of model %s fails",
                              j.steps[i].name, urn_model_name(j.model));
    free(j.steps);
    free(j.position);
    urn_replay_free(j.replay);
    urn_program_free(j.program);
    urn_model_free(j.model);
    urn_dataset_free(j.data);
    cli_setup_clear(&j.setup);
    cli_unload(&j.source);
    return status;
}
