/* Compiling: the graph for a purpose, fused, differentiated, planned. */
#include "program.h"
#include <string.h>

/* ---- stages ---- */

static urn_status dump(const urn_program *p, const char *stage, int n, const urn__id *root,
                       urn_error *error)
{
    urn__text text = {.allocator = p->allocator};
    if (p->options.dump == NULL)
        return URN_OK;
    urn__dump(p->graph, n, root, &text);
    const bool failed = text.failed;
    if (!failed)
        p->options.dump(p->options.dump_context, stage, text.data == NULL ? "" : text.data);
    urn__text_clear(&text);
    return failed ? urn__fail_memory(error, "a dump", 0) : URN_OK;
}

static urn_status check_graph(const urn_program *p, urn_error *error)
{
    if (urn__arena_failed(p->arena))
        return urn__fail_memory(error, "the program", 0);
    if (urn__graph_error(p->graph)[0] != '\0')
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "while compiling: %s",
                         urn__graph_error(p->graph));
    return urn__verify(p->graph, error);
}

/* ---- log density ---- */

static urn__id weighted(urn_program *p, const urn__site *s, urn__id term)
{
    const urn__shape scalar = urn__shape_scalar();
    const urn__id sum = urn__sum_to(p->graph, term, &scalar);
    if (!s->local)
        return sum;
    return urn__times(p->graph, sum, urn__number(p->graph, p->m->batch_factor));
}

static urn__id site_term(urn_program *p, int site, const urn__site_ids *ids)
{
    const urn__site *s = &p->m->site[site];
    if (s->part == URN__PART_FACTOR)
        return weighted(p, s, ids->value);
    if (s->family == NULL || s->part == URN__PART_RECORD || s->part == URN__PART_DRAWN)
        return 0;
    urn__id term = urn__site_density(p, site, ids, false);
    if (ids->jacobian != 0 && !p->options.no_jacobian)
        term = urn__plus(p->graph, term, ids->jacobian);
    return term;
}

static urn__id total_density(urn_program *p, const urn__site_ids *ids)
{
    urn__id total = 0;
    for (size_t i = 0; i < p->m->n_sites; i++)
        total = urn__plus(p->graph, total, site_term(p, (int)i, &ids[i]));
    return total != 0 ? total : urn__number(p->graph, 0.0);
}

static bool has_plate(const urn__shape *s, uint32_t plate)
{
    for (int i = 0; i < s->n_plates; i++)
        if (s->plate[i] == (int32_t)plate)
            return true;
    return false;
}

static bool sums_batch(const urn_model *m, const urn__node *n)
{
    return n->op == &urn__op_sum_to && !has_plate(n->shape, m->batch_plate) &&
           has_plate(urn__graph_shape(m->graph, n->in[0]), m->batch_plate);
}

/* Does what the site's density is made of contain a sum over the mini-batched plate? */
static bool depends_on_batch_sum(const urn_model *m, const urn__site *s, bool *needed)
{
    const uint32_t count = urn__graph_count(m->graph);
    memset(needed, 0, ((size_t)count + 1) * sizeof *needed);
    needed[s->part == URN__PART_FACTOR ? s->value : 0] = true;
    for (int k = 0; k < s->n_given; k++)
        needed[s->param[k]] = true;
    for (urn__id id = count; id >= 1; id--) {
        const urn__node *n = urn__graph_node(m->graph, id);
        if (needed[id] && sums_batch(m, n))
            return true;
        for (int k = 0; needed[id] && k < n->n_in; k++)
            needed[n->in[k]] = true;
    }
    return false;
}

/* Such a sum would be of one batch, and nobody could tell how to scale it. */
static urn_status refuse_batch_sums(const urn_program *p, urn_error *error)
{
    const urn_model *m = p->m;
    if (m->batch_plate == 0)
        return URN_OK;
    bool *needed =
        urn__calloc(p->allocator, (size_t)urn__graph_count(m->graph) + 1, sizeof *needed);
    if (needed == NULL)
        return urn__fail_memory(error, "the program", urn__graph_count(m->graph));
    urn_status status = URN_OK;
    for (size_t i = 0; i < m->n_sites && status == URN_OK; i++)
        if (m->site[i].part != URN__PART_RECORD && depends_on_batch_sum(m, &m->site[i], needed))
            status = urn__fail(error, URN_ERR_MODEL, m->site[i].where, m->site[i].name,
                               "give the rows to urn_factor or urn_observe, which scale them, or "
                               "fit without mini-batches",
                               "it depends on a sum over plate \"%s\", which is mini-batched: the "
                               "sum would be of one batch's rows only",
                               m->plate[m->batch_plate - 1].name);
    urn__free(p->allocator, needed);
    return status;
}

static urn_status list_coordinates(urn_program *p, const urn__site_ids *ids, urn__id *wrt)
{
    int n = 0;
    for (size_t i = 0; i < p->m->n_sites; i++)
        if (ids[i].coordinate != 0) {
            p->site_of[n] = (int32_t)i;
            wrt[n++] = ids[i].coordinate;
        }
    p->n_roots = 1 + n;
    return URN_OK;
}

/* The value alone is planned too: line searches and evaluations need no gradient. */
static urn_status plan_value(urn_program *p, urn__id total, urn_error *error)
{
    if (!p->options.no_fuse) {
        URN_TRY(urn__fuse_density(p->graph, 1, &total, error));
        URN_TRY(urn__fuse_elementwise(p->graph, 1, &total, error));
    }
    return urn__plan_new(p->graph, 1, &total, p->kernels, &p->value, error);
}

/* Draws have no derivative: a blocked site may not depend on coordinates. */
static urn_status check_blocked(const urn_program *p, const urn__site_ids *ids, urn_error *error)
{
    const uint32_t count = urn__graph_count(p->graph);
    const urn__site *bad = NULL;
    bool *depends = urn__calloc(p->allocator, (size_t)count + 1, sizeof *depends);
    if (depends == NULL)
        return urn__fail_memory(error, "the program", count);
    for (urn__id id = 1; id <= count; id++) {
        const urn__node *n = urn__graph_node(p->graph, id);
        depends[id] = n->op == &urn__op_coordinate;
        for (int k = 0; k < n->n_in; k++)
            depends[id] = depends[id] || depends[n->in[k]];
    }
    for (size_t i = 0; i < p->m->n_sites && bad == NULL; i++)
        if (p->m->site[i].part == URN__PART_DRAWN && depends[ids[i].value])
            bad = &p->m->site[i];
    urn__free(p->allocator, depends);
    if (bad == NULL)
        return URN_OK;
    return urn__fail(error, URN_ERR_MODEL, bad->where, bad->name,
                     "block the sites it depends on as well, or substitute it",
                     "(%s): the site is blocked, so it is drawn, and its parameters depend on "
                     "latent sites: there is no gradient",
                     bad->family->name);
}

static urn_status compile_density(urn_program *p, const urn__site_ids *ids, urn_error *error)
{
    URN_TRY(refuse_batch_sums(p, error));
    urn__id total = total_density(p, ids);
    URN_TRY(check_graph(p, error));
    URN_TRY(check_blocked(p, ids, error));
    URN_TRY(dump(p, "constrain", 1, &total, error));
    urn__id *wrt = urn__arena_alloc(p->arena, p->m->n_sites + 1, sizeof *wrt);
    p->root = urn__arena_alloc(p->arena, p->m->n_sites + 2, sizeof *p->root);
    p->site_of = urn__arena_alloc(p->arena, p->m->n_sites + 1, sizeof *p->site_of);
    if (urn__arena_failed(p->arena))
        return urn__fail_memory(error, "the program", 0);
    if (!p->options.no_fuse)
        URN_TRY(urn__fuse_gather(p->graph, 1, &total, error));
    URN_TRY(dump(p, "fuse", 1, &total, error));
    URN_TRY(list_coordinates(p, ids, wrt));
    p->root[0] = total;
    URN_TRY(urn__backward(p->graph, total, p->n_roots - 1, wrt, p->root + 1, error));
    URN_TRY(dump(p, "backward", p->n_roots, p->root, error));
    URN_TRY(plan_value(p, total, error));
    if (!p->options.no_fuse) {
        URN_TRY(urn__fuse_density(p->graph, p->n_roots, p->root, error));
        URN_TRY(urn__fuse_elementwise(p->graph, p->n_roots, p->root, error));
    }
    URN_TRY(check_graph(p, error));
    URN_TRY(dump(p, "plan", p->n_roots, p->root, error));
    return urn__plan_new(p->graph, p->n_roots, p->root, p->kernels, &p->plan, error);
}

/* ---- everything else ---- */

static void add_result(urn_program *p, int site, urn_result what, urn__id id)
{
    if (id == 0)
        return;
    p->root[p->n_roots++] = id;
    p->result[site * URN__RESULTS + (int)what] = p->n_roots;
}

static void add_predictions(urn_program *p, int site, const urn__site_ids *ids)
{
    const urn_family *f = p->m->site[site].family;
    add_result(p, site, URN_RESULT_LOG_DENSITY, urn__site_density(p, site, ids, true));
    add_result(p, site, URN_RESULT_MEAN, urn__site_draw(p, site, ids, URN__DRAW_MEAN, 0, 0));
    if (f->cdf != NULL)
        add_result(p, site, URN_RESULT_CDF, urn__site_draw(p, site, ids, URN__DRAW_CDF, 0, 0));
    if (f->draw != NULL)
        add_result(p, site, URN_RESULT_DRAW, urn__site_draw(p, site, ids, URN__DRAW_RANDOM, 0, 0));
}

static urn_status add_site(urn_program *p, int site, const urn__site_ids *ids, urn_error *error)
{
    const urn__site *s = &p->m->site[site];
    const urn_program_kind kind = p->options.kind;
    if (s->role == URN_SITE_OBSERVED && kind == URN_PROGRAM_PREDICT) {
        add_predictions(p, site, ids);
    } else if (s->role == URN_SITE_OBSERVED && kind == URN_PROGRAM_SIMULATE && !s->handled) {
        if (s->family->draw == NULL)
            return urn__fail(error, URN_ERR_MODEL, s->where, s->name, NULL,
                             "(%s): it cannot be drawn from", s->family->name);
        add_result(p, site, URN_RESULT_VALUE, urn__site_draw(p, site, ids, URN__DRAW_RANDOM, 0, 0));
    } else if (s->role == URN_SITE_LATENT || s->role == URN_SITE_PARAM ||
               s->role == URN_SITE_RECORDED || (s->handled && kind == URN_PROGRAM_SIMULATE)) {
        add_result(p, site, URN_RESULT_VALUE, ids->value);
    }
    return URN_OK;
}

static urn_status compile_values(urn_program *p, const urn__site_ids *ids, urn_error *error)
{
    const size_t most = p->m->n_sites * URN__RESULTS + 1;
    p->root = urn__arena_alloc(p->arena, most, sizeof *p->root);
    p->result = urn__arena_alloc(p->arena, most, sizeof *p->result);
    if (urn__arena_failed(p->arena))
        return urn__fail_memory(error, "the program", 0);
    for (size_t i = 0; i < p->m->n_sites; i++)
        URN_TRY(add_site(p, (int)i, &ids[i], error));
    URN_TRY(check_graph(p, error));
    URN_TRY(dump(p, "constrain", p->n_roots, p->root, error));
    if (!p->options.no_fuse) {
        URN_TRY(urn__fuse_gather(p->graph, p->n_roots, p->root, error));
        URN_TRY(urn__fuse_elementwise(p->graph, p->n_roots, p->root, error));
    }
    URN_TRY(check_graph(p, error));
    URN_TRY(dump(p, "plan", p->n_roots, p->root, error));
    return urn__plan_new(p->graph, p->n_roots, p->root, p->kernels, &p->plan, error);
}

/* ---- the program ---- */

urn_status urn__program_begin(const urn_model *m, const urn_compile_options *options,
                              urn_program **program, urn_error *error)
{
    *program = NULL;
    urn__arena *arena = urn__arena_new(m->allocator);
    urn_program *p = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *p);
    if (p != NULL) {
        p->graph = urn__graph_new(arena);
        p->input_size = urn__arena_alloc(arena, m->n_sites + 1, sizeof *p->input_size);
    }
    if (p == NULL || urn__arena_failed(arena)) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "the program", sizeof *p);
    }
    p->m = m;
    p->arena = arena;
    p->allocator = m->allocator;
    const size_t bytes = options->bytes < sizeof p->options ? options->bytes : sizeof p->options;
    memcpy(&p->options, options, bytes);
    for (size_t i = 0; i < m->n_plates; i++)
        urn__graph_name_plate(p->graph, (int32_t)i + 1, m->plate[i].name);
    const urn_status status = urn__kernels_select(p->options.cpu, &p->kernels, error);
    if (status == URN_OK)
        *program = p;
    else
        urn__arena_free(arena);
    return status;
}

static urn_status dump_trace(const urn_program *p, urn_error *error)
{
    urn__text text = {.allocator = p->allocator};
    const uint32_t n = urn__graph_count(p->m->graph);
    if (p->options.dump == NULL || n == 0)
        return URN_OK;
    urn__id *all = urn__calloc(p->allocator, n, sizeof *all);
    if (all == NULL)
        return urn__fail_memory(error, "a dump", n);
    for (uint32_t i = 0; i < n; i++)
        all[i] = i + 1;
    urn__dump(p->m->graph, (int)n, all, &text);
    const bool failed = text.failed;
    if (!failed)
        p->options.dump(p->options.dump_context, "trace", text.data);
    urn__text_clear(&text);
    urn__free(p->allocator, all);
    return failed ? urn__fail_memory(error, "a dump", 0) : URN_OK;
}

urn_status urn_program_compile(const urn_model *model, const urn_compile_options *options,
                               urn_program **program, urn_error *error)
{
    urn_program *p;
    *program = NULL;
    if (options->kind != URN_PROGRAM_DENSITY && model->full != NULL)
        model = model->full;
    URN_TRY(urn__program_begin(model, options, &p, error));
    urn_status status = dump_trace(p, error);
    urn__site_ids *ids = urn__calloc(p->allocator, model->n_sites + 1, sizeof *ids);
    if (ids == NULL && status == URN_OK)
        status = urn__fail_memory(error, "the program", model->n_sites);
    if (status == URN_OK)
        status = urn__program_values(p, ids, error);
    if (status == URN_OK)
        status = p->options.kind == URN_PROGRAM_DENSITY ? compile_density(p, ids, error)
                                                        : compile_values(p, ids, error);
    urn__free(p->allocator, ids);
    if (status == URN_OK)
        *program = p;
    else
        urn_program_free(p);
    return status;
}

void urn_program_free(urn_program *p)
{
    if (p != NULL)
        urn__arena_free(p->arena);
}
