/* The graph of a model with its latent sites as inputs. */
#include "nodes.h"
#include <string.h>

/* ---- the graph ---- */

enum { PER_SITE = 4 + 2 * URN_FAMILY_PARAMS };

static void list_site(const urn__site *s, urn__id *root)
{
    root[0] = s->value;
    root[1] = s->mask;
    root[2] = s->low;
    root[3] = s->high;
    for (int k = 0; k < s->n_given; k++) {
        root[4 + k] = s->param[k];
        root[4 + URN_FAMILY_PARAMS + k] = s->word[k].id;
    }
}

static void take_site(const urn__id *root, int n_given, urn__node_site *site)
{
    site->value = root[0];
    site->mask = root[1];
    site->low = root[2];
    site->high = root[3];
    memcpy(site->param, root + 4, (size_t)n_given * sizeof *root);
    memcpy(site->word, root + 4 + URN_FAMILY_PARAMS, (size_t)n_given * sizeof *root);
}

static urn__id site_to_input(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                             const urn__id *in, const urn__id *new_id)
{
    (void)context, (void)in, (void)new_id;
    const urn__node *n = urn__graph_node(from, id);
    if (n->op != &urn__op_site)
        return 0;
    return urn__emit(to, &urn__op_input, 0, NULL, n->attr, sizeof(urn__slot_attr));
}

static urn_status copy_graph(urn__nodes *nodes, urn_error *error)
{
    const urn_model *m = nodes->m;
    const size_t n = m->n_sites * PER_SITE;
    nodes->site = urn__arena_alloc(nodes->arena, m->n_sites + 1, sizeof *nodes->site);
    urn__id *root = urn__calloc(m->allocator, n + 1, sizeof *root);
    urn_status status = URN_OK;
    if (root == NULL || nodes->site == NULL)
        status = urn__fail_memory(error, "the nodes of a model", n);
    for (size_t i = 0; status == URN_OK && i < m->n_sites; i++)
        list_site(&m->site[i], root + i * PER_SITE);
    if (status == URN_OK)
        status =
            urn__graph_rewrite(m->graph, nodes->graph, (int)n, root, site_to_input, NULL, error);
    for (size_t i = 0; status == URN_OK && i < m->n_sites; i++)
        take_site(root + i * PER_SITE, m->site[i].n_given, &nodes->site[i]);
    urn__free(m->allocator, root);
    return status;
}

urn_status urn__nodes_new(const urn_model *model, const char *cpu, urn__nodes **nodes,
                          urn_error *error)
{
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = URN_PROGRAM_VALUES, .cpu = cpu};
    urn_program *p;
    *nodes = NULL;
    if (model->full != NULL)
        model = model->full;
    URN_TRY(urn__program_begin(model, &options, &p, error));
    urn__nodes *made = urn__arena_alloc(p->arena, 1, sizeof *made);
    urn_status status = URN_OK;
    if (made == NULL) {
        status = urn__fail_memory(error, "the nodes of a model", sizeof *made);
    } else {
        *made = (urn__nodes){
            .m = model, .graph = p->graph, .arena = p->arena, .kernels = p->kernels, .program = p};
        status = copy_graph(made, error);
    }
    if (status == URN_OK)
        *nodes = made;
    else
        urn_program_free(p);
    return status;
}

void urn__nodes_free(urn__nodes *nodes)
{
    if (nodes != NULL)
        urn_program_free(nodes->program);
}

int64_t urn__site_family_rows(const urn__site *site)
{
    return site->event == 0 ? 0 : urn__shape_size(&site->shape) / site->event;
}

urn__id urn__nodes_density(urn__nodes *nodes, int site, bool rowwise)
{
    const urn__node_site *from = &nodes->site[site];
    urn__site_ids ids = {.value = from->value, .mask = from->mask};
    memcpy(ids.param, from->param, sizeof ids.param);
    return urn__site_density(nodes->program, site, &ids, rowwise);
}

urn__id urn__nodes_draw(urn__nodes *nodes, int site)
{
    const urn__node_site *from = &nodes->site[site];
    urn__site_ids ids = {0};
    memcpy(ids.param, from->param, sizeof ids.param);
    return urn__site_draw(nodes->program, site, &ids, URN__DRAW_RANDOM, 0, 0);
}

/* ---- evaluating ---- */

struct urn__evaluation {
    const urn_allocator *allocator;
    urn__machine *machine;
    urn__id *root;
    int n;
};

static urn_status run_passes(urn__nodes *nodes, int n, urn__id *root, urn_error *error)
{
    URN_TRY(urn__fuse_gather(nodes->graph, n, root, error));
    URN_TRY(urn__fuse_factor(nodes->graph, n, root, error));
    return urn__fuse_elementwise(nodes->graph, n, root, error);
}

static urn_status plan(urn__evaluation *e, urn__nodes *nodes, bool fuse, int threads,
                       urn_error *error)
{
    urn__plan *made;
    if (urn__graph_error(nodes->graph)[0] != '\0')
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "while deriving: %s",
                         urn__graph_error(nodes->graph));
    if (fuse)
        URN_TRY(run_passes(nodes, e->n, e->root, error));
    if (urn__arena_failed(nodes->arena))
        return urn__fail_memory(error, "an evaluation", 0);
    URN_TRY(urn__plan_new(nodes->graph, e->n, e->root, nodes->kernels, URN_PRECISION_DOUBLE, &made,
                          error));
    return urn__machine_new(made, e->allocator, threads, NULL, &e->machine, error);
}

urn_status urn__evaluation_new(urn__nodes *nodes, int n, const urn__id *root, bool fuse,
                               int threads, urn__evaluation **evaluation, urn_error *error)
{
    const urn_allocator *allocator = nodes->m->allocator;
    *evaluation = NULL;
    urn__evaluation *e = urn__calloc(allocator, 1, sizeof *e);
    if (e != NULL) {
        e->allocator = allocator;
        e->n = n;
        e->root = urn__arena_alloc(nodes->arena, (size_t)n + 1, sizeof *e->root);
    }
    if (e == NULL || e->root == NULL) {
        urn__free(allocator, e);
        return urn__fail_memory(error, "an evaluation", (size_t)n);
    }
    memcpy(e->root, root, (size_t)n * sizeof *root);
    const urn_status status = plan(e, nodes, fuse, threads, error);
    if (status == URN_OK)
        *evaluation = e;
    else
        urn__evaluation_free(e);
    return status;
}

void urn__evaluation_free(urn__evaluation *e)
{
    if (e == NULL)
        return;
    urn__machine_free(e->machine);
    urn__free(e->allocator, e);
}

void urn__evaluation_bind(urn__evaluation *e, int site, const double *values)
{
    urn__machine_bind_input(e->machine, site, values);
}

void urn__evaluation_threads(urn__evaluation *e, int threads)
{
    urn__machine_exec(e->machine)->threads = threads;
}

void urn__evaluation_address(urn__evaluation *e, uint64_t seed, uint64_t chain, uint64_t step)
{
    urn__exec *exec = urn__machine_exec(e->machine);
    exec->seed = seed;
    exec->chain = chain;
    exec->step = step;
}

void urn__evaluation_run(urn__evaluation *e)
{
    urn__machine_run(e->machine);
}

const double *urn__evaluation_root(const urn__evaluation *e, int k)
{
    return urn__machine_root(e->machine, k);
}
