/* Logarithms of distribution functions, for truncation and censoring. A family gives one row's; the
 * loops are here. */
#ifndef URN_FAMILY_TAILS_H
#define URN_FAMILY_TAILS_H

#include "family.h"

/* log P(X <= x), or log P(X > x) if `upper`; its slopes in x and in each parameter (all given, in
 * family order) go to d_x[0] and d_param. */
typedef double urn__tail(bool upper, double x, const double *param, double *d_x, double *d_param);
void urn__tails(const urn_density_call *c, bool upper, urn__tail *tail);

/* The same of any scalar family with a cdf: its own log_cdf and log_survival where it has them,
 * else from its cdf, density and differences of sixth order. `c` names no family. */
void urn__log_tail(const urn_family *family, bool upper, const urn_density_call *c);
/* Doubles of scratch it needs for n rows. */
int64_t urn__log_tail_scratch(const urn_family *family, int64_t n, int64_t dim);

/* Defines log_cdf and log_survival of a family file. */
#define URN__TAILS(tail)                                                                           \
    static void log_cdf(const urn_density_call *c)                                                 \
    {                                                                                              \
        urn__tails(c, false, tail);                                                                \
    }                                                                                              \
    static void log_survival(const urn_density_call *c)                                            \
    {                                                                                              \
        urn__tails(c, true, tail);                                                                 \
    }

/* log P(Z <= z), or log P(Z > z), of a standard variable, and its slope in z. */
typedef double urn__standard_tail(bool upper, double z, double *slope);
/* Of loc + scale Z, parameters in this order. NaN for a scale that is not positive. */
double urn__location_scale_tail(urn__standard_tail *standard, bool upper, double x,
                                const double *param, double *d_x, double *d_param);
urn__standard_tail urn__normal_tail;

/* Of a gamma variable. The slope in the shape is a difference. */
double urn__gamma_tail(bool upper, double shape, double rate, double x, double *d_x,
                       double *d_shape, double *d_rate);

double urn__log1m_exp(double x); /* log(1 - exp(x)), x <= 0 */
/* Of log P > : what log P <= is, with slopes turned over: d log(1 - e^v) = -e^v / (1 - e^v) dv. */
double urn__other_tail(double value, double *factor);

#endif
