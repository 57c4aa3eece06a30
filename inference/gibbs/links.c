/* Links: where a site enters others. And which rows of it rows of a child belong to. */
#include "gibbs.h"
#include <string.h>

/* ---- links ---- */

typedef struct linking {
    urn__nodes *nodes;
    const urn__form *forms;
    urn__link *link; /* NULL while counting */
    int n;
} linking;

static void add(linking *l, int site, int param, const char *word, const char *said, urn__id id,
                urn__id as_said)
{
    const urn__form *form = &l->forms[id];
    if (id == 0 || form->kind == URN__FORM_FREE)
        return;
    if (l->link != NULL)
        l->link[l->n] = (urn__link){.site = site,
                                    .param = param,
                                    .word = word,
                                    .said = said,
                                    .form = *form,
                                    .as_said = l->forms[as_said]};
    l->n++;
}

static void add_site(linking *l, int site)
{
    const urn__site *s = &l->nodes->m->site[site];
    const urn__node_site *at = &l->nodes->site[site];
    if (s->part == URN__PART_RECORD)
        return;
    if (s->part == URN__PART_FACTOR) {
        add(l, site, URN__LINK_VALUE, "factor", "factor", at->value, at->value);
        return;
    }
    if (s->part == URN__PART_OBSERVED)
        add(l, site, URN__LINK_VALUE, "value", "value", at->value, at->value);
    for (int k = 0; k < s->n_given; k++)
        add(l, site, k, s->family->params[s->given[k]].word, s->word[k].word, at->param[k],
            at->word[k]);
    add(l, site, URN__LINK_MASK, "mask", "mask", at->mask, at->mask);
}

static void add_all(linking *l)
{
    l->n = 0;
    for (size_t i = 0; i < l->nodes->m->n_sites; i++)
        add_site(l, (int)i);
}

urn_status urn__links(urn__nodes *nodes, const urn__form *forms, int *n, urn__link **links,
                      urn_error *error)
{
    linking l = {.nodes = nodes, .forms = forms};
    add_all(&l);
    *n = l.n;
    *links = l.link = urn__arena_alloc(nodes->arena, (size_t)l.n + 1, sizeof *l.link);
    if (l.link == NULL)
        return urn__fail_memory(error, "the links of a site", (size_t)l.n);
    add_all(&l);
    return URN_OK;
}

/* ---- rows ---- */

typedef struct grid {
    urn__shape x, child;         /* without the events of their families */
    int plate_at[URN__MAX_DIMS]; /* dim of the child's grid for each plate of x */
    const int32_t *row;          /* REACH_INDEX: the column; x then has that one plate */
} grid;

static int find_plate(const urn__shape *s, int32_t plate)
{
    for (int i = 0; i < s->n_plates; i++)
        if (s->plate[i] == plate)
            return i;
    return -1;
}

static bool find_plates(const urn__nodes *nodes, const urn__form *form, grid *g)
{
    if (form->reach == URN__REACH_INDEX) {
        const urn__index_attr *a = urn__graph_node(nodes->graph, form->index)->attr;
        g->plate_at[0] = find_plate(&g->child, a->rows_plate);
        g->row = a->index->row;
        return g->x.n_plates == 1 && g->plate_at[0] >= 0;
    }
    bool found = form->reach == URN__REACH_OWN || form->reach == URN__REACH_SHARED;
    for (int i = 0; i < g->x.n_plates; i++) {
        g->plate_at[i] = find_plate(&g->child, g->x.plate[i]);
        found = found && g->plate_at[i] >= 0;
    }
    return found;
}

/* Row of x behind a row of the child. */
static int64_t row_of(const grid *g, int64_t child)
{
    int64_t at[URN__MAX_DIMS];
    const int n = g->child.n_plates + g->child.n_event;
    for (int i = n - 1; i >= 0; i--) {
        at[i] = child % g->child.dim[i];
        child /= g->child.dim[i];
    }
    int64_t row = 0;
    for (int i = 0; i < g->x.n_plates; i++) {
        const int64_t p = at[g->plate_at[i]];
        row = row * g->x.dim[i] + (g->row != NULL ? g->row[p] : p);
    }
    for (int i = 0; i < g->x.n_event; i++) {
        const int64_t dim = g->x.dim[g->x.n_plates + i];
        const int back = g->x.n_event - i;
        row = row * dim + (dim == 1 ? 0 : at[n - back]);
    }
    return row;
}

/* The event dims of x before those of its family are matched with the child's from the right. */
static bool leads_fit(const grid *g)
{
    if (g->x.n_event > g->child.n_event)
        return false;
    for (int i = 1; i <= g->x.n_event; i++) {
        const int64_t dim = g->x.dim[g->x.n_plates + g->x.n_event - i];
        if (dim != 1 && dim != g->child.dim[g->child.n_plates + g->child.n_event - i])
            return false;
    }
    return true;
}

/* An index column as it is serves children with its very rows. */
static bool is_column(const grid *g)
{
    return g->row != NULL && g->child.n_plates == 1 && g->child.n_event == 0 && g->x.n_event == 0;
}

static bool by_place(const grid *g, int64_t n, int64_t rows)
{
    const int64_t per = rows == 0 ? 0 : n / rows;
    if (rows <= 1)
        return true;
    if (n % rows != 0 || g->row != NULL)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (row_of(g, i) != i / per)
            return false;
    return true;
}

static void free_index(void *index)
{
    urn__index_free(index);
}

static urn_status make_index(const grid *g, urn__arena *arena, int64_t n, int64_t rows,
                             urn__index **index, urn_error *error)
{
    int32_t *row = urn__arena_alloc(arena, (size_t)n + 1, sizeof *row);
    for (int64_t i = 0; row != NULL && i < n; i++)
        row[i] = (int32_t)row_of(g, i);
    *index = row == NULL ? NULL : urn__index_new(urn__arena_allocator(arena), n, rows, row);
    if (*index == NULL || !urn__arena_keep(arena, *index, free_index) || !urn__index_need(*index))
        return urn__fail_memory(error, "an index of rows", (size_t)n);
    return URN_OK;
}

urn_status urn__reach_rows(urn__nodes *nodes, int site, int x_rank, int child, int child_rank,
                           const urn__form *form, urn__arena *arena, urn__index **index, bool *fits,
                           urn_error *error)
{
    const urn_model *m = nodes->m;
    grid g = {.x = urn__shape_drop_event(&m->site[site].shape, x_rank),
              .child = urn__shape_drop_event(&m->site[child].shape, child_rank)};
    const int64_t n = urn__shape_size(&g.child), rows = urn__shape_size(&g.x);
    *index = NULL;
    *fits = find_plates(nodes, form, &g) && leads_fit(&g) && n <= INT32_MAX && rows <= INT32_MAX;
    if (!*fits || by_place(&g, n, rows))
        return URN_OK;
    if (!is_column(&g))
        return make_index(&g, arena, n, rows, index, error);
    const urn__index_attr *a = urn__graph_node(nodes->graph, form->index)->attr;
    *index = a->index;
    return urn__index_need(a->index) ? URN_OK
                                     : urn__fail_memory(error, "an index of rows", (size_t)n);
}
