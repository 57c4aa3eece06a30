/* Special functions of the families, on one number. No error handlers: outside the domain they give
 * NaN. */
#ifndef URN_FAMILY_SPECIAL_H
#define URN_FAMILY_SPECIAL_H

#include <stdint.h>

double urn__log_gamma(double x); /* log Gamma(x), x > 0; unlike lgamma it touches no global */
double urn__digamma(double x);   /* x > 0 */
double
urn__stirling_error(double x); /* log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2, x > 0 */

/* log Gamma(h + 1/2) - log Gamma(h), h > 0, without cancellation for large h */
double urn__log_gamma_half_step(double h);

double urn__normal_cdf(double z);
double urn__normal_quantile(double p); /* 0 gives -infinity, 1 infinity */

double urn__log_beta(double a, double b); /* log B(a, b), a, b > 0 */
/* Regularised incomplete beta function, from 0 to x, and the x where it is p. */
double urn__beta_p(double a, double b, double x);
double urn__beta_quantile(double a, double b, double p);

/* Regularised incomplete gamma functions: P (from 0 to x) and Q = 1 - P, for shape a > 0. */
double urn__gamma_p(double a, double x);
double urn__gamma_q(double a, double x);
/* x with P(a, x) = p, or with Q(a, x) = p where `upper` is set. */
double urn__gamma_quantile(double a, double p, int upper);

double urn__student_cdf(double df, double t);
double urn__student_quantile(double df, double p);

#endif
