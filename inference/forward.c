/* Draws of a posterior carried forward into other traces of the model (see forward.h). Draws are
 * taken one after another (the programs use the threads), so results do not depend on their number.
 */
#include "forward.h"

#include "../runtime/model/trace.h"
#include "driver.h"

#include <string.h>

#define MOST_TARGETS 4

/* A site of both models. */
typedef struct pair {
    int fitted, target;
    int64_t size;   /* in the fitted model */
    bool over_rows; /* its plate is that of data rows: other rows than those fitted are drawn */
    bool drawn;
} pair;

typedef struct target {
    const urn_model *model;
    urn__runner predict;
    pair *pairs;
    int n_pairs;
    bool begun; /* its inputs were given once */
} target;

struct urn__forward {
    const urn_allocator *allocator;
    const urn_model *fitted;
    const urn_posterior *posterior; /* NULL: positions come from the caller */
    const char *cpu;
    urn__runner values;
    urn__pace pace;
    int most_threads;
    double *position;
    target targets[MOST_TARGETS];
    int n_targets;
};

/* ---- matching sites ---- */

/* Is the site's first plate one of data rows? */
static bool is_over_rows(const urn_model *model, const urn_site_info *info, urn_plate_info *plate)
{
    for (int i = 0; info->n_plates > 0 && i < urn_model_plate_count(model); i++) {
        urn_model_plate(model, i, plate);
        if (strcmp(plate->name, info->plates[0]) == 0)
            return strcmp(plate->kind, "rows") == 0;
    }
    return false;
}

/* Are the rows of a plate of both models the same rows of the same table? As many of them may be
 * others: those held out, or of another file. */
static bool same_rows(const urn_model *fitted, const urn_model *wanted, const urn_plate_info *plate,
                      int64_t fitted_rows)
{
    const urn_dataset *a = fitted->data, *b = wanted->data;
    if (plate->size != fitted_rows)
        return false;
    if (a != b) {
        const char *from = a ? urn_dataset_source(a, plate->table) : NULL;
        const char *to = b ? urn_dataset_source(b, plate->table) : NULL;
        if (!from || !to || strcmp(from, to) != 0 ||
            urn_dataset_rows(a, plate->table) != urn_dataset_rows(b, plate->table))
            return false;
    }
    for (int64_t r = 0; r < plate->size; r++)
        if (urn_model_table_row(fitted, plate->name, r) !=
            urn_model_table_row(wanted, plate->name, r))
            return false;
    return true;
}

static urn_status match_pair(const urn__forward *f, const target *t, int number, pair *p,
                             urn_error *error)
{
    urn_site_info wanted, info;
    urn_plate_info plate;
    urn_model_site(t->model, number, &wanted);
    const int fitted = urn_model_site_find(f->fitted, wanted.name);
    if (fitted < 0)
        return urn__fail(error, URN_ERR_USAGE, wanted.where, wanted.name, NULL,
                         "the fitted model has no such site");
    urn_model_site(f->fitted, fitted, &info);
    /* the last dims are the event's */
    bool same = info.n_dims - info.n_plates == wanted.n_dims - wanted.n_plates;
    for (int k = 1; same && k <= info.n_dims - info.n_plates; k++)
        same = info.dims[info.n_dims - k] == wanted.dims[wanted.n_dims - k];
    *p = (pair){.fitted = fitted,
                .target = number,
                .size = info.size,
                .over_rows = is_over_rows(t->model, &wanted, &plate)};
    p->drawn = p->over_rows && !same_rows(f->fitted, t->model, &plate, info.dims[0]);
    if (!same || (info.rows > wanted.rows && !p->over_rows))
        return urn__fail(
            error, URN_ERR_USAGE, wanted.where, wanted.name, "use the options and ids of the fit",
            "the site has %lld rows and %lld elements, but the fitted one has %lld rows "
            "and %lld elements",
            (long long)wanted.rows, (long long)wanted.size, (long long)info.rows,
            (long long)info.size);
    return URN_OK;
}

static urn_status match_sites(const urn__forward *f, target *t, urn_error *error)
{
    const int n = urn_model_site_count(t->model);
    t->pairs = urn__calloc(f->allocator, (size_t)n + 1, sizeof *t->pairs);
    if (!t->pairs)
        return urn__fail_memory(error, "sites", (size_t)n * sizeof *t->pairs);
    for (int i = 0; i < n; i++) {
        urn_site_info info;
        urn_model_site(t->model, i, &info);
        if (info.role == URN_SITE_LATENT || info.role == URN_SITE_PARAM)
            URN_TRY(match_pair(f, t, i, &t->pairs[t->n_pairs++], error));
    }
    return URN_OK;
}

/* ---- opening ---- */

static urn_status open_runner(const urn__forward *f, const urn_model *model, urn_program_kind kind,
                              urn__runner *runner, urn_error *error)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = kind, .cpu = f->cpu};
    return urn__runner_open(runner, model, &options, f->most_threads, error);
}

urn_status urn__forward_open(const urn_model *fitted, const char *cpu,
                             const urn_allocator *allocator, int threads, urn__forward **forward,
                             urn_error *error)
{
    *forward = NULL;
    urn__forward *f = urn__calloc(allocator, 1, sizeof *f);
    if (!f)
        return urn__fail_memory(error, "predictions", sizeof *f);
    *f = (urn__forward){.allocator = allocator,
                        .fitted = fitted,
                        .cpu = cpu,
                        .most_threads = urn__thread_count(threads)};
    const urn_status status = open_runner(f, fitted, URN_PROGRAM_VALUES, &f->values, error);
    if (status != URN_OK) {
        urn__forward_free(f);
        return status;
    }
    urn__forward_start(f);
    *forward = f;
    return URN_OK;
}

urn_status urn__forward_new(const urn_model *fitted, const urn_posterior *posterior, int threads,
                            urn__forward **forward, urn_error *error)
{
    const urn_allocator *allocator = urn__posterior_allocator(posterior);
    const size_t size = (size_t)urn_posterior_size(posterior);
    *forward = NULL;
    URN_TRY(urn__posterior_fits(posterior, fitted, error));
    urn__forward *f;
    URN_TRY(urn__forward_open(fitted, urn__posterior_kernels(posterior)->name, allocator, threads,
                              &f, error));
    f->posterior = posterior;
    f->position = urn__calloc(allocator, size + 1, sizeof *f->position);
    if (!f->position) {
        urn__forward_free(f);
        return urn__fail_memory(error, "a position", size * sizeof *f->position);
    }
    *forward = f;
    return URN_OK;
}

void urn__forward_free(urn__forward *f)
{
    if (!f)
        return;
    for (int k = 0; k < f->n_targets; k++) {
        urn__runner_close(&f->targets[k].predict);
        urn__free(f->allocator, f->targets[k].pairs);
    }
    urn__runner_close(&f->values);
    urn__free(f->allocator, f->position);
    urn__free(f->allocator, f);
}

urn_status urn__forward_add(urn__forward *f, const urn_model *model, int *k, urn_error *error)
{
    if (f->n_targets == MOST_TARGETS)
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "too many targets");
    *k = f->n_targets++;
    target *t = &f->targets[*k];
    t->model = model;
    URN_TRY(match_sites(f, t, error));
    return open_runner(f, model, URN_PROGRAM_PREDICT, &t->predict, error);
}

/* ---- what is to be predicted ---- */

urn_status urn__forward_site(const urn_model *model, const char *wanted, int *site, int64_t *rows,
                             urn_error *error)
{
    urn_site_info info;
    *site = -1;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_model_site(model, i, &info);
        if (info.role != URN_SITE_OBSERVED || (wanted && strcmp(wanted, info.name) != 0))
            continue;
        if (*site >= 0)
            return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "name one of them",
                             "the model has several observed sites: which one is to be predicted?");
        *site = i;
    }
    if (*site < 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, wanted, NULL,
                         wanted ? "the model has no observed site of this name"
                                : "the model has no observed site to predict");
    urn_model_site(model, *site, &info);
    if (info.size != info.rows)
        return urn__fail(
            error, URN_ERR_USAGE, info.where, info.name, NULL,
            "rows of the site have %lld elements; predictions are made of sites with one "
            "number a row",
            (long long)(info.rows > 0 ? info.size / info.rows : 0));
    *rows = info.rows;
    return URN_OK;
}

/* ---- running ---- */

void urn__forward_start(urn__forward *f)
{
    urn__pace_start(&f->pace, f->most_threads);
}

void urn__forward_pace(urn__forward *f)
{
    urn__pace_step(&f->pace);
}

int urn__forward_threads(const urn__forward *f)
{
    return f->pace.threads;
}

const double *urn__forward_value(const urn__forward *f, int site)
{
    return urn_replay_result(f->values.replay, site, URN_RESULT_VALUE);
}

const double *urn__forward_result(const urn__forward *f, int k, int site, urn_result what)
{
    return urn_replay_result(f->targets[k].predict.replay, site, what);
}

/* Hands a fitted value over. A site over data rows has no input when the target's rows are not
 * those of the fit. */
static urn_status give_input(const urn__forward *f, const target *t, pair *p, urn_error *error)
{
    if (p->drawn)
        return URN_OK;
    const double *value = urn__forward_value(f, p->fitted);
    if (!value)
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                         "a fitted site has no value to predict from");
    urn_error refused = {0};
    const urn_status status =
        urn_replay_input(t->predict.replay, p->target, value, p->size, &refused);
    if (status == URN_OK)
        return URN_OK;
    p->drawn = p->over_rows && !t->begun;
    if (!p->drawn && error)
        *error = refused;
    return p->drawn ? URN_OK : status;
}

static void run_values(urn__forward *f, const double *position)
{
    urn_replay_set_threads(f->values.replay, f->pace.threads);
    urn_replay_run(f->values.replay, position);
}

urn_status urn__forward_run(urn__forward *f, const double *position, int64_t s, uint64_t seed,
                            urn_error *error)
{
    run_values(f, position);
    for (int k = 0; k < f->n_targets; k++) {
        target *t = &f->targets[k];
        for (int i = 0; i < t->n_pairs; i++)
            URN_TRY(give_input(f, t, &t->pairs[i], error));
        t->begun = true;
        urn_replay_set_threads(t->predict.replay, f->pace.threads);
        urn_replay_seed(t->predict.replay, seed, urn__chain_for(URN__USE_PREDICTION, 0),
                        (uint64_t)s);
        urn_replay_run(t->predict.replay, NULL);
    }
    return URN_OK;
}

void urn__forward_values(urn__forward *f, int64_t s, int64_t n)
{
    urn__draw_of(f->posterior, s, n, f->pace.threads, f->position);
    run_values(f, f->position);
}

urn_status urn__forward_draw(urn__forward *f, int64_t s, int64_t n, uint64_t seed, urn_error *error)
{
    urn__draw_of(f->posterior, s, n, f->pace.threads, f->position);
    return urn__forward_run(f, f->position, s, seed, error);
}
