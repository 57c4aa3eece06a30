/* An inverse_wishart prior of the covariance matrix of mvn children: df + n, and the scale matrix
 * plus the scatter around the children's locations. The accumulator is {df, that matrix}. */
#include "../../../runtime/family/positive_definite.h"
#include "scatter.h"

enum { DF, SCALE_TRIL };

static void add_mvn(const urn__child_call *c)
{
    c->acc[0] += (double)c->n;
    urn__add_scatter(c, true, NULL, c->acc + 1, NULL, NULL);
}

static const char *const priors[] = {"inverse_wishart", NULL};
static const urn__rule_child children[] = {
    {"mvn", "scale_tril", URN__FORM_CHOLESKY, 0.0, false, add_mvn}, {0}};

static int64_t accumulator(int64_t dim)
{
    return 1 + dim * dim;
}

static void prior_into(const urn__prior_call *c)
{
    c->acc[0] = c->param[0][DF][0];
    urn__gram(c->dim, c->param[0][SCALE_TRIL], true, c->acc + 1);
}

static bool draw(const double *acc, int64_t d, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition)
{
    double *l = scratch, *room = l + d * d;
    if (!urn__scatter_factor(d, acc + 1, l, condition))
        return false;
    *condition = acc[0];
    if (!(acc[0] > (double)(d - 1)))
        return false;
    const urn_draw_call one = {
        .n = 1, .dim = d, .event = d * d, .param = {acc, l}, .x = x[0], .scratch = room};
    urn_family_inverse_wishart()->draw(&one, 0, rng);
    return true;
}

static bool mode(const double *acc, int64_t d, double *const x[2], double *scratch)
{
    (void)scratch;
    for (int64_t e = 0; e < d * d; e++)
        x[0][e] = acc[1 + e] / (acc[0] + (double)(d + 1));
    return true;
}

static double log_density(const double *acc, int64_t d, const double *const x[2], double *scratch)
{
    double *l = scratch, *t = l + d * d, *inverse = t + d * d;
    const double log_det = urn__log_det(d, x[0], l);
    urn__scaled_inverse(d, 1.0, l, t, inverse);
    return -0.5 * (acc[0] + (double)(d + 1)) * log_det -
           0.5 * urn__trace_product(d, acc + 1, inverse);
}

const urn__rule urn__rule_inverse_wishart = {
    .name = "inverse_wishart",
    .summary = "inverse_wishart prior of the covariance matrix of mvn children",
    .priors = priors,
    .children = children,
    .accumulator = accumulator,
    .scratch = urn__scatter_scratch,
    .prior_into = prior_into,
    .draw = draw,
    .mode = mode,
    .log_density = log_density,
};
