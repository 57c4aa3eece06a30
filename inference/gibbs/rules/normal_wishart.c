/* (mu, Lam) at once: Lam ~ wishart, mu ~ mvn with precision c Lam, and mvn children with location
 * mu and precision k Lam. With deviations y = v - ref from any vector `ref` (the current mu, so
 * that nothing cancels) the joint conditional is |Lam|^((nu - d) / 2) exp(-tr(W^-1 Lam) / 2 - beta
 * / 2 (mu - m)^T Lam (mu - m)), nu = df + n,   beta = c + sum k,   m = ref + s / beta,   s = c (mu0
 * - ref) + sum k y, W^-1 = M - s s^T / beta,   M = W0^-1 + c (mu0 - ref) (mu0 - ref)^T + sum k y
 * y^T. A child whose location is not mu adds its scatter and 1 to nu alone. The block's sites are
 * Lam and mu; mu's own family is a child, for it has a location and a factor of Lam. The
 * accumulator is {nu, beta, ref, s, M}. */
#include "../../../runtime/family/positive_definite.h"
#include "../rules.h"
#include "scatter.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LAM, MU };        /* sites of the block */
enum { DF, SCALE_TRIL }; /* of wishart */
enum { LOC };            /* of mvn */
enum { NU, BETA, VECTORS };

static double *ref_of(double *acc)
{
    return acc + VECTORS;
}

static double *sum_of(double *acc, int64_t d)
{
    return acc + VECTORS + d;
}

static double *matrix_of(double *acc, int64_t d)
{
    return acc + VECTORS + 2 * d;
}

/* mu's own row: what the prior says of it. */
static void add_mu(const urn__child_call *c)
{
    const int64_t d = c->dim, row = urn__child_row(c, 0);
    const double k = urn__child_coefficient(c, row), *mu0 = c->param[LOC] + row * c->stride[LOC];
    const double *ref = c->x[MU];
    double *matrix = matrix_of(c->acc, d), *sum = sum_of(c->acc, d);
    c->acc[BETA] += k;
    for (int64_t i = 0; i < d; i++) {
        ref_of(c->acc)[i] += ref[i];
        sum[i] += k * (mu0[i] - ref[i]);
        for (int64_t j = 0; j < d; j++)
            matrix[i * d + j] += k * (mu0[i] - ref[i]) * (mu0[j] - ref[j]);
    }
}

static void add_both(const urn__child_call *c)
{
    c->acc[NU] += (double)c->n;
    urn__add_scatter(c, false, c->x[MU], matrix_of(c->acc, c->dim), sum_of(c->acc, c->dim),
                     c->acc + BETA);
}

static void add_lam(const urn__child_call *c)
{
    c->acc[NU] += (double)c->n;
    urn__add_scatter(c, false, NULL, matrix_of(c->acc, c->dim), NULL, NULL);
}

static const urn__rule_child of_mu = {"mvn", "precision_tril", URN__FORM_CHOLESKY, 0.0, false,
                                      add_mu};
static const urn__rule_child of_both = {"mvn", "precision_tril", URN__FORM_CHOLESKY, 0.0,
                                        false, add_both};
static const urn__rule_child of_lam = {"mvn", "precision_tril", URN__FORM_CHOLESKY, 0.0,
                                       false, add_lam};

/* ---- matching ---- */

static bool is_precision(const urn__nodes *nodes, const urn__link *link)
{
    const urn__site *s = &nodes->m->site[link->site];
    return s->family == urn_family_mvn() && strcmp(link->word, "precision_tril") == 0 &&
           link->form.kind == URN__FORM_CHOLESKY && link->form.reach != URN__REACH_SEVERAL;
}

/* The link of mu to a site; NULL: none. *n counts them. */
static const urn__link *link_to(const urn__gibbs_plan *plan, int from, int to, int *n)
{
    const urn__link *found = NULL;
    *n = 0;
    for (int i = 0; i < plan->n_links[from]; i++)
        if (plan->link[from][i].site == to) {
            found = &plan->link[from][i];
            (*n)++;
        }
    return found;
}

static bool is_location(const urn__link *link)
{
    return strcmp(link->word, "loc") == 0 && link->form.kind == URN__FORM_POWER &&
           link->form.power == 1.0 && link->form.coefficient == 0;
}

static bool same_plates(const urn__site *lam, const urn__site *mu)
{
    const urn__shape a = urn__shape_drop_event(&lam->shape, 2);
    const urn__shape b = urn__shape_drop_event(&mu->shape, 1);
    return urn__shape_equal(&a, &b);
}

/* A latent site whose precision is c Lam, row by row: the location there may be. */
static int find_mu(const urn__gibbs_plan *plan, int lam)
{
    const urn_model *m = plan->g->m;
    for (int i = 0; i < plan->n_links[lam]; i++) {
        const urn__link *link = &plan->link[lam][i];
        const urn__site *s = &m->site[link->site];
        if (s->part == URN__PART_COORDINATE && !plan->taken[link->site] && s->mask == 0 &&
            is_precision(plan->g->nodes, link) && same_plates(&m->site[lam], s) &&
            plan->n_links[link->site] > 0 && is_location(&plan->link[link->site][0]))
            return link->site;
    }
    return -1;
}

static bool add_child(urn__gibbs_block *b, int site, const urn__rule_child *line,
                      const urn__link *lam, const urn__link *mu)
{
    if (b->n_children == URN__BLOCK_CHILDREN)
        return false;
    urn__block_child *child = &b->child[b->n_children++];
    *child = (urn__block_child){.site = site, .rule = line};
    child->link[LAM] = *lam;
    if (mu != NULL)
        child->link[MU] = *mu;
    return true;
}

static bool take_link(const urn__gibbs_plan *plan, urn__gibbs_block *b, const urn__link *lam)
{
    int of_child, to_child;
    const int mu_site = b->site[MU];
    const urn__link *mu = link_to(plan, mu_site, lam->site, &of_child);
    (void)link_to(plan, b->site[LAM], lam->site, &to_child);
    if (!is_precision(plan->g->nodes, lam) || to_child != 1)
        return false;
    if (lam->site == mu_site)
        return of_child == 0 && add_child(b, mu_site, &of_mu, lam, NULL);
    if (of_child == 0)
        return add_child(b, lam->site, &of_lam, lam, NULL);
    return of_child == 1 && is_location(mu) && mu->form.reach == lam->form.reach &&
           mu->form.index == lam->form.index && add_child(b, lam->site, &of_both, lam, mu);
}

static bool refuse(const urn__gibbs_plan *plan, int site, const char *how, char *why, size_t size)
{
    (void)snprintf(why, size, "not with %s: %s", plan->g->m->site[site].name, how);
    return false;
}

static bool match(urn__gibbs_plan *plan, int site, urn__gibbs_block *b, char *why, size_t size)
{
    if (plan->g->m->site[site].family != urn_family_wishart())
        return false;
    const int mu = find_mu(plan, site);
    if (mu < 0)
        return false;
    b->n_sites = 2;
    b->site[LAM] = site;
    b->site[MU] = mu;
    for (int i = 0; i < plan->n_links[site]; i++)
        if (!take_link(plan, b, &plan->link[site][i]))
            return refuse(plan, mu, "the precision enters other than as a precision", why, size);
    for (int i = 0; i < plan->n_links[mu]; i++) {
        int n;
        if (link_to(plan, site, plan->link[mu][i].site, &n) == NULL)
            return refuse(plan, mu, "it enters a site without the precision", why, size);
    }
    return true;
}

/* ---- the conditional ---- */

static int64_t accumulator(int64_t d)
{
    return VECTORS + 2 * d + d * d;
}

static int64_t scratch(int64_t d)
{
    return urn__scatter_scratch(d) + d * d + d;
}

static void prior_into(const urn__prior_call *c)
{
    memset(c->acc, 0, (size_t)accumulator(c->dim) * sizeof *c->acc);
    c->acc[NU] = c->param[LAM][DF][0];
    urn__scaled_inverse(c->dim, 1.0, c->param[LAM][SCALE_TRIL], c->scratch,
                        matrix_of(c->acc, c->dim));
}

/* W^-1 */
static void centred(const double *acc, int64_t d, double *out)
{
    const double *s = acc + VECTORS + d, *matrix = s + d;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[i * d + j] = matrix[i * d + j] - s[i] * s[j] / acc[BETA];
}

/* With W^-1 = L L^T and Lam = (L^-T A) (L^-T A)^T, L A^-T z has covariance Lam^-1. */
static void draw_mu(const double *acc, int64_t d, const double *l, const double *a, double *z,
                    double *mu)
{
    const double *ref = acc + VECTORS, *s = ref + d, root = 1.0 / sqrt(acc[BETA]);
    urn__tri_solve(d, 1, a, true, z);
    for (int64_t i = 0; i < d; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j <= i; j++)
            sum += l[i * d + j] * z[j];
        mu[i] = ref[i] + s[i] / acc[BETA] + root * sum;
    }
}

static bool draw(const double *acc, int64_t d, urn_rng *rng, double *const x[2], double *room,
                 double *condition)
{
    double *l = room, *a = l + d * d, *t = a + d * d, *z = t + d * d;
    centred(acc, d, t);
    if (!urn__scatter_factor(d, t, l, condition))
        return false;
    *condition = acc[NU] > (double)(d - 1) ? acc[BETA] : acc[NU];
    if (!(acc[NU] > (double)(d - 1) && acc[BETA] > 0.0))
        return false;
    urn__draw_wishart(d, acc[NU], l, rng, a, t, x[LAM]);
    for (int64_t i = 0; i < d; i++)
        z[i] = urn_rng_normal(rng);
    draw_mu(acc, d, l, a, z, x[MU]);
    return true;
}

static bool mode(const double *acc, int64_t d, double *const x[2], double *room)
{
    const double *ref = acc + VECTORS, *s = ref + d;
    double *l = room, *t = l + d * d, condition;
    centred(acc, d, t);
    if (!(acc[NU] > (double)d) || !urn__scatter_factor(d, t, l, &condition))
        return false;
    urn__scaled_inverse(d, acc[NU] - (double)d, l, t, x[LAM]);
    for (int64_t i = 0; i < d; i++)
        x[MU][i] = ref[i] + s[i] / acc[BETA];
    return true;
}

static double log_density(const double *acc, int64_t d, const double *const x[2], double *room)
{
    const double *ref = acc + VECTORS, *s = ref + d, *lam = x[LAM];
    double square = 0.0, *l = room, *t = l + d * d;
    centred(acc, d, t);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            square += (x[MU][i] - ref[i] - s[i] / acc[BETA]) * lam[i * d + j] *
                      (x[MU][j] - ref[j] - s[j] / acc[BETA]);
    return 0.5 * (acc[NU] - (double)d) * urn__log_det(d, lam, l) -
           0.5 * urn__trace_product(d, t, lam) - 0.5 * acc[BETA] * square;
}

const urn__rule urn__rule_normal_wishart = {
    .name = "normal_wishart",
    .summary = "wishart prior of a precision matrix and mvn prior of the location of mvn children, "
               "with that matrix times a number as its precision: both at once",
    .accumulator = accumulator,
    .scratch = scratch,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
    .match = match,
};
