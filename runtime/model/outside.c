/* In what way, and by how much, a row of values is outside its support. */
#include "trace.h"
#include <math.h>
#include <stdio.h>

double urn__shown(double v)
{
    return isnan(v) ? (double)NAN : v;
}

/* More or less than it should be. */
static void by_how_much(const char *what, double found, double expected, char *text, size_t size)
{
    const double off = found - expected;
    (void)snprintf(text, size, "%s %.9g, %.3g too %s", what, urn__shown(found),
                   fabs(urn__shown(off)), off < 0.0 ? "little" : "much");
}

static void of_simplex(int64_t n, const double *x, char *text, size_t size)
{
    double sum = 0.0;
    for (int64_t k = 0; k < n; k++) {
        sum += x[k];
        if (x[k] >= 0.0)
            continue;
        (void)snprintf(text, size, "element %lld is %g", (long long)k, urn__shown(x[k]));
        return;
    }
    by_how_much("its elements add up to", sum, 1.0, text, size);
}

static void of_order(int64_t n, const double *x, char *text, size_t size)
{
    for (int64_t k = 1; k < n; k++)
        if (!(x[k] > x[k - 1])) {
            (void)snprintf(text, size, "element %lld is %g, after %g", (long long)k,
                           urn__shown(x[k]), urn__shown(x[k - 1]));
            return;
        }
    (void)snprintf(text, size, "an element is not finite");
}

/* Rows of unit length, lower triangular, a positive diagonal. */
static void of_factor(int64_t d, const double *l, char *text, size_t size)
{
    for (int64_t i = 0; i < d; i++) {
        double square = 0.0;
        char what[64];
        for (int64_t j = 0; j < d; j++) {
            const double v = l[i * d + j];
            square += v * v;
            if (j < i || (j == i ? v > 0.0 : !(v > 0.0 || v < 0.0)))
                continue;
            (void)snprintf(text, size, "element %lld, %lld is %g %s", (long long)i, (long long)j,
                           urn__shown(v), j == i ? "on the diagonal" : "above the diagonal");
            return;
        }
        if (fabs(square - 1.0) < 1e-6)
            continue;
        (void)snprintf(what, sizeof what, "the length of the matrix's row %lld is", (long long)i);
        by_how_much(what, sqrt(square), 1.0, text, size);
        return;
    }
}

/* The pair furthest from symmetric, else the first pivot that is not positive. */
static void of_definite(const urn_model *m, int64_t d, const double *a, char *text, size_t size)
{
    int64_t at = 0;
    double most = 0.0;
    for (int64_t i = 0; i < d * d; i++) {
        const double off = fabs(a[i] - a[i % d * d + i / d]);
        at = off > most ? i : at;
        most = off > most ? off : most;
    }
    if (most > 1e-6 * fabs(a[at])) {
        (void)snprintf(text, size, "elements %lld, %lld and %lld, %lld differ by %.3g",
                       (long long)(at / d), (long long)(at % d), (long long)(at % d),
                       (long long)(at / d), most);
        return;
    }
    double *l = urn__calloc(m->allocator, (size_t)(d * d) + 1, sizeof *l);
    double pivot = 1.0;
    int64_t i = 0;
    for (; l != NULL && i < d; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double rest = a[i * d + j];
            for (int64_t k = 0; k < j; k++)
                rest -= l[i * d + k] * l[j * d + k];
            l[i * d + j] = j < i ? rest / l[j * d + j] : sqrt(rest);
            pivot = rest;
        }
        if (!(pivot > 0.0))
            break;
    }
    urn__free(m->allocator, l);
    (void)snprintf(text, size, "it is not positive definite: its pivot %lld is %.3g", (long long)i,
                   urn__shown(pivot));
}

void urn__outside_text(const urn_model *m, const urn__site *s, const double *value, char *text,
                       size_t size)
{
    if (s->support == urn_support_simplex())
        of_simplex(s->dim, value, text, size);
    else if (s->support == urn_support_ordered())
        of_order(s->value_size, value, text, size);
    else if (s->support == urn_support_corr_cholesky())
        of_factor(s->dim, value, text, size);
    else if (s->support == urn_support_positive_definite())
        of_definite(m, s->dim, value, text, size);
    else
        (void)snprintf(text, size, "found %g", urn__shown(value[0]));
}
