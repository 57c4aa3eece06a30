/* The plan: which block updates which site, by a rule or by a fallback, and why. */
#include "gaussian.h"
#include "rules.h"
#include <stdio.h>
#include <string.h>

enum { WHY = 512 };

typedef struct planning {
    urn__gibbs_plan *plan;
    urn__gibbs *g;
    bool *pending;       /* by site: for the gradient block */
    char (*reason)[WHY]; /* by site: why no rule takes it */
} planning;

static bool is_latent(const urn__site *s)
{
    return s->role == URN_SITE_LATENT && s->part == URN__PART_COORDINATE;
}

/* ---- forms and links ---- */

static urn_status derive_all(urn__gibbs_plan *plan, urn_error *error)
{
    urn__gibbs *g = plan->g;
    const size_t n = g->m->n_sites;
    plan->form = urn__arena_alloc(g->arena, n + 1, sizeof(void *));
    plan->n_links = urn__arena_alloc(g->arena, n + 1, sizeof *plan->n_links);
    plan->link = urn__arena_alloc(g->arena, n + 1, sizeof(void *));
    plan->taken = urn__arena_alloc(g->arena, n + 1, sizeof *plan->taken);
    g->block = urn__arena_alloc(g->arena, n + 1, sizeof *g->block);
    if (urn__arena_failed(g->arena))
        return urn__fail_memory(error, "the plan of gibbs", n);
    for (size_t i = 0; i < n; i++) {
        if (!is_latent(&g->m->site[i]))
            continue;
        URN_TRY(urn__derive_forms(g->nodes, (int)i, &plan->form[i], error));
        URN_TRY(urn__links(g->nodes, plan->form[i], &plan->n_links[i], &plan->link[i], error));
    }
    return URN_OK;
}

/* ---- words ---- */

static void append(char *text, size_t size, const char *more)
{
    const size_t at = strlen(text);
    (void)snprintf(text + at, size - at, "%s", more);
}

static void describe_link(const urn__gibbs *g, const urn__link *link, char *text, size_t size)
{
    const urn__site *s = &g->m->site[link->site];
    const urn__form *form = strcmp(link->said, link->word) == 0 ? &link->form : &link->as_said;
    char how[96], reach[112], one[320];
    (void)snprintf(one, sizeof one, "%s%s.%s: %s, %s", text[0] == '\0' ? "" : "; ", s->name,
                   link->said, urn__form_text(form, how, sizeof how),
                   urn__reach_text(g->nodes, &link->form, reach, sizeof reach));
    append(text, size, one);
}

static const char *describe_rule(const urn__gibbs *g, urn__gibbs_block *b)
{
    char text[WHY] = "";
    for (int k = 0; k < b->n_sites; k++)
        for (int i = 0; i < g->plan->n_links[b->site[k]]; i++)
            describe_link(g, &g->plan->link[b->site[k]][i], text, sizeof text);
    return urn__block_say(b, "%s", text[0] == '\0' ? "enters nothing: drawn from its prior" : text);
}

/* ---- rules ---- */

static void begin_block(planning *p, urn__gibbs_block *b)
{
    memset(b, 0, sizeof *b);
    b->g = p->g;
    b->arena = p->g->arena;
}

static void size_block(urn__gibbs_block *b)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    b->rows = urn__site_family_rows(s);
    b->dim = s->dim;
    b->event = s->event;
}

static void take_block(planning *p, urn__gibbs_block *b)
{
    for (int k = 0; k < b->n_sites; k++)
        p->plan->taken[b->site[k]] = true;
    p->g->n_blocks++;
}

static void keep_reason(planning *p, int site, const urn__rule *rule, const char *why)
{
    char text[WHY];
    if (why == NULL || why[0] == '\0')
        return;
    (void)snprintf(text, sizeof text, "%srule %s: %.400s", p->reason[site][0] ? "; " : "",
                   rule->name, why);
    append(p->reason[site], WHY, text);
}

static urn_status try_rule(planning *p, const urn__rule *rule, int site, urn_error *error)
{
    urn__gibbs_block *b = &p->g->block[p->g->n_blocks];
    char why[WHY] = "";
    bool able = true;
    begin_block(p, b);
    if (!urn__rule_match(p->plan, rule, site, b, why, sizeof why)) {
        keep_reason(p, site, rule, why);
        return URN_OK;
    }
    size_block(b);
    b->why = NULL;
    URN_TRY(b->kind->prepare(b, &able, error));
    if (!able) {
        keep_reason(p, site, rule, b->why);
        return URN_OK;
    }
    b->why = describe_rule(p->g, b);
    take_block(p, b);
    return URN_OK;
}

static urn_status try_rules(planning *p, int site, urn_error *error)
{
    for (int i = 0; urn__rule_at(i) != NULL && !p->plan->taken[site]; i++)
        URN_TRY(try_rule(p, urn__rule_at(i), site, error));
    if (!p->plan->taken[site] && p->reason[site][0] == '\0')
        (void)snprintf(p->reason[site], WHY, "no rule for the family %s",
                       p->g->m->site[site].family->name);
    return URN_OK;
}

/* ---- fallbacks ---- */

static urn_status fall_back(planning *p, const char *name, int n, const int *sites,
                            const char *reason, urn_error *error)
{
    urn__gibbs_block *b = &p->g->block[p->g->n_blocks];
    bool able = true;
    begin_block(p, b);
    if (n > URN__BLOCK_SITES)
        return urn__fail(error, URN_ERR_MODEL, NULL, p->g->m->site[sites[0]].name,
                         "use engine nuts, or svi", "%d sites have no rule; gibbs takes %d", n,
                         URN__BLOCK_SITES);
    b->kind = urn__kind_find(name);
    b->n_sites = n;
    memcpy(b->site, sites, (size_t)n * sizeof *sites);
    size_block(b);
    b->why = urn__block_say(b, "%s", reason);
    if (b->kind == NULL)
        b->why = urn__block_say(b, "%s; %s blocks are not there", reason, name);
    else
        URN_TRY(b->kind->prepare(b, &able, error));
    if (!able)
        b->kind = NULL;
    take_block(p, b);
    return URN_OK;
}

static urn_status fall_back_one(planning *p, int site, urn_error *error)
{
    const urn__site *s = &p->g->m->site[site];
    if (s->support->discrete)
        return fall_back(p, "enumerate", 1, &site, p->reason[site], error);
    if (urn__shape_size(&s->shape) == 1)
        return fall_back(p, "slice", 1, &site, p->reason[site], error);
    p->pending[site] = true;
    return URN_OK;
}

static urn_status gradient_block(planning *p, urn_error *error)
{
    const urn_model *m = p->g->m;
    int *sites = urn__arena_alloc(p->g->arena, m->n_sites + 1, sizeof *sites), n = 0;
    char text[WHY] = "";
    if (sites == NULL)
        return urn__fail_memory(error, "the plan of gibbs", m->n_sites);
    for (size_t i = 0; i < m->n_sites; i++) {
        if (!p->pending[i])
            continue;
        sites[n++] = (int)i;
        if (n > 1)
            append(text, sizeof text, "; ");
        append(text, sizeof text, p->reason[i]);
    }
    return n == 0 ? URN_OK : fall_back(p, "gradient", n, sites, text, error);
}

/* ---- joint blocks ---- */

static void drop_block(urn__gibbs *g, int i)
{
    for (g->n_blocks--; i < g->n_blocks; i++)
        g->block[i] = g->block[i + 1];
}

static urn_status join_blocks(urn__gibbs *g, urn_error *error)
{
    for (int i = 0; i < g->n_blocks; i++)
        for (int j = i + 1; j < g->n_blocks; j++) {
            bool joined;
            URN_TRY(urn__gauss_join(&g->block[i], &g->block[j], &joined, error));
            if (joined)
                drop_block(g, j--);
        }
    return URN_OK;
}

/* ---- the plan ---- */

static urn_status plan_sites(planning *p, urn_error *error)
{
    const urn_model *m = p->g->m;
    for (size_t i = 0; i < m->n_sites; i++) {
        if (!is_latent(&m->site[i]) || p->plan->taken[i])
            continue;
        URN_TRY(try_rules(p, (int)i, error));
        if (!p->plan->taken[i])
            URN_TRY(fall_back_one(p, (int)i, error));
    }
    URN_TRY(gradient_block(p, error));
    return join_blocks(p->g, error);
}

urn_status urn__gibbs_derive(urn__gibbs *g, urn_error *error)
{
    planning p = {.g = g};
    p.plan = g->plan = urn__arena_alloc(g->arena, 1, sizeof *g->plan);
    p.pending = urn__arena_alloc(g->arena, g->m->n_sites + 1, sizeof *p.pending);
    p.reason = urn__arena_alloc(g->arena, g->m->n_sites + 1, sizeof *p.reason);
    if (urn__arena_failed(g->arena))
        return urn__fail_memory(error, "the plan of gibbs", g->m->n_sites);
    p.plan->g = g;
    URN_TRY(derive_all(p.plan, error));
    return plan_sites(&p, error);
}
