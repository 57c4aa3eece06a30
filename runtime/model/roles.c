/* Parts that sites play, read off the trace (see roles.h). */
#include "roles.h"

#include "trace.h"

#include <string.h>

static const char *const spread_words[] = {"scale",      "variance",   "precision",
                                           "covariance", "scale_tril", "precision_tril"};

/* The site whose value a node is, latent ones first; -1: none. */
static int site_of(const urn_model *m, urn__id id)
{
    int found = -1;
    for (size_t i = 0; i < m->n_sites; i++) {
        const urn__site *s = &m->site[i];
        const bool named =
            s->role == URN_SITE_LATENT || s->role == URN_SITE_RECORDED || s->role == URN_SITE_PARAM;
        if (named && s->value == id && (found < 0 || s->role == URN_SITE_LATENT))
            found = (int)i;
    }
    return found;
}

/* The site gathered by an input of a product, or -1. */
static int gathered(const urn_model *m, urn__id id)
{
    const urn__node *n = urn__graph_node(m->graph, id);
    return n->op == &urn__op_gather ? site_of(m, n->in[0]) : -1;
}

static bool product_at(const urn_model *m, urn__id id, int *a, int *b)
{
    const urn__node *n = urn__graph_node(m->graph, id);
    if (n->op != &urn__op_row_dot)
        return false;
    *a = gathered(m, n->in[0]);
    *b = gathered(m, n->in[1]);
    return *a >= 0 && *b >= 0;
}

/* Did an earlier node pair the same sites? */
static bool seen_before(const urn_model *m, urn__id id, int a, int b)
{
    int c, d;
    for (urn__id other = 1; other < id; other++)
        if (product_at(m, other, &c, &d) && ((a == c && b == d) || (a == d && b == c)))
            return true;
    return false;
}

bool urn__model_factors(const urn_model *m, int k, int *a, int *b)
{
    const uint32_t count = urn__graph_count(m->graph);
    for (urn__id id = 1; id <= count; id++)
        if (product_at(m, id, a, b) && !seen_before(m, id, *a, *b) && k-- == 0)
            return true;
    return false;
}

/* ---- what something is made of ---- */

typedef struct search {
    const urn_model *m;
    bool *needed; /* by node */
} search;

static void begin(const search *s)
{
    memset(s->needed, 0, ((size_t)urn__graph_count(s->m->graph) + 1) * sizeof *s->needed);
}

/* Marks all that the marked nodes are computed from. Sites are leaves. */
static void complete(const search *s)
{
    for (urn__id id = urn__graph_count(s->m->graph); id >= 1; id--) {
        const urn__node *n = urn__graph_node(s->m->graph, id);
        for (int k = 0; s->needed[id] && k < n->n_in; k++)
            s->needed[n->in[k]] = true;
    }
}

static bool is_latent(const urn__site *s)
{
    return s->role == URN_SITE_LATENT || s->role == URN_SITE_PARAM;
}

/* Sites with an event above site `number`: its parameters, or what its value is computed from. */
static bool mark_axes(const search *s, size_t number, unsigned *roles)
{
    const urn__site *site = &s->m->site[number];
    bool changed = false;
    begin(s);
    for (int k = 0; k < site->n_given; k++)
        s->needed[site->param[k]] = true;
    if (site->role == URN_SITE_RECORDED)
        s->needed[site->value] = true;
    complete(s);
    for (size_t i = 0; i < s->m->n_sites; i++) {
        const urn__site *other = &s->m->site[i];
        const bool axes = is_latent(other) && s->needed[other->value] && i != number &&
                          urn__shape_event(&other->shape) > 1 && roles[i] == 0;
        if (axes)
            roles[i] |= URN__ROLE_AXES;
        changed = changed || axes;
    }
    return changed;
}

static void mark_noise(const search *s, const urn__site *observed, unsigned *roles)
{
    begin(s);
    for (int k = 0; k < observed->n_given; k++)
        for (size_t w = 0; w < sizeof spread_words / sizeof *spread_words; w++)
            if (strcmp(observed->word[k].word, spread_words[w]) == 0)
                s->needed[observed->word[k].id] = true;
    complete(s);
    for (size_t i = 0; i < s->m->n_sites; i++) {
        const urn__site *other = &s->m->site[i];
        if (is_latent(other) && s->needed[other->value] && urn__shape_size(&other->shape) == 1)
            roles[i] |= URN__ROLE_NOISE;
    }
}

urn_status urn__model_roles(const urn_model *m, unsigned *roles, urn_error *error)
{
    const size_t nodes = (size_t)urn__graph_count(m->graph) + 1;
    const search s = {.m = m, .needed = urn__calloc(m->allocator, nodes, sizeof *s.needed)};
    if (s.needed == NULL)
        return urn__fail_memory(error, "the parts of sites", nodes);
    memset(roles, 0, m->n_sites * sizeof *roles);
    int a, b;
    for (int k = 0; urn__model_factors(m, k, &a, &b); k++) {
        roles[a] |= URN__ROLE_FACTOR;
        roles[b] |= URN__ROLE_FACTOR;
    }
    for (bool changed = true; changed;) { /* axes may have axes of their own */
        changed = false;
        for (size_t i = 0; i < m->n_sites; i++)
            if (roles[i] & (URN__ROLE_FACTOR | URN__ROLE_AXES))
                changed = mark_axes(&s, i, roles) || changed;
    }
    for (size_t i = 0; i < m->n_sites; i++)
        if (m->site[i].role == URN_SITE_OBSERVED)
            mark_noise(&s, &m->site[i], roles);
    urn__free(m->allocator, s.needed);
    return URN_OK;
}
