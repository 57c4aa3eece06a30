/* Von Mises: density exp(k cos(x - loc)) / (2 pi I0(k)) on the circle, k the concentration, x in
 * radians. Centre, quantiles and draws lie within half a turn of loc, and the cdf counts from the
 * point opposite to it, so that an interval about loc is one on the line. */
#include "density.h"
#include <gsl/gsl_sf_bessel.h>

enum { LOC, CONCENTRATION };

#define PI 3.14159265358979323846
#define LARGE 1e4 /* concentrations from which the series in 1 / k is exact to the last digits */

/* k cos(d) - log I0(k) = -2 k sin^2(d / 2) - log(exp(-k) I0(k)), which does not cancel. */
static void log_density(const urn_density_call *c)
{
    double last = NAN, log_norm = NAN, ratio = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double k = c->param[CONCENTRATION][i], d = c->x[i] - c->param[LOC][i];
        if (k != last) {
            const double i0 = k > 0.0 ? gsl_sf_bessel_I0_scaled(k) : (double)NAN;
            log_norm = URN__LOG_2PI + log(i0);
            ratio = k > 0.0 ? gsl_sf_bessel_I1_scaled(k) / i0 : (double)NAN;
        }
        last = k;
        const double half = sin(0.5 * d), slope = k * sin(d);
        c->log_density[i] = isinf(c->x[i]) ? -(double)INFINITY : -2.0 * k * half * half - log_norm;
        if (!(k > 0.0))
            c->log_density[i] = NAN;
        if (c->d_x != NULL)
            c->d_x[i] = -slope;
        if (c->d_param[LOC] != NULL)
            c->d_param[LOC][i] = slope;
        if (c->d_param[CONCENTRATION] != NULL)
            c->d_param[CONCENTRATION][i] = cos(d) - ratio;
    }
}

/* P(angle from loc <= d) by the Fourier series, with ratios of Bessel functions by their backward
 * recurrence R_j = 1 / (2 j / k + R_(j+1)) and Horner's rule for the sines (Hill 1977). */
static double cdf_series(double k, double d)
{
    const double s = sin(d), c = cos(d);
    double ratio = 0.0, v = 0.0, sine = 0.0, cosine = 1.0;
    const int64_t terms = (int64_t)(20.0 + sqrt(80.0 * k) + 0.02 * k);
    /* sin(j d) and cos(j d) going down from the last term */
    sine = sin((double)terms * d);
    cosine = cos((double)terms * d);
    for (int64_t j = terms; j > 0; j--) {
        ratio = 1.0 / (2.0 * (double)j / k + ratio);
        v = ratio * (sine / (double)j + v);
        const double next = sine * c - cosine * s;
        cosine = cosine * c + sine * s;
        sine = next;
    }
    return 0.5 + (0.5 * d + v) / PI;
}

/* With z = 2 sqrt(k) sin(d / 2) the density is that of a normal times 1 / cos(d / 2), of which the
 * first terms are integrated. */
static double cdf_large(double k, double d)
{
    const double z = 2.0 * sqrt(k) * sin(0.5 * d), a = 1.0 / (8.0 * k), b = 3.0 / (128.0 * k * k);
    const double below = urn__normal_cdf(z), at = exp(-0.5 * z * z) / sqrt(2.0 * PI);
    const double second = below - z * at, fourth = 3.0 * second - z * z * z * at;
    return (below + a * second + b * fourth) / (1.0 + a + 3.0 * b);
}

static double cdf_at(double k, double d)
{
    if (!(k > 0.0) || isnan(d))
        return NAN;
    if (d <= -PI || d >= PI)
        return d < 0.0 ? 0.0 : 1.0;
    return k < LARGE ? cdf_series(k, d) : cdf_large(k, d);
}

static double wrapped(double d)
{
    return d - 2.0 * PI * rint(d / (2.0 * PI));
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] =
            cdf_at(urn__argument(c, CONCENTRATION, i), wrapped(c->x[i] - urn__argument(c, LOC, i)));
}

static double unit_quantile(double k, double p)
{
    if (!(k > 0.0 && p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.5)
        return 0.0;
    double low = -PI, high = PI;
    for (int i = 0; i < 100 && high - low > 1e-15; i++) {
        const double middle = 0.5 * (low + high);
        if (cdf_at(k, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

/* Rows that share a concentration share the search. */
static void quantile(const urn_draw_call *c)
{
    double last = NAN, unit = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double k = urn__argument(c, CONCENTRATION, i);
        if (k != last)
            unit = unit_quantile(k, c->p);
        last = k;
        c->out[i] = urn__argument(c, LOC, i) + unit;
    }
}

/* Best and Fisher (1979): a wrapped Cauchy envelope; its ratio r by series where the formula
 * cancels. */
static double draw_angle(double k, urn_rng *rng)
{
    if (k < 1e-8)
        return PI * (2.0 * urn_rng_uniform(rng) - 1.0);
    const double tau = 1.0 + sqrt(1.0 + 4.0 * k * k), rho = (tau - sqrt(2.0 * tau)) / (2.0 * k);
    const double r = k < 1e-4 ? 1.0 / k + k : (1.0 + rho * rho) / (2.0 * rho);
    for (;;) {
        const double z = cos(PI * urn_rng_uniform(rng)), v = urn_rng_uniform(rng);
        const double f = (1.0 + r * z) / (r + z), w = k * (r - f);
        if (w * (2.0 - w) > v || log(w / v) + 1.0 >= w) {
            const double size = acos(f > 1.0 ? 1.0 : f);
            return urn_rng_uniform(rng) < 0.5 ? -size : size;
        }
    }
}

/* From 1e6 on, r - f has few digits left, and a normal of sin(d / 2) is exact to one in 8 k. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double k = urn__argument(c, CONCENTRATION, row), loc = urn__argument(c, LOC, row);
    if (!(k > 0.0))
        c->x[row] = (double)NAN;
    else if (k < 1e6)
        c->x[row] = loc + draw_angle(k, rng);
    else
        c->x[row] = loc + 2.0 * asin(0.5 * urn_rng_normal(rng) / sqrt(k));
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = wrapped(urn__argument(c, LOC, i));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, LOC, i);
}

/* Of the angle from loc: pi^2 / 3 + 4 sum_j (-1)^j I_j(k) / (j^2 I0(k)), or 1 / k + 1 / (2 k^2) +
 * ... where that sum is long. */
static double variance_of(double k)
{
    if (!(k > 0.0))
        return NAN;
    if (k >= 1e3) { /* moments of z with the weights of cdf_large, d^2 = z^2 / k + z^4 / 12 k^2 */
        const double f = 1.0 / k, a = f / 8.0, b = 3.0 * f * f / 128.0;
        const double second = 1.0 + 3.0 * a + 15.0 * b, fourth = 3.0 + 15.0 * a, sixth = 15.0;
        return f * (second + f * fourth / 12.0 + f * f * sixth / 90.0) / (1.0 + a + 3.0 * b);
    }
    const int terms = (int)(20.0 + sqrt(80.0 * k) + 0.02 * k);
    double ratio = 0.0, v = 0.0;
    for (int j = terms; j > 0; j--) {
        ratio = 1.0 / (2.0 * j / k + ratio);
        v = ratio * ((j % 2 ? -1.0 : 1.0) / ((double)j * j) + v);
    }
    return PI * PI / 3.0 + 4.0 * v;
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = variance_of(urn__argument(c, CONCENTRATION, i));
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "von_mises",
    .support = urn_support_angle,
    .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"concentration", 0, URN_DOMAIN_POSITIVE, 0}},
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(von_mises, family)
