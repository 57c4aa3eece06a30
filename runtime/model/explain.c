/* Messages about values: which site's density is not finite. */
#include "../graph/family_single.h"
#include "program.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PER_SITE = 2 + URN_FAMILY_PARAMS }; /* densities, value, parameters */

static bool has_density(const urn__site *s)
{
    return s->family != NULL && s->part != URN__PART_RECORD && s->part != URN__PART_DRAWN;
}

static urn_status compile_terms(urn_program *p, urn_error *error)
{
    const size_t n = p->m->n_sites;
    urn__site_ids *ids = urn__arena_alloc(p->arena, n + 1, sizeof *ids);
    p->root = urn__arena_alloc(p->arena, n * PER_SITE + 1, sizeof *p->root);
    if (urn__arena_failed(p->arena))
        return urn__fail_memory(error, "an explanation", n);
    URN_TRY(urn__program_values(p, ids, error));
    for (size_t i = 0; i < n; i++) {
        urn__id *root = p->root + i * PER_SITE;
        if (!has_density(&p->m->site[i]))
            continue;
        root[0] = urn__site_density(p, (int)i, &ids[i], true);
        root[1] = ids[i].value;
        for (int k = 0; k < p->m->site[i].n_given; k++)
            root[2 + k] = ids[i].param[k];
    }
    return urn__plan_new(p->graph, (int)(n * PER_SITE), p->root, p->kernels, URN_PRECISION_DOUBLE,
                         &p->plan, error);
}

/* "value 3, loc 0.5, scale -1" at one row of the site. */
static void describe_row(const urn_program *p, const urn__machine *machine, int site, int64_t row,
                         urn__text *text)
{
    const urn__site *s = &p->m->site[site];
    const int base = site * PER_SITE;
    const double *x = urn__machine_root(machine, base + 1);
    urn__text_add(text, "value %g%s", urn__shown(x[row * s->event]), s->event > 1 ? ", ..." : "");
    for (int k = 0; k < s->n_given; k++) {
        const urn_family_param *param = &s->family->params[s->given[k]];
        const urn__shape *shape = urn__graph_shape(p->graph, p->root[base + 2 + k]);
        const urn__shape *density = urn__graph_shape(p->graph, p->root[base]);
        const int rank = urn__param_rank(s->family, s->given[k]);
        const urn__shape own =
            urn__shape_with_event(shape, shape->n_event - rank, shape->dim + shape->n_plates);
        const urn__walk w = urn__walk_of(&own, density);
        const int64_t event =
            urn__shape_size(shape) / (urn__shape_size(&own) + (urn__shape_size(&own) == 0));
        const double *v = urn__machine_root(machine, base + 2 + k);
        v += urn__walk_offset(&w, row) * event;
        urn__text_add(text, ", %s %g%s", param->word, urn__shown(v[0]), event > 1 ? ", ..." : "");
    }
}

/* " at row 3 (ratings.csv:17)", the latter for rows of a table. */
static void add_row(const urn_model *m, const urn__site *s, int64_t row, int64_t rows,
                    urn__text *text)
{
    const urn__plate *p = s->plate == 0 ? NULL : &m->plate[s->plate - 1];
    urn__text_add(text, " at row %lld", (long long)row);
    if (p == NULL || p->kind != URN__PLATE_ROWS || p->table < 0 || p->size == 0)
        return;
    char where[256];
    const int64_t r = row / (rows / p->size);
    urn__dataset_where(m->data, p->table, urn__plate_table_row(m, p, r), where, sizeof where);
    urn__text_add(text, " (%s)", where);
}

static void find_bad_site(const urn_program *p, const urn__machine *machine, urn__text *text)
{
    for (size_t i = 0; i < p->m->n_sites; i++) {
        const urn__site *s = &p->m->site[i];
        if (!has_density(s))
            continue;
        const double *lp = urn__machine_root(machine, (int)i * PER_SITE);
        const int64_t rows = urn__shape_size(urn__graph_shape(p->graph, p->root[i * PER_SITE]));
        for (int64_t r = 0; r < rows; r++) {
            if (isfinite(lp[r]))
                continue;
            urn__text_add(text, "%s: site \"%s\" (%s): log density is %g", s->where, s->name,
                          s->family->name, urn__shown(lp[r]));
            if (rows > 1)
                add_row(p->m, s, r, rows, text);
            urn__text_add(text, ": ");
            describe_row(p, machine, (int)i, r, text);
            return;
        }
    }
}

urn_status urn_model_explain(const urn_model *model, const double *position, char *text,
                             size_t size, urn_error *error)
{
    urn_program *p;
    urn__machine *machine = NULL;
    const urn_compile_options options = {.bytes = sizeof options, .kind = URN_PROGRAM_DENSITY};
    if (size > 0)
        text[0] = '\0';
    if (model->full != NULL)
        model = model->full;
    for (size_t i = 0; i < model->n_sites; i++)
        if (model->site[i].part == URN__PART_INPUT)
            return urn__fail(error, URN_ERR_USAGE, model->site[i].where, model->site[i].name, NULL,
                             "the site is substituted, so the position alone says too little");
    URN_TRY(urn__program_begin(model, &options, &p, error));
    urn_status status = compile_terms(p, error);
    if (status == URN_OK)
        status = urn__machine_new(p->plan, model->allocator, 1, NULL, &machine, error);
    if (status == URN_OK) {
        urn__text found = {.allocator = model->allocator};
        urn__machine_position(machine, position);
        urn__machine_run(machine);
        find_bad_site(p, machine, &found);
        if (found.data != NULL)
            (void)snprintf(text, size, "%s", found.data);
        urn__text_clear(&found);
    }
    urn__machine_free(machine);
    urn_program_free(p);
    return status;
}
