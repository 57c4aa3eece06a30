/* A wishart prior of the precision matrix of mvn children: df + n, and the inverse of the scale
 * matrix plus the scatter around the children's locations. The accumulator is {df, that matrix}. */
#include "../../../runtime/family/positive_definite.h"
#include "scatter.h"

enum { DF, SCALE_TRIL };

static void add_mvn(const urn__child_call *c)
{
    c->acc[0] += (double)c->n;
    urn__add_scatter(c, false, NULL, c->acc + 1, NULL, NULL);
}

static const char *const priors[] = {"wishart", NULL};
static const urn__rule_child children[] = {
    {"mvn", "precision_tril", URN__FORM_CHOLESKY, 0.0, false, add_mvn}, {0}};

static int64_t accumulator(int64_t dim)
{
    return 1 + dim * dim;
}

static void prior_into(const urn__prior_call *c)
{
    c->acc[0] = c->param[0][DF][0];
    urn__scaled_inverse(c->dim, 1.0, c->param[0][SCALE_TRIL], c->scratch, c->acc + 1);
}

static bool draw(const double *acc, int64_t d, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition)
{
    double *l = scratch, *a = l + d * d, *t = a + d * d;
    if (!urn__scatter_factor(d, acc + 1, l, condition))
        return false;
    *condition = acc[0];
    if (!(acc[0] > (double)(d - 1)))
        return false;
    urn__draw_wishart(d, acc[0], l, rng, a, t, x[0]);
    return true;
}

static bool mode(const double *acc, int64_t d, double *const x[2], double *scratch)
{
    double condition;
    if (!(acc[0] > (double)(d + 1)) || !urn__scatter_factor(d, acc + 1, scratch, &condition))
        return false;
    urn__scaled_inverse(d, acc[0] - (double)(d + 1), scratch, scratch + d * d, x[0]);
    return true;
}

static double log_density(const double *acc, int64_t d, const double *const x[2], double *scratch)
{
    return 0.5 * (acc[0] - (double)(d + 1)) * urn__log_det(d, x[0], scratch) -
           0.5 * urn__trace_product(d, acc + 1, x[0]);
}

const urn__rule urn__rule_wishart = {
    .name = "wishart",
    .summary = "wishart prior of the precision matrix of mvn children",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .scratch = urn__scatter_scratch,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
