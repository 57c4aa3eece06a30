/* Data drawn from a model's prior: ids by popularity, the rest by the model itself. */
#include "../runtime/base/rng.h"
#include "../runtime/model/dataset.h"
#include "simulate.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One table being filled. */
typedef struct filling {
    const urn_model *sketch; /* the model traced on placeholders */
    urn_dataset *data;
    const char *table;
    int64_t n;
    double popularity;
    uint64_t seed;
    urn__arena *arena;
} filling;

/* ---- ids ---- */

typedef struct id_column {
    const char *name;
    int64_t size;
    double *cumulative; /* of the popularity weights */
    int64_t *ids;
} id_column;

enum { MAX_IDS = 4, MAX_TRIES = 10000 };

static urn_status start_column(const filling *f, const urn_plate_info *plate, id_column *c,
                               urn_error *error)
{
    c->name = plate->name;
    c->size = plate->size;
    c->cumulative = urn__arena_alloc(f->arena, (size_t)plate->size, sizeof(double));
    c->ids = urn__arena_alloc(f->arena, (size_t)f->n + 1, sizeof(int64_t));
    if (urn__arena_failed(f->arena))
        return cli_fail_memory(error);
    double sum = 0.0;
    for (int64_t i = 0; i < plate->size; i++) {
        sum += pow((double)i + 1.0, -f->popularity);
        c->cumulative[i] = sum;
    }
    return URN_OK;
}

static int64_t draw_id(const id_column *c, urn_rng *rng)
{
    const double u = urn_rng_uniform(rng) * c->cumulative[c->size - 1];
    int64_t low = 0, high = c->size - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (c->cumulative[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Rows seen, by the hash of their ids: open addressing over row numbers. */
typedef struct row_set {
    int64_t *slots; /* row + 1; 0: free */
    size_t mask;
} row_set;

static bool insert_row(const row_set *set, const id_column *columns, int n, int64_t row)
{
    uint64_t h = 1;
    for (int c = 0; c < n; c++)
        h = urn__hash_u64(h, (uint64_t)columns[c].ids[row]);
    for (size_t i = (size_t)h & set->mask;; i = (i + 1) & set->mask) {
        if (set->slots[i] == 0) {
            set->slots[i] = row + 1;
            return true;
        }
        bool same = true;
        for (int c = 0; c < n; c++)
            same = same && columns[c].ids[set->slots[i] - 1] == columns[c].ids[row];
        if (same)
            return false;
    }
}

static urn_status fail_full(const filling *f, const id_column *columns, int n, urn_error *error)
{
    double all = 1.0;
    for (int c = 0; c < n; c++)
        all *= (double)columns[c].size;
    return cli_fail(error, URN_ERR_USAGE, "ask for fewer rows, larger plates or less --popularity",
                    "%lld rows of distinct ids do not fit: there are %.0f combinations",
                    (long long)f->n, all);
}

/* Rows of ids, distinct where the model wants them so. The first plate's ids get one row each while
 * rows last, so that every user has some data; the rest are drawn by popularity. */
static urn_status draw_rows(const filling *f, id_column *columns, int n, bool distinct,
                            urn_error *error)
{
    row_set set = {.mask = 63};
    while (set.mask < (size_t)f->n * 2)
        set.mask = set.mask * 2 + 1;
    set.slots = urn__arena_alloc(f->arena, set.mask + 1, sizeof *set.slots);
    if (set.slots == NULL)
        return cli_fail_memory(error);
    const urn__stream stream = urn__stream_at(f->seed, 0, "simulated ids", 0);
    for (int64_t r = 0; r < f->n; r++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, r);
        int tries = 0;
        do {
            if (tries++ == MAX_TRIES)
                return fail_full(f, columns, n, error);
            for (int c = 0; c < n; c++)
                columns[c].ids[r] = c == 0 && r < columns[0].size ? r : draw_id(&columns[c], &rng);
        } while (distinct && !insert_row(&set, columns, n, r));
    }
    return URN_OK;
}

static bool wants_distinct(const filling *f)
{
    const char *table;
    for (int i = 0; urn_model_unique(f->sketch, i, &table) != NULL; i++)
        if (strcmp(table, f->table) == 0)
            return true;
    return false;
}

static urn_status fill_ids(const filling *f, urn_error *error)
{
    id_column columns[MAX_IDS];
    int n = 0;
    for (int i = 0; i < urn_model_data_count(f->sketch) && n < MAX_IDS; i++) {
        urn_data_info info;
        urn_plate_info plate;
        urn_model_data(f->sketch, i, &info);
        bool known = false;
        for (int c = 0; c < n; c++)
            known = known || strcmp(columns[c].name, info.name) == 0;
        if (strcmp(info.kind, "index") == 0 && info.table != NULL &&
            strcmp(info.table, f->table) == 0 && !known &&
            cli_plate_find(f->sketch, info.name, &plate))
            URN_TRY(start_column(f, &plate, &columns[n++], error));
    }
    if (n == 0)
        return URN_OK;
    URN_TRY(draw_rows(f, columns, n, wants_distinct(f), error));
    for (int c = 0; c < n; c++) {
        URN_TRY(urn_dataset_add_int(f->data, f->table, columns[c].name, columns[c].ids, error));
        int64_t *all = urn__arena_alloc(f->arena, (size_t)columns[c].size, sizeof *all);
        if (all == NULL)
            return cli_fail_memory(error);
        for (int64_t i = 0; i < columns[c].size; i++)
            all[i] = i;
        URN_TRY(urn_dataset_set_ids(f->data, columns[c].name, columns[c].size, all, NULL, error));
    }
    return URN_OK;
}

/* ---- the other columns ---- */

/* Covariates are standard normal: the model says nothing about them. */
static urn_status fill_covariates(const filling *f, urn_error *error)
{
    for (int i = 0; i < urn_model_data_count(f->sketch); i++) {
        urn_data_info info;
        urn_model_data(f->sketch, i, &info);
        if (info.table == NULL || strcmp(info.table, f->table) != 0 || info.observed != NULL ||
            strcmp(info.kind, "column") != 0)
            continue;
        if (urn_dataset_values(f->data, f->table, info.name) != NULL)
            continue; /* read twice by the model */
        double *values = urn__arena_alloc(f->arena, (size_t)f->n + 1, sizeof *values);
        if (values == NULL)
            return cli_fail_memory(error);
        const urn__stream stream = urn__stream_at(f->seed, 0, info.name, 1);
        for (int64_t r = 0; r < f->n; r++) {
            urn_rng rng;
            urn__rng_at_row(&rng, &stream, r);
            values[r] = urn_rng_normal(&rng);
        }
        URN_TRY(urn_dataset_add_real(f->data, f->table, info.name, values, error));
    }
    return URN_OK;
}

/* What cannot be made up: whole designs, scalars, arrays. */
static urn_status check_drawable(const urn_model *sketch, urn_error *error)
{
    for (int i = 0; i < urn_model_data_count(sketch); i++) {
        urn_data_info info;
        urn_model_data(sketch, i, &info);
        if (info.table == NULL || strcmp(info.kind, "columns") == 0)
            return cli_fail(error, URN_ERR_USAGE, NULL,
                            "the model reads \"%s\", which cannot be made up; give it with --data",
                            info.name);
    }
    return URN_OK;
}

static urn_status make_tables(const urn_model *sketch, double popularity, uint64_t seed,
                              urn_dataset *data, urn_error *error)
{
    urn__arena *arena = urn__arena_new(NULL);
    urn_status status = arena != NULL ? check_drawable(sketch, error) : cli_fail_memory(error);
    for (int i = 0; i < urn_model_plate_count(sketch) && status == URN_OK; i++) {
        urn_plate_info plate;
        urn_model_plate(sketch, i, &plate);
        if (strcmp(plate.kind, "rows") != 0 || plate.table == NULL)
            continue;
        const filling f = {sketch, data, plate.table, plate.size, popularity, seed, arena};
        status = urn_dataset_add_table(data, plate.table, "simulated", plate.size, 1, error);
        if (status == URN_OK)
            status = fill_ids(&f, error);
        if (status == URN_OK)
            status = fill_covariates(&f, error);
    }
    urn__arena_free(arena);
    return status;
}

/* ---- the draw ---- */

/* Values of one --fix: as many as the site has, or one for all. */
static urn_status set_fixed(cli_simulation *s, const urn_setting *fix, urn_error *error)
{
    const int site = urn_model_site_find(s->model, fix->name);
    urn_site_info info = {.size = 0};
    if (site >= 0)
        urn_model_site(s->model, site, &info);
    double *values = malloc(((size_t)info.size + 1) * sizeof *values);
    if (values == NULL)
        return cli_fail_memory(error);
    int64_t n = 0;
    urn_status status = URN_OK;
    for (const char *p = fix->value; status == URN_OK;) {
        const size_t length = strcspn(p, ",");
        double value = 0.0;
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)length, p);
        if (!urn__parse_real(word, &value))
            status = cli_fail(error, URN_ERR_USAGE, NULL, "--fix %s: \"%s\" is not a number",
                              fix->name, word);
        if (n < info.size)
            values[n] = value;
        n++;
        if (p[length] == '\0')
            break;
        p += length + 1;
    }
    for (int64_t i = 1; n == 1 && i < info.size; i++)
        values[i] = values[0];
    if (status == URN_OK && n != 1 && n != info.size)
        status = cli_fail(error, URN_ERR_USAGE, NULL,
                          "--fix %s gives %lld numbers; the site takes 1 or %lld", fix->name,
                          (long long)n, (long long)info.size);
    if (status == URN_OK)
        status = urn_replay_input(s->replay, site, values, info.size, error);
    free(values);
    return status;
}

static urn_status check_fixed(const urn_model *sketch, const urn_setting *fixed, size_t n_fixed,
                              urn_error *error)
{
    const char *names[256];
    size_t n = 0;
    for (int i = 0; i < urn_model_site_count(sketch) && n < 256; i++) {
        urn_site_info info;
        urn_model_site(sketch, i, &info);
        if (info.role == URN_SITE_LATENT)
            names[n++] = info.name;
    }
    for (size_t k = 0; k < n_fixed; k++) {
        bool found = false;
        for (size_t i = 0; i < n; i++)
            found = found || strcmp(names[i], fixed[k].name) == 0;
        if (!found)
            return cli_fail_unknown(error, "latent site", fixed[k].name, names, n);
    }
    return URN_OK;
}

static urn_status trace_drawn(const cli_model *source, const cli_setup *setup,
                              const urn_setting *fixed, size_t n_fixed, cli_simulation *s,
                              urn_error *error)
{
    urn_trace_options options = cli_trace_options(setup, s->data);
    urn_handler *handlers = calloc(n_fixed + 1, sizeof *handlers);
    if (handlers == NULL)
        return cli_fail_memory(error);
    for (size_t i = 0; i < n_fixed; i++)
        handlers[i] = (urn_handler){.kind = URN_HANDLER_SUBSTITUTE, .site = fixed[i].name};
    options.handlers = handlers;
    options.n_handlers = n_fixed;
    options.allow_duplicates = true;
    const urn_status status = urn_model_trace(&source->def, &options, &s->model, error);
    free(handlers);
    return status;
}

/* A draw that is no number comes of a parameter outside its domain: made-up covariates can be. */
static urn_status check_drawn(const cli_simulation *s, urn_error *error)
{
    for (int i = 0; i < urn_model_site_count(s->model); i++) {
        urn_site_info info;
        urn_model_site(s->model, i, &info);
        const double *v = urn_replay_result(s->replay, i, URN_RESULT_VALUE);
        for (int64_t k = 0; v != NULL && info.family != NULL && k < info.size; k++)
            if (!isfinite(v[k])) {
                return cli_fail(
                    error, URN_ERR_RUNTIME,
                    "give the model's covariates with --data FILE, or fix a parent with "
                    "--fix SITE=VALUE",
                    "site \"%s\" (%s): element %lld was drawn as %g: its parameters "
                    "are outside their domain there",
                    info.name, info.family->name, (long long)k, v[k]);
            }
    }
    return URN_OK;
}

static urn_status simulate(const cli_model *source, const cli_setup *setup, double popularity,
                           const urn_setting *fixed, size_t n_fixed, uint64_t seed,
                           cli_simulation *s, urn_error *error)
{
    const bool made_up = s->data == NULL;
    if (made_up) {
        urn_model *sketch = NULL;
        const urn_trace_options options = cli_trace_options(setup, NULL);
        urn_status status = urn_model_trace(&source->def, &options, &sketch, error);
        if (status != URN_OK) {
            cli_hint_sizes(NULL, error);
            return status;
        }
        s->data = urn_dataset_new(NULL);
        status =
            s->data != NULL ? check_fixed(sketch, fixed, n_fixed, error) : cli_fail_memory(error);
        if (status == URN_OK)
            status = make_tables(sketch, popularity, seed, s->data, error);
        urn_model_free(sketch);
        URN_TRY(status);
    }
    URN_TRY(trace_drawn(source, setup, fixed, n_fixed, s, error));
    URN_TRY(check_fixed(s->model, made_up ? NULL : fixed, made_up ? 0 : n_fixed, error));
    const urn_compile_options compile = {.bytes = sizeof compile, .kind = URN_PROGRAM_SIMULATE};
    URN_TRY(urn_program_compile(s->model, &compile, &s->program, error));
    URN_TRY(urn_replay_new(s->program, 1, &s->replay, error));
    for (size_t i = 0; i < n_fixed; i++)
        URN_TRY(set_fixed(s, &fixed[i], error));
    urn_replay_seed(s->replay, seed, 0, 0);
    urn_replay_run(s->replay, NULL);
    return check_drawn(s, error);
}

urn_status cli_simulate_run(const cli_model *source, const cli_setup *setup, urn_dataset *data,
                            double popularity, const urn_setting *fixed, size_t n_fixed,
                            uint64_t seed, cli_simulation *simulation, urn_error *error)
{
    *simulation = (cli_simulation){.data = data};
    const urn_status status =
        simulate(source, setup, popularity, fixed, n_fixed, seed, simulation, error);
    if (status != URN_OK)
        cli_simulation_clear(simulation);
    return status;
}

void cli_simulation_clear(cli_simulation *s)
{
    urn_replay_free(s->replay);
    urn_program_free(s->program);
    urn_model_free(s->model);
    urn_dataset_free(s->data);
    *s = (cli_simulation){0};
}

const double *cli_simulated(const cli_simulation *s, int site)
{
    const double *draw = urn_replay_result(s->replay, site, URN_RESULT_DRAW);
    return draw != NULL ? draw : urn_replay_result(s->replay, site, URN_RESULT_VALUE);
}

urn_status cli_simulation_observe(cli_simulation *s, urn_error *error)
{
    for (int i = 0; i < urn_model_data_count(s->model); i++) {
        urn_data_info info;
        urn_model_data(s->model, i, &info);
        if (info.observed == NULL || info.table == NULL ||
            urn_dataset_values(s->data, info.table, info.name) != NULL)
            continue;
        const int site = urn_model_site_find(s->model, info.observed);
        const double *values = site >= 0 ? cli_simulated(s, site) : NULL;
        if (values == NULL)
            return cli_fail(error, URN_ERR_INTERNAL, NULL, "site \"%s\" has not been drawn",
                            info.observed);
        URN_TRY(urn_dataset_add_real(s->data, info.table, info.name, values, error));
    }
    return URN_OK;
}
