/* Which sites could do with another form: those whose own loc and scale are uncertain. */
#include "trace.h"
#include <string.h>

/* A latent site with coordinates of its own, at a leaf of the trace. */
static bool is_uncertain(const urn_model *m, const urn__node *n)
{
    if (n->op != &urn__op_site)
        return false;
    const urn__site *s = &m->site[((const urn__slot_attr *)n->attr)->slot];
    return s->role == URN_SITE_LATENT && s->part == URN__PART_COORDINATE;
}

/* Is anything that two nodes are computed from a latent site? */
static bool depends(const urn_model *m, urn__id a, urn__id b, bool *needed)
{
    const uint32_t count = urn__graph_count(m->graph);
    memset(needed, 0, ((size_t)count + 1) * sizeof *needed);
    needed[a] = needed[b] = true;
    for (urn__id id = count; id >= 1; id--) {
        const urn__node *n = urn__graph_node(m->graph, id);
        if (needed[id] && is_uncertain(m, n))
            return true;
        for (int k = 0; needed[id] && k < n->n_in; k++)
            needed[n->in[k]] = true;
    }
    return false;
}

urn_status urn__find_forms(urn_model *m)
{
    const size_t nodes = (size_t)urn__graph_count(m->graph) + 1;
    bool *needed = urn__calloc(m->allocator, nodes, sizeof *needed);
    if (needed == NULL)
        return urn__fail_memory(&m->error, "the trace of a model", nodes);
    for (size_t i = 0; i < m->n_sites; i++) {
        urn__site *s = &m->site[i];
        int loc, scale;
        s->hierarchical = s->role == URN_SITE_LATENT && s->part == URN__PART_COORDINATE &&
                          s->weight == 1.0 && s->mask == 0 && urn__loc_scale(s, &loc, &scale) &&
                          depends(m, s->param[loc], s->param[scale], needed);
    }
    urn__free(m->allocator, needed);
    return URN_OK;
}
