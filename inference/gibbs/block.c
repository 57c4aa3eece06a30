/* What all kinds of blocks share: values of nodes at the state, streams, messages. */
#include "chain.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *urn__block_say(urn__gibbs_block *block, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return urn__arena_strdup(block->arena, text);
}

/* ---- nodes ---- */

int urn__block_want(urn__gibbs_block *block, urn__id id)
{
    for (int k = 0; k < block->n_want; k++)
        if (block->want[k] == id)
            return k;
    if (id == 0 || block->n_want == URN__BLOCK_WANTS)
        return -1;
    block->want[block->n_want] = id;
    return block->n_want++;
}

/* The site's rows with events of `rank` dims, those of the node. */
static urn__shape rows_with_event(const urn__site *s, const urn__shape *node, int rank)
{
    const urn__shape rows = urn__shape_drop_event(&s->shape, s->family->event_rank);
    int64_t dims[URN__MAX_DIMS] = {0};
    int n = 0;
    for (; n < rows.n_event; n++)
        dims[n] = rows.dim[rows.n_plates + n];
    for (int i = 0; i < rank; i++)
        dims[n++] = node->dim[node->n_plates + node->n_event - rank + i];
    return urn__shape_with_event(&rows, n, dims);
}

int urn__block_want_rows(urn__gibbs_block *block, urn__id id, int site, int rank, int64_t *stride)
{
    urn__graph *g = block->g->nodes->graph;
    const urn__site *s = &block->g->m->site[site];
    if (id == 0)
        return -1;
    const urn__shape node = *urn__graph_shape(g, id);
    const urn__shape own = urn__shape_drop_event(&node, rank);
    if (own.n_plates == 0 && urn__shape_size(&own) == 1 && urn__site_family_rows(s) != 1) {
        *stride = 0;
        return urn__block_want(block, id);
    }
    const urn__shape full = rows_with_event(s, &node, rank);
    *stride = urn__shape_size(&node) / urn__shape_size(&own);
    return urn__block_want(block, urn__broadcast(g, id, &full));
}

void urn__block_evaluate(urn__gibbs_block *block)
{
    urn__evaluation_run(block->evaluation);
}

const double *urn__block_got(const urn__gibbs_block *block, int want)
{
    return want < 0 ? NULL : urn__evaluation_root(block->evaluation, want);
}

double *urn__block_value(const urn__gibbs_block *block, int k)
{
    return block->g->value[block->site[k]];
}

urn__stream urn__block_stream(const urn__gibbs_block *block)
{
    const urn__gibbs *g = block->g;
    return urn__stream_at(g->seed, g->chain, g->m->site[block->site[0]].name, (uint64_t)g->step);
}

urn_status urn__block_fail(const urn__gibbs_block *block, int64_t row, double condition,
                           urn_error *error)
{
    const urn__site *s = &block->g->m->site[block->site[0]];
    char of_row[48] = "";
    if (block->rows > 1)
        (void)snprintf(of_row, sizeof of_row, "row %lld: ", (long long)row);
    return urn__fail(error, URN_ERR_RUNTIME, s->where, s->name,
                     "give the site a proper prior, or look for data that are not finite or "
                     "contradict it",
                     "%sin sweep %lld the conditional (rule %s) is no distribution: found %g",
                     of_row, (long long)block->g->step,
                     block->rule != NULL ? block->rule->name : block->kind->name, condition);
}

/* ---- densities ---- */

static bool in_block(const urn__gibbs_block *block, int site)
{
    for (int k = 0; k < block->n_sites; k++)
        if (block->site[k] == site)
            return true;
    return false;
}

static bool links_to(const urn__gibbs_block *block, int child)
{
    const urn__gibbs_plan *plan = block->g->plan;
    for (int k = 0; k < block->n_sites; k++)
        for (int i = 0; i < plan->n_links[block->site[k]]; i++)
            if (plan->link[block->site[k]][i].site == child)
                return true;
    return false;
}

urn__id urn__gibbs_term(urn__nodes *nodes, int site)
{
    const urn__site *s = &nodes->m->site[site];
    if (s->part == URN__PART_FACTOR) {
        const urn__total_attr attr = {.factor = 1.0};
        return urn__emit(nodes->graph, &urn__op_total, 1, &nodes->site[site].value, &attr,
                         sizeof attr);
    }
    if (s->family == NULL || s->part == URN__PART_RECORD)
        return 0;
    return urn__nodes_density(nodes, site, false);
}

urn_status urn__block_want_density(urn__gibbs_block *block, urn_error *error)
{
    urn__nodes *nodes = block->g->nodes;
    const size_t n = nodes->m->n_sites;
    urn__id *term = urn__arena_alloc(block->arena, n + 1, sizeof *term);
    if (term == NULL)
        return urn__fail_memory(error, "a block", n);
    block->n_terms = 0;
    for (size_t i = 0; i < n; i++)
        if (in_block(block, (int)i) || links_to(block, (int)i)) {
            term[block->n_terms] = urn__gibbs_term(nodes, (int)i);
            block->n_terms += term[block->n_terms] != 0;
        }
    urn__evaluation_free(block->density);
    return urn__evaluation_new(nodes, block->n_terms, term, true, block->g->most_threads,
                               &block->density, error);
}

double urn__block_density(urn__gibbs_block *block)
{
    double sum = 0.0;
    urn__evaluation_run(block->density);
    for (int k = 0; k < block->n_terms; k++)
        sum += *urn__evaluation_root(block->density, k);
    return sum;
}
