/* Gaussian blocks as one: sites over the same rows that enter the same normal rows, such as a
 * user's factors and bias. Together they are drawn (or set to their mode) row by row at once, which
 * mixes better than one after the other. */
#include "gaussian.h"
#include <string.h>

/* Doubles of precisions that a joined block may hold where rows have their own. */
#define MOST_PRECISIONS ((int64_t)1 << 24)

/* ---- may they be joined? ---- */

static bool plain(const urn__gibbs_block *b)
{
    const urn__gauss_block *own = b->own;
    if (b->kind != &urn__kind_gaussian || b->sequential || own->elements || own->n_children == 0)
        return false;
    for (int i = 0; i < own->n_children; i++)
        if (own->child[i].way != URN__GAUSS_TERM || own->child[i].n_products != 1)
            return false;
    return true;
}

static bool same_rows(const urn__gibbs_block *a, const urn__gibbs_block *b)
{
    const urn__shape *x = &a->g->m->site[a->site[0]].shape;
    const urn__shape *y = &b->g->m->site[b->site[0]].shape;
    return x->n_plates > 0 && urn__shape_same_plates(x, y) && urn__shape_rows(x) == a->rows &&
           a->rows == b->rows;
}

static const urn__gauss_child *child_of(const urn__gauss_block *own, int site)
{
    for (int i = 0; i < own->n_children; i++)
        if (own->child[i].site == site)
            return &own->child[i];
    return NULL;
}

static bool same_children(const urn__gibbs_block *a, const urn__gibbs_block *b)
{
    const urn__gauss_block *x = a->own, *y = b->own;
    if (x->n_children != y->n_children)
        return false;
    for (int i = 0; i < x->n_children; i++) {
        const urn__gauss_child *c = &x->child[i], *d = child_of(y, c->site);
        if (d == NULL || c->sum.term[0].index != d->sum.term[0].index ||
            c->product[0].index != d->product[0].index)
            return false;
    }
    return true;
}

static bool is_free(const urn__form *forms, urn__id id)
{
    return id == 0 || forms[id].kind == URN__FORM_FREE;
}

/* Neither is in what the other is multiplied with: their product would not be Gaussian. */
static bool not_bilinear(const urn__gauss_block *own, const urn__form *other)
{
    for (int i = 0; i < own->n_children; i++)
        if (!is_free(other, own->child[i].sum.term[0].coefficient) ||
            !is_free(other, own->child[i].sum.term[0].gain))
            return false;
    return true;
}

/* ---- joining ---- */

/* A block with the prior of site `from->site[0]` and nothing else. */
static urn__gibbs_block *new_partner(const urn__gibbs_block *from)
{
    urn__gibbs_block *p = urn__arena_alloc(from->arena, 1, sizeof *p);
    urn__gauss_block *own = urn__arena_alloc(from->arena, 1, sizeof *own);
    const urn__gauss_block *old = from->own;
    bool able;
    if (p == NULL || own == NULL)
        return NULL;
    *p = (urn__gibbs_block){.g = from->g,
                            .arena = from->arena,
                            .rule = from->rule,
                            .kind = from->kind,
                            .n_sites = 1,
                            .site = {from->site[0]},
                            .rows = from->rows,
                            .own = own};
    own->rows = old->rows;
    own->d = old->d;
    own->per_row = old->per_row;
    urn__gauss_plan_prior(p, &able);
    return able ? p : NULL;
}

/* What is left of each target without the products of the new site. */
static bool new_targets(urn__gibbs_block *a, int site, const urn__form *forms, urn__id *target)
{
    const urn__gauss_block *own = a->own;
    urn__nodes *nodes = a->g->nodes;
    for (int i = 0; i < own->n_children; i++) {
        const urn__gauss_child *c = &own->child[i];
        const urn__id now = a->want[c->target];
        const urn__node n = *urn__graph_node(nodes->graph, now);
        const urn__affine rest =
            urn__take_apart(nodes, site, forms, n.op == &urn__op_broadcast ? n.in[0] : now);
        if (!rest.known)
            return false;
        target[i] = rest.rest != 0 ? rest.rest : urn__number(nodes->graph, 0.0);
        target[i] = urn__broadcast(nodes->graph, target[i], &nodes->m->site[c->site].shape);
    }
    return true;
}

static bool shared_or_small(const urn__gibbs_block *a, const urn__gauss_block *y)
{
    const urn__gauss_block *x = a->own;
    int64_t d = x->d + y->d;
    for (int p = 0; p < x->n_partners; p++)
        d += ((const urn__gauss_block *)x->partner[p]->own)->d;
    return a->rows * d * d <= MOST_PRECISIONS ||
           (x->loc_stride + x->scale_stride + x->tril_stride + y->loc_stride + y->scale_stride +
                y->tril_stride ==
            0);
}

static void take_products(urn__gibbs_block *a, const urn__gibbs_block *b, const urn__id *target)
{
    urn__gauss_block *own = a->own;
    const int p = own->n_partners;
    for (int i = 0; i < own->n_children; i++) {
        urn__gauss_child *c = &own->child[i];
        const urn__gauss_child *d = child_of(b->own, c->site);
        a->want[c->target] = target[i];
        c->target_fixed = urn__graph_node(a->g->nodes->graph, target[i])->constant;
        c->partner[p] = d->product[0];
        if (d->product[0].want >= 0)
            c->partner[p].want = urn__block_want(a, b->want[d->product[0].want]);
    }
}

urn_status urn__gauss_join(urn__gibbs_block *a, const urn__gibbs_block *b, bool *joined,
                           urn_error *error)
{
    urn__gauss_block *own = a->own;
    urn__nodes *nodes = a->g->nodes;
    urn__form *of_a, *of_b;
    urn__id target[URN__BLOCK_CHILDREN];
    *joined = false;
    if (!plain(a) || !plain(b) || !same_rows(a, b) || !same_children(a, b) ||
        own->n_partners == URN__GAUSS_PARTS - 1 || !shared_or_small(a, b->own))
        return URN_OK;
    for (int i = 0; i < own->n_children; i++) /* gauss_rows has one gain for all parts of a term */
        if (own->child[i].product[0].gain >= 0 ||
            child_of(b->own, own->child[i].site)->product[0].gain >= 0)
            return URN_OK;
    URN_TRY(urn__derive_forms(nodes, b->site[0], &of_b, error));
    for (int k = 0; k < a->n_sites; k++) {
        URN_TRY(urn__derive_forms(nodes, a->site[k], &of_a, error));
        if (!not_bilinear(b->own, of_a))
            return URN_OK;
    }
    if (!not_bilinear(own, of_b) || !new_targets(a, b->site[0], of_b, target))
        return URN_OK;
    urn__gibbs_block *partner = new_partner(b);
    if (urn__arena_failed(a->arena))
        return urn__fail_memory(error, "a block", sizeof *partner);
    if (partner == NULL)
        return URN_OK;
    take_products(a, b, target);
    own->partner[own->n_partners++] = partner;
    a->site[a->n_sites++] = b->site[0];
    a->why = urn__block_say(a, "%s; with %s: %s", a->why, nodes->m->site[b->site[0]].name, b->why);
    *joined = a->n_want < URN__BLOCK_WANTS;
    return *joined ? URN_OK
                   : urn__fail(error, URN_ERR_MODEL, NULL, nodes->m->site[a->site[0]].name,
                               "use nuts or svi", "it enters too many sites");
}

/* ---- one prior for all parts ---- */

static int64_t total_of(const urn__gauss_block *own)
{
    int64_t d = own->d;
    for (int p = 0; p < own->n_partners; p++)
        d += ((const urn__gauss_block *)own->partner[p]->own)->d;
    return d;
}

urn_status urn__gauss_open_joined(urn__gibbs_block *b, urn_error *error)
{
    urn__gauss_block *own = b->own;
    bool each = own->precision_stride > 0 || own->shift_stride > 0;
    own->total = total_of(own);
    if (own->n_partners == 0)
        return URN_OK;
    for (int p = 0; p < own->n_partners; p++) {
        urn__gibbs_block *partner = own->partner[p];
        const urn__gauss_block *part = partner->own;
        URN_TRY(urn__evaluation_new(b->g->nodes, partner->n_want, partner->want, true,
                                    b->g->most_threads, &partner->evaluation, error));
        urn__gibbs_bind(b->g, partner->evaluation);
        URN_TRY(urn__gauss_open_prior(partner, error));
        each = each || part->precision_stride > 0 || part->shift_stride > 0;
    }
    const size_t rows = each ? (size_t)own->rows : 1, d = (size_t)own->total;
    own->joined_precision = urn__arena_alloc(b->arena, rows * d * d, sizeof(double));
    own->joined_shift = urn__arena_alloc(b->arena, rows * d, sizeof(double));
    own->work = urn__arena_alloc(b->arena, (size_t)b->g->most_threads * 2 * d * d, sizeof(double));
    own->probe = urn__arena_alloc(b->arena, 2 * d, sizeof(double));
    own->joined_each = each;
    return urn__arena_failed(b->arena)
               ? urn__fail_memory(error, "the priors of rows", rows * d * d * sizeof(double))
               : URN_OK;
}

static void place_part(const urn__gauss_block *part, int64_t row, int64_t at, int64_t total,
                       double *precision, double *shift)
{
    const double *p = part->precision + row * part->precision_stride;
    const double *h = part->shift + row * part->shift_stride;
    for (int64_t i = 0; i < part->d; i++) {
        shift[at + i] = h[i];
        if (part->diagonal)
            precision[(at + i) * total + at + i] = p[i];
        for (int64_t k = 0; !part->diagonal && k < part->d; k++)
            precision[(at + i) * total + at + k] = p[i * part->d + k];
    }
}

void urn__gauss_join_priors(urn__gibbs_block *b)
{
    urn__gauss_block *own = b->own;
    const int64_t total = own->total, rows = own->joined_each ? own->rows : 1;
    if (own->n_partners == 0)
        return;
    for (int p = 0; p < own->n_partners; p++) {
        urn__block_evaluate(own->partner[p]);
        urn__gauss_prior_now(own->partner[p]);
    }
    memset(own->joined_precision, 0, (size_t)(rows * total * total) * sizeof(double));
    for (int64_t row = 0; row < rows; row++) {
        double *precision = own->joined_precision + row * total * total;
        double *shift = own->joined_shift + row * total;
        int64_t at = own->d;
        place_part(own, row, 0, total, precision, shift);
        for (int p = 0; p < own->n_partners; p++) {
            const urn__gauss_block *part = own->partner[p]->own;
            place_part(part, row, at, total, precision, shift);
            at += part->d;
        }
    }
}
