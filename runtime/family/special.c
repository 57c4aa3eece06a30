/* Special functions. References: Abramowitz and Stegun (AS), the NIST Digital Library of
 * Mathematical Functions (DLMF), Temme (1979) for the incomplete gamma function at large shapes. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* lgamma_r */
#endif
#include "special.h"
#include "../tensor/normal_tail.h"
#include <float.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

#define LOG_SQRT_2PI 0.91893853320467274178
#define LOG_PI 1.1447298858494001741
#define SQRT_2PI 2.5066282746310005024
#define TINY 1e-300

double urn__log_gamma(double x)
{
    int sign = 0;
    return x > 0.0 ? lgamma_r(x, &sign) : NAN;
}

/* DLMF 5.11.2 above 10, reached by the recurrence psi(x) = psi(x + 1) - 1 / x. */
double urn__digamma(double x)
{
    if (!(x > 0.0))
        return NAN;
    double shift = 0.0;
    while (x < 10.0) {
        shift -= 1.0 / x;
        x += 1.0;
    }
    const double f = 1.0 / (x * x);
    const double series =
        1.0 / 12 -
        f * (1.0 / 120 -
             f * (1.0 / 252 -
                  f * (1.0 / 240 - f * (1.0 / 132 - f * (691.0 / 32760 - f * (1.0 / 12))))));
    return shift + log(x) - 0.5 / x - f * series;
}

/* DLMF 5.11.1 above 10. */
double urn__stirling_error(double x)
{
    if (!(x > 0.0))
        return NAN;
    if (x < 10.0)
        return urn__log_gamma(x) - (x - 0.5) * log(x) + x - LOG_SQRT_2PI;
    const double f = 1.0 / (x * x);
    return (1.0 / 12 -
            f * (1.0 / 360 -
                 f * (1.0 / 1260 -
                      f * (1.0 / 1680 - f * (1.0 / 1188 - f * (691.0 / 360360 - f / 156)))))) /
           x;
}

double urn__log_gamma_half_step(double h)
{
    if (h < 10.0)
        return urn__log_gamma(h + 0.5) - urn__log_gamma(h);
    return h * log1p(0.5 / h) - 0.5 + 0.5 * log(h) + urn__stirling_error(h + 0.5) -
           urn__stirling_error(h);
}

double urn__normal_cdf(double z)
{
    return urn__normal_cdf_of(z);
}

double urn__normal_quantile(double p)
{
    return p >= 0.0 && p <= 1.0 ? gsl_cdf_ugaussian_Pinv(p) : NAN;
}

/* ---- incomplete gamma ---- */

/* x^a exp(-x) / Gamma(a + 1), without cancellation at large a. */
static double gamma_factor(double a, double x)
{
    if (a < 10.0)
        return exp(a * log(x) - x - urn__log_gamma(a + 1.0));
    const double t = x / a;
    return exp(a * (log(t) - (t - 1.0)) - urn__stirling_error(a)) / (SQRT_2PI * sqrt(a));
}

/* P by its power series, DLMF 8.7.1; for x up to about a. */
static double gamma_p_series(double a, double x)
{
    double term = 1.0, sum = 1.0;
    for (double k = a + 1.0; term > sum * (DBL_EPSILON / 4); k += 1.0) {
        term *= x / k;
        sum += term;
    }
    return gamma_factor(a, x) * sum;
}

/* Q by its continued fraction, DLMF 8.9.2 in even form, by Lentz's method; for x above about a. */
static double gamma_q_fraction(double a, double x)
{
    double b = x + 1.0 - a;
    double c = 1.0 / TINY;
    double d = 1.0 / (fabs(b) < TINY ? TINY : b);
    double h = d;
    for (int i = 1; i < 100000; i++) {
        const double numerator = -i * (i - a);
        b += 2.0;
        d = numerator * d + b;
        d = 1.0 / (fabs(d) < TINY ? TINY : d);
        c = b + numerator / c;
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        if (fabs(d * c - 1.0) < DBL_EPSILON)
            break;
    }
    return gamma_factor(a, x) * a * h;
}

/* Q, or P, at large a, uniformly in x: DLMF 8.12.3 and 8.12.4 with the coefficients c0 and c1 as
 * series in eta. Where the series are not accurate the result is 0 or 1 to all digits. */
static double gamma_large(double a, double x, int upper)
{
    const double mu = (x - a) / a;
    const double eta = copysign(sqrt(2.0 * fmax(mu - log1p(mu), 0.0)), mu);
    if (fabs(eta) > 0.3)
        return (eta > 0.0) == (upper != 0) ? 0.0 : 1.0;
    const double c0 =
        -1.0 / 3 +
        eta * (1.0 / 12 + eta * (-2.0 / 135 +
                                 eta * (1.0 / 864 + eta * (1.0 / 2835 - eta * (139.0 / 777600)))));
    const double c1 = -1.0 / 540 + eta * (-1.0 / 288 + eta * (1.0 / 378));
    const double rest = exp(-0.5 * a * eta * eta) / (SQRT_2PI * sqrt(a)) * (c0 + c1 / a);
    const double sign = upper ? 1.0 : -1.0;
    return 0.5 * erfc(sign * eta * sqrt(0.5 * a)) + sign * rest;
}

#define LARGE_SHAPE 1e5

double urn__gamma_p(double a, double x)
{
    if (!(a > 0.0) || isnan(x))
        return NAN;
    if (x <= 0.0)
        return 0.0;
    if (isinf(x))
        return 1.0;
    if (a > LARGE_SHAPE)
        return gamma_large(a, x, 0);
    return x < a + 1.0 ? gamma_p_series(a, x) : 1.0 - gamma_q_fraction(a, x);
}

double urn__gamma_q(double a, double x)
{
    if (!(a > 0.0) || isnan(x))
        return NAN;
    if (x <= 0.0)
        return 1.0;
    if (isinf(x))
        return 0.0;
    if (a > LARGE_SHAPE)
        return gamma_large(a, x, 1);
    return x < a + 1.0 ? 1.0 - gamma_p_series(a, x) : gamma_q_fraction(a, x);
}

/* First guess: Wilson and Hilferty's cube for ordinary shapes, the leading term of the series for
 * small ones. */
static double gamma_guess(double a, double p, int upper)
{
    const double z = urn__normal_quantile(p) * (upper ? -1.0 : 1.0);
    const double w = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * sqrt(a));
    if (a > 0.5 && w > 0.1)
        return a * w * w * w;
    const double lower = upper ? -expm1(log(p)) : p;
    return exp((log(lower) + urn__log_gamma(a + 1.0)) / a);
}

/* Newton steps in log x, kept inside a bracket that each evaluation narrows. */
double urn__gamma_quantile(double a, double p, int upper)
{
    if (!(a > 0.0 && p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return (p == 1.0) != (upper != 0) ? INFINITY : 0.0;
    double low = -745.0, high = log(a + 1.0) + 40.0;
    double y = log(gamma_guess(a, p, upper));
    if (!(y > low))
        return exp(y);
    for (int i = 0; i < 200; i++) {
        y = y > low && y < high ? y : 0.5 * (low + high);
        const double x = exp(y);
        const double excess = upper ? p - urn__gamma_q(a, x) : urn__gamma_p(a, x) - p;
        if (excess > 0.0)
            high = y;
        else
            low = y;
        const double slope = gamma_factor(a, x) * a; /* d P / d log x */
        const double step = excess / slope;
        if (fabs(step) < 4 * DBL_EPSILON || high - low < 4 * DBL_EPSILON * fabs(y))
            return exp(y - (fabs(step) < 1.0 ? step : 0.0));
        y -= step; /* not finite, or outside: bisected above */
    }
    return exp(y);
}

/* ---- incomplete beta ---- */

/* For large b, log Gamma(b) - log Gamma(a + b) by DLMF 5.11.1, so that nothing cancels. */
double urn__log_beta(double a, double b)
{
    const double low = a < b ? a : b, high = a < b ? b : a;
    if (!(low > 0.0))
        return NAN;
    if (high < 10.0)
        return urn__log_gamma(low) + urn__log_gamma(high) - urn__log_gamma(low + high);
    return urn__log_gamma(low) - (high - 0.5) * log1p(low / high) - low * (log(low + high) - 1.0) +
           urn__stirling_error(high) - urn__stirling_error(low + high);
}

/* I_x(a, b) without its factor x^a (1 - x)^b / B(a, b), for x up to about a / (a + b): the
 * continued fraction of DLMF 8.17.22. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < TINY ? TINY : d);
    double h = d;
    for (int m = 1; m < 100000; m++) {
        for (int odd = 0; odd < 2; odd++) {
            const double e = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                                 : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1.0 + e * d;
            d = 1.0 / (fabs(d) < TINY ? TINY : d);
            c = 1.0 + e / c;
            c = fabs(c) < TINY ? TINY : c;
            h *= d * c;
        }
        if (fabs(d * c - 1.0) < DBL_EPSILON)
            break;
    }
    return h / a;
}

/* x^a (1 - x)^b / B(a, b); as in the density of beta, in large parameters nothing cancels. */
static double beta_factor(double a, double b, double x)
{
    if (a < 10.0 || b < 10.0)
        return exp(a * log(x) + b * log1p(-x) - urn__log_beta(a, b));
    const double t1 = x * ((a + b) / a), t2 = (1.0 - x) * ((a + b) / b);
    const double errors =
        urn__stirling_error(a + b) - urn__stirling_error(a) - urn__stirling_error(b);
    return exp(a * (log(t1) - (t1 - 1.0)) + b * (log(t2) - (t2 - 1.0)) + errors) *
           sqrt(a / (a + b) * b) / SQRT_2PI;
}

double urn__beta_p(double a, double b, double x)
{
    if (!(a > 0.0 && b > 0.0) || isnan(x))
        return NAN;
    if (x <= 0.0 || x >= 1.0)
        return x <= 0.0 ? 0.0 : 1.0;
    if (x < (a + 1.0) / (a + b + 2.0))
        return beta_factor(a, b, x) * beta_fraction(a, b, x);
    return 1.0 - beta_factor(a, b, x) * beta_fraction(b, a, 1.0 - x);
}

/* Newton steps in log(x / (1 - x)), kept inside a bracket that each evaluation narrows. */
double urn__beta_quantile(double a, double b, double p)
{
    if (!(a > 0.0 && b > 0.0 && p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return p;
    double low = -745.0, high = 745.0, y = log(a / b);
    for (int i = 0; i < 400 && high - low > 1e-15 * (1.0 + fabs(y)); i++) {
        const double x = 1.0 / (1.0 + exp(-y)), excess = urn__beta_p(a, b, x) - p;
        if (excess > 0.0)
            high = y;
        else
            low = y;
        const double step = excess / beta_factor(a, b, x); /* over d P / d y */
        if (fabs(step) < 1e-15)
            return x;
        y -= step;
        if (!(y > low && y < high)) /* not finite, too */
            y = 0.5 * (low + high);
    }
    return 1.0 / (1.0 + exp(-y));
}

/* ---- Student's t ---- */

/* P(T > t) for t >= 0. */
static double student_tail(double df, double t)
{
    if (df > 1e7) /* AS 26.7.8: the error is of order 1 / df^2 */
        return urn__normal_cdf(-t * (1.0 - 0.25 / df) / sqrt(1.0 + t / df * (t / 2)));
    if (t == 0.0)
        return 0.5;
    const double ratio = t / df * t;
    if (isinf(ratio))
        return 0.0;
    const double a = 0.5 * df, x = 1.0 / (1.0 + ratio);
    const double log_beta = 0.5 * LOG_PI - urn__log_gamma_half_step(a);
    const double factor = exp(0.5 * log(ratio) - (a + 0.5) * log1p(ratio) - log_beta);
    if (x < (a + 1.0) / (a + 2.5))
        return 0.5 * factor * beta_fraction(a, 0.5, x);
    return 0.5 - 0.5 * factor * beta_fraction(0.5, a, ratio * x);
}

double urn__student_cdf(double df, double t)
{
    if (!(df > 0.0) || isnan(t))
        return NAN;
    return t < 0.0 ? student_tail(df, -t) : 1.0 - student_tail(df, t);
}

/* Bisection on the exponent, then on the value: a quantile of any df, at the price of some 100
 * evaluations. */
double urn__student_quantile(double df, double p)
{
    if (!(df > 0.0 && p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.5)
        return 0.0;
    const double tail = p < 0.5 ? p : 1.0 - p;
    if (tail == 0.0)
        return p < 0.5 ? -INFINITY : INFINITY;
    double high = 1.0;
    while (high < DBL_MAX / 2 && student_tail(df, high) > tail)
        high *= 2.0;
    double low = high > 1.0 ? high / 2 : 0.0;
    for (int i = 0; i < 200 && high - low > 2 * DBL_EPSILON * high; i++) {
        const double middle = 0.5 * (low + high);
        if (student_tail(df, middle) > tail)
            low = middle;
        else
            high = middle;
    }
    const double t = 0.5 * (low + high);
    return p < 0.5 ? -t : t;
}
