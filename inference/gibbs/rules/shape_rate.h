/* What the rules gamma and inverse_gamma share. Their accumulator is {shape, rate}, of a density ~
 * x^(shape - 1) exp(-rate x), or ~ x^(-shape - 1) exp(-rate / x); what a child says about x or
 * about 1 / x adds the same two numbers to it. Other rules over a positive number may use these
 * functions, too: a child's part of the log density is n log t - s t + constant, with t = x or 1 /
 * x and {n, s} what it adds. */
#ifndef URN_INFERENCE_GIBBS_SHAPE_RATE_H
#define URN_INFERENCE_GIBBS_SHAPE_RATE_H

#include "../gibbs.h"

enum { URN__SHAPE, URN__RATE }; /* of the accumulator */

int64_t urn__shape_rate_accumulator(int64_t dim);
int64_t urn__shape_rate_scratch(int64_t dim);
/* Draws from `family`, gamma or inverse_gamma, as a rule's `draw`. */
bool urn__shape_rate_draw(const urn_family *family, const double *acc, urn_rng *rng, double *x,
                          double *condition);

void urn__add_normal(const urn__child_call *call);        /* precision = t / c^2 */
void urn__add_log_normal(const urn__child_call *call);    /* of the logarithm */
void urn__add_half_normal(const urn__child_call *call);   /* scale = c t^-1/2 */
void urn__add_mvn_scale(const urn__child_call *call);     /* scale_tril = C t^-1/2 */
void urn__add_mvn_precision(const urn__child_call *call); /* precision_tril = C t^1/2 */
void urn__add_poisson(const urn__child_call *call);       /* rate = c t */
void urn__add_exponential(const urn__child_call *call);   /* rate = c t */
void urn__add_gamma(const urn__child_call *call);         /* rate = c t */
void urn__add_inverse_gamma(const urn__child_call *call); /* rate = c t */

/* The lines of a rule: `half` is the power of x in scale = c x^half that stands for t^-1/2 (-1/2
 * for t = x, 1/2 for t = 1 / x). */
#define URN__SHAPE_RATE_CHILDREN(half)                                                             \
    {"normal", "scale", URN__FORM_POWER, half, false, urn__add_normal},                            \
        {"log_normal", "scale", URN__FORM_POWER, half, false, urn__add_log_normal},                \
        {"half_normal", "scale", URN__FORM_POWER, half, false, urn__add_half_normal},              \
        {"mvn", "scale_tril", URN__FORM_POWER, half, false, urn__add_mvn_scale},                   \
        {"mvn", "precision_tril", URN__FORM_POWER, -(half), false, urn__add_mvn_precision},        \
        {"poisson", "rate", URN__FORM_POWER, -2.0 * (half), false, urn__add_poisson},              \
        {"exponential", "rate", URN__FORM_POWER, -2.0 * (half), false, urn__add_exponential},      \
        {"gamma", "rate", URN__FORM_POWER, -2.0 * (half), false, urn__add_gamma},                  \
    {                                                                                              \
        "inverse_gamma", "rate", URN__FORM_POWER, -2.0 * (half), false, urn__add_inverse_gamma     \
    }

#endif
