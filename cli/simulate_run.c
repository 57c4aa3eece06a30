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
    int64_t n;        /* rows of the table */
    int64_t from, to; /* those to be made now */
    double popularity;
    uint64_t seed;
    urn__arena *arena;
} filling;

/* ---- ids ---- */

typedef struct id_column {
    const char *name;
    int64_t size;
    double *cumulative; /* of the popularity weights */
    int32_t *ids;       /* of all rows */
} id_column;

enum { MAX_IDS = 4, MAX_TRIES = 10000 };

struct cli_row_ids {
    urn__arena *arena;
    int n;
    id_column column[MAX_IDS];
};

static urn_status start_column(const filling *f, const urn_plate_info *plate, id_column *c,
                               urn_error *error)
{
    c->name = urn__arena_printf(f->arena, "%s", plate->name);
    c->size = plate->size;
    c->cumulative = urn__arena_alloc(f->arena, (size_t)plate->size, sizeof(double));
    c->ids = urn__arena_alloc(f->arena, (size_t)f->n + 1, sizeof *c->ids);
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
    uint32_t *slots; /* row + 1; 0: free */
    size_t mask;
} row_set;

static bool insert_row(const row_set *set, const id_column *columns, int n, int64_t row)
{
    uint64_t h = 1;
    for (int c = 0; c < n; c++)
        h = urn__hash_u64(h, (uint64_t)columns[c].ids[row]);
    for (size_t i = (size_t)h & set->mask;; i = (i + 1) & set->mask) {
        if (set->slots[i] == 0) {
            set->slots[i] = (uint32_t)row + 1;
            return true;
        }
        bool same = true;
        for (int c = 0; c < n; c++)
            same = same && columns[c].ids[set->slots[i] - 1U] == columns[c].ids[row];
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
static urn_status draw_into(const filling *f, id_column *columns, int n, const row_set *set,
                            urn_error *error)
{
    const urn__stream stream = urn__stream_at(f->seed, 0, "simulated ids", 0);
    for (int64_t r = 0; r < f->n; r++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, r);
        int tries = 0;
        do {
            if (tries++ == MAX_TRIES)
                return fail_full(f, columns, n, error);
            for (int c = 0; c < n; c++)
                columns[c].ids[r] =
                    (int32_t)(c == 0 && r < columns[0].size ? r : draw_id(&columns[c], &rng));
        } while (set != NULL && !insert_row(set, columns, n, r));
    }
    return URN_OK;
}

/* The set of rows seen, two thirds full at most, goes when they are drawn. */
static urn_status draw_rows(const filling *f, id_column *columns, int n, bool distinct,
                            urn_error *error)
{
    row_set set = {.mask = 63};
    if (f->n >= INT32_MAX)
        return cli_fail(error, URN_ERR_USAGE, NULL, "--rows %lld: there can be %d at most",
                        (long long)f->n, INT32_MAX - 1);
    if (!distinct)
        return draw_into(f, columns, n, NULL, error);
    while (set.mask / 3 * 2 < (size_t)f->n)
        set.mask = set.mask * 2 + 1;
    set.slots = calloc(set.mask + 1, sizeof *set.slots);
    if (set.slots == NULL)
        return cli_fail_memory(error);
    const urn_status status = draw_into(f, columns, n, &set, error);
    free(set.slots);
    return status;
}

static bool wants_distinct(const filling *f)
{
    const char *table;
    for (int i = 0; urn_model_unique(f->sketch, i, &table) != NULL; i++)
        if (strcmp(table, f->table) == 0)
            return true;
    return false;
}

static urn_status draw_ids(const filling *f, cli_row_ids *ids, urn_error *error)
{
    for (int i = 0; i < urn_model_data_count(f->sketch) && ids->n < MAX_IDS; i++) {
        urn_data_info info;
        urn_plate_info plate;
        urn_model_data(f->sketch, i, &info);
        bool known = false;
        for (int c = 0; c < ids->n; c++)
            known = known || strcmp(ids->column[c].name, info.name) == 0;
        if (strcmp(info.kind, "index") == 0 && info.table != NULL &&
            strcmp(info.table, f->table) == 0 && !known &&
            cli_plate_find(f->sketch, info.name, &plate))
            URN_TRY(start_column(f, &plate, &ids->column[ids->n++], error));
    }
    return ids->n == 0 ? URN_OK : draw_rows(f, ids->column, ids->n, wants_distinct(f), error);
}

/* Those of the rows to be made now, and all ids there are. */
static urn_status fill_ids(const filling *f, const cli_row_ids *ids, urn_error *error)
{
    for (int c = 0; c < ids->n; c++) {
        const id_column *column = &ids->column[c];
        const int64_t n = f->to - f->from, most = n > column->size ? n : column->size;
        int64_t *values = malloc(((size_t)most + 1) * sizeof *values);
        if (values == NULL)
            return cli_fail_memory(error);
        for (int64_t r = 0; r < n; r++)
            values[r] = column->ids[f->from + r];
        urn_status status = urn_dataset_add_int(f->data, f->table, column->name, values, error);
        for (int64_t i = 0; i < column->size; i++)
            values[i] = i;
        if (status == URN_OK)
            status = urn_dataset_set_ids(f->data, column->name, column->size, values, NULL, error);
        free(values);
        URN_TRY(status);
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
        double *values = malloc((size_t)(f->to - f->from + 1) * sizeof *values);
        if (values == NULL)
            return cli_fail_memory(error);
        const urn__stream stream = urn__stream_at(f->seed, 0, info.name, 1);
        for (int64_t r = f->from; r < f->to; r++) {
            urn_rng rng;
            urn__rng_at_row(&rng, &stream, r);
            values[r - f->from] = urn_rng_normal(&rng);
        }
        const urn_status status = urn_dataset_add_real(f->data, f->table, info.name, values, error);
        free(values);
        URN_TRY(status);
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

static urn_status make_rows(const filling *f, const cli_row_ids *ids, urn_error *error)
{
    URN_TRY(urn_dataset_add_table(f->data, f->table, "simulated", f->to - f->from, 1, error));
    URN_TRY(fill_ids(f, ids, error));
    return fill_covariates(f, error);
}

/* Does every latent or recorded site have one value for all rows? */
static bool rows_are_apart(const urn_model *sketch)
{
    int tables = 0;
    for (int i = 0; i < urn_model_plate_count(sketch); i++) {
        urn_plate_info plate;
        urn_model_plate(sketch, i, &plate);
        tables += strcmp(plate.kind, "rows") == 0;
        for (int k = 0; k < urn_model_site_count(sketch); k++) {
            urn_site_info site;
            urn_model_site(sketch, k, &site);
            for (int d = 0; d < site.n_plates; d++)
                if (strcmp(plate.kind, "rows") == 0 && site.role != URN_SITE_OBSERVED &&
                    strcmp(site.plates[d], plate.name) == 0)
                    return false;
        }
    }
    for (int i = 0; i < urn_model_data_count(sketch); i++) {
        urn_data_info info;
        urn_model_data(sketch, i, &info);
        if (strcmp(info.kind, "mean") == 0)
            return false; /* of all rows */
    }
    return tables == 1;
}

static void row_ids_free(cli_row_ids *ids)
{
    if (ids != NULL)
        urn__arena_free(ids->arena);
    free(ids);
}

/* Draws the ids of all rows, and makes the rows there is room for now. */
static urn_status make_table(filling *f, int64_t most, cli_simulation *s, urn_error *error)
{
    cli_row_ids *ids = calloc(1, sizeof *ids);
    if (ids == NULL || (ids->arena = urn__arena_new(NULL)) == NULL) {
        free(ids);
        return cli_fail_memory(error);
    }
    f->arena = ids->arena;
    f->to = most > 0 && most < f->n ? most : f->n;
    urn_status status = draw_ids(f, ids, error);
    if (status == URN_OK)
        status = make_rows(f, ids, error);
    s->n_rows = f->n;
    s->made = f->to;
    if (status == URN_OK && f->to < f->n)
        s->ids = ids; /* for the other rows */
    else
        row_ids_free(ids);
    return status;
}

static urn_status make_tables(const urn_model *sketch, double popularity, uint64_t seed,
                              int64_t most, cli_simulation *s, urn_error *error)
{
    URN_TRY(check_drawable(sketch, error));
    const bool in_parts = most > 0 && rows_are_apart(sketch);
    for (int i = 0; i < urn_model_plate_count(sketch); i++) {
        urn_plate_info plate;
        urn_model_plate(sketch, i, &plate);
        if (strcmp(plate.kind, "rows") != 0 || plate.table == NULL)
            continue;
        filling f = {.sketch = sketch,
                     .data = s->data,
                     .table = plate.table,
                     .n = plate.size,
                     .popularity = popularity,
                     .seed = seed};
        URN_TRY(make_table(&f, in_parts ? most : 0, s, error));
    }
    return URN_OK;
}

/* ---- the draw ---- */

/* Values of one --fix: as many as the site has, or one for all. */
static urn_status set_fixed(cli_simulation *s, const urn_setting *fix, urn_error *error)
{
    const int site = urn_model_site_find(s->model, fix->name);
    urn_site_info info = {.size = 0};
    if (site >= 0)
        urn_model_site(s->model, site, &info);
    double *values = calloc((size_t)info.size + 1, sizeof *values), *given = NULL;
    if (values == NULL)
        return cli_fail_memory(error);
    int64_t n = 0;
    urn_status status = cli_numbers("fix", fix->name, fix->value, &given, &n, error);
    for (int64_t i = 0; status == URN_OK && i < info.size && (n == 1 || i < n); i++)
        values[i] = given[n == 1 ? 0 : i];
    free(given);
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
                           const urn_setting *fixed, size_t n_fixed, uint64_t seed, int64_t most,
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
            status = make_tables(sketch, popularity, seed, most, s, error);
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
                            uint64_t seed, int64_t most, cli_simulation *simulation,
                            urn_error *error)
{
    *simulation = (cli_simulation){.source = source, .setup = setup, .seed = seed, .data = data};
    const urn_status status =
        simulate(source, setup, popularity, fixed, n_fixed, seed, most, simulation, error);
    if (status != URN_OK)
        cli_simulation_clear(simulation);
    return status;
}

/* ---- the other rows ---- */

/* Latent sites of the first part: what they were drawn as is substituted in the others. */
static urn_status copy_latents(const cli_simulation *first, cli_simulation *part,
                               const urn_setting *latent, size_t n, urn_error *error)
{
    for (size_t k = 0; k < n; k++) {
        const int from = urn_model_site_find(first->model, latent[k].name);
        const int to = urn_model_site_find(part->model, latent[k].name);
        urn_site_info info;
        urn_model_site(first->model, from, &info);
        URN_TRY(urn_replay_input(part->replay, to, cli_simulated(first, from), info.size, error));
    }
    return URN_OK;
}

static urn_status draw_part(const cli_simulation *first, int64_t from, cli_simulation *part,
                            const urn_setting *latent, size_t n, urn_error *error)
{
    const filling f = {.sketch = first->model,
                       .data = part->data,
                       .table = urn_dataset_table_name(first->data, 0),
                       .n = first->n_rows,
                       .from = from,
                       .to = from + part->made,
                       .seed = first->seed};
    const urn_compile_options compile = {.bytes = sizeof compile, .kind = URN_PROGRAM_SIMULATE};
    URN_TRY(make_rows(&f, first->ids, error));
    URN_TRY(trace_drawn(first->source, first->setup, latent, n, part, error));
    URN_TRY(urn_program_compile(part->model, &compile, &part->program, error));
    URN_TRY(urn_replay_new(part->program, 1, &part->replay, error));
    URN_TRY(copy_latents(first, part, latent, n, error));
    urn_replay_seed(part->replay, first->seed, 0, (uint64_t)(from / first->made));
    urn_replay_run(part->replay, NULL);
    return check_drawn(part, error);
}

urn_status cli_simulate_next(const cli_simulation *first, int64_t from, cli_simulation *part,
                             urn_error *error)
{
    const int n_sites = urn_model_site_count(first->model);
    const int64_t left = first->n_rows - from;
    *part = (cli_simulation){.data = urn_dataset_new(NULL),
                             .made = left < first->made ? left : first->made};
    urn_setting *latent = calloc((size_t)n_sites + 1, sizeof *latent);
    size_t n = 0;
    for (int i = 0; latent != NULL && i < n_sites; i++) {
        urn_site_info info;
        urn_model_site(first->model, i, &info);
        if (info.role == URN_SITE_LATENT)
            latent[n++].name = info.name;
    }
    const urn_status status = latent != NULL && part->data != NULL
                                  ? draw_part(first, from, part, latent, n, error)
                                  : cli_fail_memory(error);
    free(latent);
    if (status != URN_OK)
        cli_simulation_clear(part);
    return status;
}

void cli_simulation_clear(cli_simulation *s)
{
    row_ids_free(s->ids);
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
