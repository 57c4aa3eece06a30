/* Which rule takes a site: its prior's family and all its links, against the lines of the rules. */
#include "rules.h"
#include <stdio.h>
#include <string.h>

static const urn__rule *const rules[] = {
#define URN_RULE(name) &urn__rule_##name,
#include "rules.def"
#undef URN_RULE
    NULL};

typedef struct named_kind {
    const char *name;
    const urn__block_kind *kind;
} named_kind;

static const named_kind kinds[] = {
#define URN_KIND(name) {#name, &urn__kind_##name},
#include "kinds.def"
#undef URN_KIND
    {NULL, NULL}};

const urn__rule *urn__rule_at(int i)
{
    return i >= 0 && (size_t)i < sizeof rules / sizeof rules[0] ? rules[i] : NULL;
}

const urn__block_kind *urn__kind_find(const char *name)
{
    for (const named_kind *k = kinds; k->name != NULL; k++)
        if (strcmp(k->name, name) == 0)
            return k->kind;
    return NULL;
}

/* ---- words ---- */

const char *urn__form_text(const urn__form *form, char *text, size_t size)
{
    switch (form->kind) {
    case URN__FORM_FREE:
        (void)snprintf(text, size, "not there");
        break;
    case URN__FORM_POWER:
        if (form->power == 1.0)
            (void)snprintf(text, size, form->coefficient == 0 ? "itself" : "scaled");
        else if (form->power == 0.5)
            (void)snprintf(text, size, "its square root");
        else if (form->power == -1.0)
            (void)snprintf(text, size, "its reciprocal");
        else if (form->power == -0.5)
            (void)snprintf(text, size, "one over its square root");
        else
            (void)snprintf(text, size, "its power %g", form->power);
        break;
    case URN__FORM_AFFINE:
        (void)snprintf(text, size, "affine");
        break;
    case URN__FORM_CHOLESKY:
        (void)snprintf(text, size, "its Cholesky factor");
        break;
    case URN__FORM_OTHER:
        (void)snprintf(text, size, "%s", form->why != NULL ? form->why : "in another way");
        break;
    }
    return text;
}

const char *urn__reach_text(const urn__nodes *nodes, const urn__form *form, char *text, size_t size)
{
    text[0] = '\0';
    if (form->reach == URN__REACH_INDEX) {
        const urn__index_attr *a = urn__graph_node(nodes->graph, form->index)->attr;
        (void)snprintf(text, size, "rows by index of %s",
                       urn__graph_plate_name(nodes->graph, a->target_plate));
    } else if (form->reach == URN__REACH_OWN) {
        (void)snprintf(text, size, "row by row");
    } else if (form->reach == URN__REACH_SHARED) {
        (void)snprintf(text, size, "all rows");
    } else if (form->reach == URN__REACH_SEVERAL) {
        (void)snprintf(text, size, "%s", form->why != NULL ? form->why : "several rows");
    }
    return text;
}

/* ---- matching ---- */

static bool forms_agree(const urn__rule_child *line, const urn__form *form)
{
    if (line->form == URN__FORM_AFFINE)
        return form->kind == URN__FORM_AFFINE ||
               (form->kind == URN__FORM_POWER && form->power == 1.0);
    if (line->form != form->kind)
        return false;
    if (line->form == URN__FORM_POWER && line->power != 0.0 && form->power != line->power)
        return false;
    return !line->only_identity || form->coefficient == 0;
}

/* The line that takes the link; *said: by the word the model said. */
static const urn__rule_child *find_line(const urn__rule *rule, const char *family,
                                        const urn__link *link, bool *said)
{
    for (const urn__rule_child *line = rule->children; line != NULL && line->family != NULL;
         line++) {
        if (strcmp(line->family, family) != 0)
            continue;
        *said = strcmp(line->word, link->word) != 0;
        if (!*said && forms_agree(line, &link->form))
            return line;
        if (strcmp(line->word, link->said) == 0 && forms_agree(line, &link->as_said)) {
            *said = true;
            return line;
        }
    }
    return NULL;
}

bool urn__rule_takes_prior(const urn__rule *rule, const urn_family *family)
{
    for (const char *const *name = rule->priors; name != NULL && *name != NULL; name++)
        if (strcmp(*name, family->name) == 0)
            return true;
    return false;
}

static bool refuse_link(const urn__nodes *nodes, const urn__link *link, char *why, size_t size)
{
    const urn__site *s = &nodes->m->site[link->site];
    char form[96];
    (void)snprintf(
        why, size, "%s %s.%s: %s", s->family != NULL ? s->family->name : "a factor,", s->name,
        link->said,
        urn__form_text(strcmp(link->said, link->word) == 0 ? &link->form : &link->as_said, form,
                       sizeof form));
    return false;
}

/* Rules by accumulators: rows of x meet rows of children one to many, through one word each. */
static bool add_rows_child(urn__gibbs_block *block, const urn__link *link,
                           const urn__rule_child *line, bool said, char *why, size_t size)
{
    const urn__nodes *nodes = block->g->nodes;
    const urn__form *form = said ? &link->as_said : &link->form;
    for (int i = 0; i < block->n_children; i++)
        if (block->child[i].site == link->site) {
            (void)snprintf(why, size, "enters %s by %s and by %s", nodes->m->site[link->site].name,
                           block->child[i].link[0].said, link->said);
            return false;
        }
    if (form->reach == URN__REACH_SEVERAL) {
        (void)snprintf(why, size, "enters %s by several rows: %s", nodes->m->site[link->site].name,
                       form->why);
        return false;
    }
    if (block->n_children == URN__BLOCK_CHILDREN) {
        (void)snprintf(why, size, "more than %d children", URN__BLOCK_CHILDREN);
        return false;
    }
    urn__block_child *child = &block->child[block->n_children++];
    *child = (urn__block_child){.site = link->site, .rule = line};
    child->link[0] = *link;
    child->link[0].form = *form;
    return true;
}

static bool add_any_child(urn__gibbs_block *block, const urn__link *link, char *why, size_t size)
{
    for (int i = 0; i < block->n_children; i++)
        if (block->child[i].site == link->site)
            return true; /* its kind looks at all links of a child */
    if (block->n_children == URN__BLOCK_CHILDREN) {
        (void)snprintf(why, size, "more than %d children", URN__BLOCK_CHILDREN);
        return false;
    }
    urn__block_child *child = &block->child[block->n_children++];
    *child = (urn__block_child){.site = link->site};
    child->link[0] = *link;
    return true;
}

static bool match_site(urn__gibbs_plan *plan, int site, urn__gibbs_block *block, char *why,
                       size_t size)
{
    const urn__nodes *nodes = plan->g->nodes;
    const urn__rule *rule = block->rule;
    if (!urn__rule_takes_prior(rule, nodes->m->site[site].family))
        return false;
    block->n_sites = 1;
    block->site[0] = site;
    for (int i = 0; i < plan->n_links[site]; i++) {
        const urn__link *link = &plan->link[site][i];
        const urn_family *family = nodes->m->site[link->site].family;
        bool said = false;
        const urn__rule_child *line = family == NULL || link->param == URN__LINK_MASK
                                          ? NULL
                                          : find_line(rule, family->name, link, &said);
        if (line == NULL)
            return refuse_link(nodes, link, why, size);
        const bool by_rows = block->kind == &urn__kind_rows || block->kind == &urn__kind_row_steps;
        if (by_rows ? !add_rows_child(block, link, line, said, why, size)
                    : !add_any_child(block, link, why, size))
            return false;
    }
    return true;
}

bool urn__rule_match(urn__gibbs_plan *plan, const urn__rule *rule, int site,
                     urn__gibbs_block *block, char *why, size_t size)
{
    block->rule = rule;
    block->kind = rule->kind != NULL ? rule->kind : &urn__kind_rows;
    block->n_sites = block->n_children = block->n_want = 0;
    why[0] = '\0';
    return rule->match != NULL ? rule->match(plan, site, block, why, size)
                               : match_site(plan, site, block, why, size);
}
