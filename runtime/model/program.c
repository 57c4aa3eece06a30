/* Compiling: the graph for a purpose, fused, differentiated, planned. */
#include "touched_rows.h"
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

static urn_status dump_plan(const urn_program *p, const char *stage, const urn__plan *plan,
                            urn_error *error)
{
    urn__text text = {.allocator = p->allocator};
    if (p->options.dump == NULL)
        return URN_OK;
    urn__plan_dump(plan, &text);
    const bool failed = text.failed;
    if (!failed)
        p->options.dump(p->options.dump_context, stage, text.data);
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

static urn__id factor_term(urn_program *p, const urn__site *s, urn__id value)
{
    const urn__total_attr attr = {.factor = (s->local ? p->m->batch_factor : 1.0) * s->weight};
    return urn__emit(p->graph, &urn__op_total, 1, &value, &attr, sizeof attr);
}

static void add_term(urn_program *p, urn__id term)
{
    if (term != 0)
        p->root[p->n_terms++] = term;
}

static void add_site_terms(urn_program *p, int site, const urn__site_ids *ids)
{
    const urn__site *s = &p->m->site[site];
    if (s->part == URN__PART_FACTOR) {
        add_term(p, factor_term(p, s, ids->value));
        return;
    }
    if (s->family == NULL || s->part == URN__PART_RECORD || s->part == URN__PART_DRAWN)
        return;
    if (urn__touched_plate(p->m, s) != 0) { /* real values: no Jacobian */
        urn__id terms[2];
        urn__touched_terms(p, site, ids, terms);
        add_term(p, terms[0]);
        add_term(p, terms[1]);
        return;
    }
    add_term(p, urn__site_density(p, site, ids, false));
    if (!p->options.no_jacobian)
        add_term(p, ids->jacobian);
}

/* The log density is the sum of these roots, which the replay adds. */
static void list_terms(urn_program *p, const urn__site_ids *ids)
{
    for (size_t i = 0; i < p->m->n_sites; i++)
        add_site_terms(p, (int)i, &ids[i]);
    p->n_roots = p->n_terms;
}

/* Their sum as a node, for the adjoints. */
static urn__id total_density(urn_program *p)
{
    urn__id total = 0;
    for (int k = 0; k < p->n_terms; k++)
        total = urn__plus(p->graph, total, p->root[k]);
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
    return (n->op == &urn__op_sum_to || n->op == &urn__op_regroup) &&
           !has_plate(n->shape, m->batch_plate) &&
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

static void list_coordinates(urn_program *p, const urn__site_ids *ids, urn__id *wrt)
{
    for (size_t i = 0; i < p->m->n_sites; i++)
        if (ids[i].coordinate != 0) {
            wrt[p->n_roots - p->n_terms] = ids[i].coordinate;
            p->site_of[p->n_roots++ - p->n_terms] = (int32_t)i;
        }
}

/* ---- passes that make fewer, larger nodes ---- */

typedef struct pass {
    const char *name;
    urn_status (*run)(urn__graph *g, int n, urn__id *root, urn_error *error);
} pass;

static const pass density_passes[] = {{"density fusion", urn__fuse_density},
                                      {"factor sums fusion", urn__fuse_factor_adjoint},
                                      {"elementwise fusion", urn__fuse_elementwise}};

/* The value's own passes are dumped as its plan alone. */
static urn_status run_passes(urn_program *p, int n, urn__id *root, bool dumped, urn_error *error)
{
    const size_t count = sizeof density_passes / sizeof density_passes[0];
    for (size_t i = 0; !p->options.no_fuse && i < count; i++) {
        URN_TRY(density_passes[i].run(p->graph, n, root, error));
        if (dumped)
            URN_TRY(dump(p, density_passes[i].name, n, root, error));
    }
    if (p->options.precision == URN_PRECISION_SINGLE)
        URN_TRY(urn__narrow(p->graph, n, root, error));
    return check_graph(p, error);
}

static urn_status make_plan(urn_program *p, int n, const urn__id *root, const char *stage,
                            urn__plan **plan, urn_error *error)
{
    URN_TRY(urn__plan_new(p->graph, n, root, p->kernels, p->options.precision, plan, error));
    return dump_plan(p, stage, *plan, error);
}

/* The value alone is planned too: line searches and evaluations need no gradient. */
static urn_status plan_value(urn_program *p, urn_error *error)
{
    const size_t n = (size_t)p->n_terms;
    urn__id *term = urn__arena_alloc(p->arena, n + 1, sizeof *term);
    if (term == NULL)
        return urn__fail_memory(error, "the program", n);
    memcpy(term, p->root, n * sizeof *term);
    URN_TRY(run_passes(p, p->n_terms, term, false, error));
    return make_plan(p, p->n_terms, term, "plan of the value", &p->value, error);
}

/* Which nodes depend on coordinates; freed by the caller. */
static urn_status find_dependent(const urn_program *p, bool **found, urn_error *error)
{
    const uint32_t count = urn__graph_count(p->graph);
    bool *depends = urn__calloc(p->allocator, (size_t)count + 1, sizeof *depends);
    *found = depends;
    if (depends == NULL)
        return urn__fail_memory(error, "the program", count);
    for (urn__id id = 1; id <= count; id++) {
        const urn__node *n = urn__graph_node(p->graph, id);
        depends[id] = n->op == &urn__op_coordinate;
        for (int k = 0; k < n->n_in; k++)
            depends[id] = depends[id] || depends[n->in[k]];
    }
    return URN_OK;
}

/* Inputs that no term reads need not be given. */
static urn_status drop_inputs(const urn_program *p, urn_error *error)
{
    const uint32_t count = urn__graph_count(p->graph);
    bool *read = urn__calloc(p->allocator, (size_t)count + 1, sizeof *read);
    if (read == NULL)
        return urn__fail_memory(error, "the program", count);
    for (int k = 0; k < p->n_terms; k++)
        read[p->root[k]] = true;
    for (urn__id id = count; id >= 1; id--) {
        const urn__node *n = urn__graph_node(p->graph, id);
        for (int k = 0; read[id] && k < n->n_in; k++)
            read[n->in[k]] = true;
        if (!read[id] && n->op == &urn__op_input)
            p->input_size[((const urn__slot_attr *)n->attr)->slot] = 0;
    }
    urn__free(p->allocator, read);
    return URN_OK;
}

/* With sites held, terms that are the same wherever the others are say nothing. */
static urn_status drop_terms(urn_program *p, urn_error *error)
{
    bool *depends;
    int kept = 0;
    if (p->held == NULL)
        return URN_OK;
    URN_TRY(find_dependent(p, &depends, error));
    for (int k = 0; k < p->n_terms; k++)
        if (depends[p->root[k]])
            p->root[kept++] = p->root[k];
    urn__free(p->allocator, depends);
    p->n_roots = p->n_terms = kept;
    return drop_inputs(p, error);
}

/* Draws have no derivative: a blocked site may not depend on coordinates. */
static urn_status check_blocked(const urn_program *p, const urn__site_ids *ids, urn_error *error)
{
    const urn__site *bad = NULL;
    bool *depends;
    URN_TRY(find_dependent(p, &depends, error));
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

static bool allocate_roots(urn_program *p)
{
    const size_t n = p->m->n_sites; /* two terms and a gradient a site */
    p->root = urn__arena_alloc(p->arena, 3 * n + 1, sizeof *p->root);
    p->site_of = urn__arena_alloc(p->arena, n + 1, sizeof *p->site_of);
    return !urn__arena_failed(p->arena);
}

static urn_status compile_density(urn_program *p, const urn__site_ids *ids, urn_error *error)
{
    URN_TRY(refuse_batch_sums(p, error));
    urn__id *wrt = urn__arena_alloc(p->arena, p->m->n_sites + 1, sizeof *wrt);
    if (!allocate_roots(p))
        return urn__fail_memory(error, "the program", 0);
    list_terms(p, ids);
    URN_TRY(check_graph(p, error));
    URN_TRY(check_blocked(p, ids, error));
    URN_TRY(drop_terms(p, error));
    URN_TRY(dump(p, "constrain", p->n_roots, p->root, error));
    if (!p->options.no_fuse) {
        URN_TRY(urn__fuse_gather(p->graph, p->n_roots, p->root, error));
        URN_TRY(dump(p, "gather fusion", p->n_roots, p->root, error));
        URN_TRY(urn__fuse_factor(p->graph, p->n_roots, p->root, error));
        URN_TRY(dump(p, "factor fusion", p->n_roots, p->root, error));
    }
    URN_TRY(plan_value(p, error));
    list_coordinates(p, ids, wrt);
    URN_TRY(urn__backward(p->graph, total_density(p), p->n_roots - p->n_terms, wrt,
                          p->root + p->n_terms, error));
    URN_TRY(dump(p, "adjoints", p->n_roots, p->root, error));
    URN_TRY(run_passes(p, p->n_roots, p->root, true, error));
    return make_plan(p, p->n_roots, p->root, "plan", &p->plan, error);
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
        URN_TRY(dump(p, "gather fusion", p->n_roots, p->root, error));
        URN_TRY(urn__fuse_factor(p->graph, p->n_roots, p->root, error));
        URN_TRY(dump(p, "factor fusion", p->n_roots, p->root, error));
        URN_TRY(urn__fuse_elementwise(p->graph, p->n_roots, p->root, error));
        URN_TRY(dump(p, "elementwise fusion", p->n_roots, p->root, error));
    }
    URN_TRY(check_graph(p, error));
    return make_plan(p, p->n_roots, p->root, "plan", &p->plan, error);
}

/* ---- the program ---- */

static urn_status check_precision(const urn_compile_options *options, urn_error *error)
{
    if (options->precision == URN_PRECISION_DOUBLE)
        return URN_OK;
    if (options->precision != URN_PRECISION_SINGLE)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "there is no precision number %d",
                         (int)options->precision);
    if (options->kind == URN_PROGRAM_DENSITY)
        return URN_OK;
    return urn__fail(
        error, URN_ERR_USAGE, NULL, NULL,
        "compile it in double; positions of a single-precision program convert exactly",
        "single precision is for density programs; values, draws and predictions are "
        "computed in double");
}

static void lay_out(urn_program *p)
{
    for (size_t i = 0; i < p->m->n_sites; i++)
        p->offset[i] = p->m->site[i].offset;
    p->position_size = p->m->position_size;
}

/* Closes the gaps that held sites leave in the position. */
static urn_status hold(urn_program *p, const bool *held, urn_error *error)
{
    const size_t n = p->m->n_sites;
    int64_t size = 0;
    if (held == NULL)
        return URN_OK;
    p->held = urn__arena_alloc(p->arena, n + 1, sizeof *p->held);
    if (p->held == NULL)
        return urn__fail_memory(error, "the program", n);
    memcpy(p->held, held, n * sizeof *held);
    for (size_t i = 0; i < n; i++) {
        const urn__site *s = &p->m->site[i];
        const bool has = s->part == URN__PART_COORDINATE && !s->support->discrete && !held[i];
        p->offset[i] = has ? size : -1;
        size += has ? s->free_size : 0;
    }
    p->position_size = size;
    return URN_OK;
}

urn_status urn__program_begin(const urn_model *m, const urn_compile_options *options,
                              urn_program **program, urn_error *error)
{
    *program = NULL;
    urn__arena *arena = urn__arena_new(m->allocator);
    urn_program *p = arena == NULL ? NULL : urn__arena_alloc(arena, 1, sizeof *p);
    if (p != NULL) {
        p->graph = urn__graph_new(arena);
        p->input_size = urn__arena_alloc(arena, m->n_sites + 1, sizeof *p->input_size);
        p->offset = urn__arena_alloc(arena, m->n_sites + 1, sizeof *p->offset);
    }
    if (p == NULL || urn__arena_failed(arena)) {
        urn__arena_free(arena);
        return urn__fail_memory(error, "the program", sizeof *p);
    }
    p->m = m;
    p->arena = arena;
    p->allocator = m->allocator;
    lay_out(p);
    const size_t bytes = options->bytes < sizeof p->options ? options->bytes : sizeof p->options;
    memcpy(&p->options, options, bytes);
    for (size_t i = 0; i < m->n_plates; i++)
        urn__graph_name_plate(p->graph, (int32_t)i + 1, m->plate[i].name);
    urn_status status = check_precision(&p->options, error);
    if (status == URN_OK)
        status = urn__kernels_select(p->options.cpu, &p->kernels, error);
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
    return urn__program_compile_held(model, options, NULL, program, error);
}

urn_status urn__program_compile_held(const urn_model *model, const urn_compile_options *options,
                                     const bool *held, urn_program **program, urn_error *error)
{
    urn_program *p;
    *program = NULL;
    if (options->kind != URN_PROGRAM_DENSITY && model->full != NULL)
        model = model->full;
    URN_TRY(urn__program_begin(model, options, &p, error));
    urn_status status = hold(p, held, error);
    if (status == URN_OK)
        status = dump_trace(p, error);
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
