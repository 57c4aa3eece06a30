/* Parameters, values and buffers for one call of a family, made from nothing but its descriptor. */
#ifndef URN_TESTS_FAMILY_PROBLEM_H
#define URN_TESTS_FAMILY_PROBLEM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/base/rng.h"
#include "runtime/family/family.h"
#include "runtime/family/made.h"

#define SENTINEL 7.0 /* what partials hold before a call */

typedef struct source { /* of arbitrary test values; splitmix64 */
    uint64_t state;
} source;

static inline double source_uniform(source *s)
{
    s->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = s->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/* Roughly normal is enough. */
static inline double source_normal(source *s)
{
    double sum = -6.0;
    for (int i = 0; i < 12; i++)
        sum += source_uniform(s);
    return sum;
}

typedef struct problem {
    const urn_family *family;
    int64_t n, dim, event;
    int n_params;
    double *param[URN_FAMILY_PARAMS]; /* NULL: not given */
    int64_t element[URN_FAMILY_PARAMS], stride[URN_FAMILY_PARAMS];
    double *x, *log_density, *d_x, *d_param[URN_FAMILY_PARAMS];
    int64_t x_stride;
    double *scratch;
} problem;

static inline double *numbers(int64_t n)
{
    double *v = aligned_alloc(64, ((size_t)(n > 0 ? n : 1) * sizeof(double) + 63) / 64 * 64);
    assert_non_null(v);
    for (int64_t i = 0; i < n; i++)
        v[i] = SENTINEL;
    return v;
}

static inline int param_count(const urn_family *family)
{
    int k = 0;
    while (k < URN_FAMILY_PARAMS && family->params[k].word != NULL)
        k++;
    return k;
}

/* Whether the parameters of bit mask `given` are a legal choice. */
static inline bool choice_is_legal(const urn_family *family, unsigned given)
{
    for (int k = 0; k < param_count(family); k++) {
        const int group = family->params[k].group;
        int members = 0;
        for (int j = 0; j < param_count(family); j++)
            members += family->params[j].group == group && (given >> j & 1u);
        if ((group == 0 && !(given >> k & 1u)) || (group > 0 && members != 1))
            return false;
    }
    return true;
}

static inline void fill_tril(source *s, int64_t d, double *l)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            l[i * d + j] = j > i    ? 0.0
                           : j == i ? 0.6 + source_uniform(s)
                                    : 0.4 * source_normal(s) / sqrt((double)d);
}

static inline void fill_ordered(source *s, int64_t n, double *v)
{
    for (int64_t i = 0; i < n; i++)
        v[i] = i == 0 ? -1.0 - source_uniform(s) : v[i - 1] + 0.2 + source_uniform(s);
}

static inline double value_in(source *s, const urn_family *family, const urn_family_param *param)
{
    if (param->domain == URN_DOMAIN_COUNT)
        return floor(1.0 + 20.0 * source_uniform(s));
    if (family->low_word != NULL && strcmp(param->word, family->low_word) == 0)
        return -1.0 - source_uniform(s);
    if (family->high_word != NULL && strcmp(param->word, family->high_word) == 0)
        return 0.5 + source_uniform(s);
    if (param->domain == URN_DOMAIN_POSITIVE || param->domain == URN_DOMAIN_ABOVE_SIDE)
        return 0.3 + 3.0 * source_uniform(s) * source_uniform(s) +
               (source_uniform(s) < 0.2 ? 20.0 : 0.0);
    return param->domain == URN_DOMAIN_UNIT ? source_uniform(s) : 1.5 * source_normal(s);
}

static inline void fill_param(source *s, problem *p, int k)
{
    const urn_family_param *param = &p->family->params[k];
    for (int64_t i = 0; i < p->n; i++) {
        double *row = p->param[k] + i * p->element[k];
        if (param->domain == URN_DOMAIN_TRIL)
            fill_tril(s, p->dim, row);
        else if (param->domain == URN_DOMAIN_ORDERED)
            fill_ordered(s, p->element[k], row);
        else
            for (int64_t e = 0; e < p->element[k]; e++)
                row[e] = value_in(s, p->family, param) +
                         (param->domain == URN_DOMAIN_ABOVE_SIDE ? (double)(p->dim - 1) : 0.0);
        if (param->domain == URN_DOMAIN_COUNT && p->family->event_rank > 0)
            row[0] = p->param[k][0]; /* so that rows may share a vector that sums to it */
    }
}

static inline double *bound_of(const problem *p, const char *word)
{
    for (int k = 0; word != NULL && k < p->n_params; k++)
        if (strcmp(p->family->params[k].word, word) == 0)
            return p->param[k];
    return NULL;
}

static inline urn_draw_call draw_call_of(const problem *p)
{
    urn_draw_call c = {.family = p->family,
                       .n = p->n,
                       .dim = p->dim,
                       .event = p->event,
                       .x = p->x,
                       .scratch = p->scratch};
    for (int k = 0; k < p->n_params; k++) {
        c.param[k] = p->param[k];
        c.stride[k] = p->stride[k];
    }
    return c;
}

/* Values inside the support: through the bijection, or drawn where there is none. */
static inline void fill_x(source *s, problem *p)
{
    const urn_support *support = p->family->support();
    if (support->discrete || strcmp(p->family->name, "delta") == 0) {
        const urn__stream stream = urn__stream_at(5, 0, "x", 0);
        const urn_draw_call c = draw_call_of(p);
        for (int64_t i = 0; i < p->n; i++) {
            urn_rng rng;
            urn__rng_at_row(&rng, &stream, i);
            p->family->draw(&c, i, &rng);
        }
        return;
    }
    urn_bijection_call b = {.n = p->n, .dim = p->dim, .value_size = p->event, .value = p->x};
    b.free_size = support->free_size != NULL ? support->free_size(p->dim, p->event) : p->event;
    b.low = bound_of(p, p->family->low_word);
    b.high = bound_of(p, p->family->high_word);
    b.free = numbers(p->n * b.free_size);
    for (int64_t i = 0; i < p->n * b.free_size; i++) /* matrices stay away from singular ones */
        b.free[i] = source_normal(s) / (p->family->event_rank == 2 ? sqrt((double)p->dim) : 1.0) -
                    (support == urn_support_ordered() ? 1.5 : 0.0);
    support->constrain(&b);
    free(b.free);
}

static inline problem problem_new(const urn_family *family, int64_t n, int64_t dim, unsigned given,
                                  uint64_t seed)
{
    source s = {seed};
    problem p = {.family = family, .n = n, .dim = dim, .n_params = param_count(family)};
    p.event = family->event_rank == 0 ? 1 : family->event_rank == 1 ? dim : dim * dim;
    p.scratch = numbers(urn__family_scratch(family, n, dim));
    for (int k = 0; k < p.n_params; k++) {
        const int rank = family->params[k].event_rank;
        p.element[k] = rank == 0 ? 1 : rank == 1 ? dim : dim * dim;
        p.stride[k] = p.element[k];
        if (!(given >> k & 1u))
            continue;
        p.param[k] = numbers(n * p.element[k]);
        p.d_param[k] = numbers(n * p.element[k]);
        fill_param(&s, &p, k);
    }
    p.x = numbers(n * p.event);
    p.x_stride = p.event;
    p.d_x = numbers(n * p.event);
    p.log_density = numbers(n);
    fill_x(&s, &p);
    return p;
}

/* The first row of x outside the family's support, -1 if none. */
static inline int64_t first_outside(const problem *p)
{
    urn_bijection_call b = {.n = p->n, .dim = p->dim, .value_size = p->event, .value = p->x};
    const char *const words[2] = {p->family->low_word, p->family->high_word};
    double *bound[2] = {numbers(p->n), numbers(p->n)};
    for (int k = 0; k < 2 * p->n_params; k++)
        for (int64_t i = 0; words[k % 2] != NULL && i < p->n; i++)
            if (strcmp(p->family->params[k / 2].word, words[k % 2]) == 0 && p->param[k / 2] != NULL)
                bound[k % 2][i] = p->param[k / 2][i * p->stride[k / 2]];
    b.low = bound_of(p, words[0]) != NULL ? bound[0] : NULL;
    b.high = bound_of(p, words[1]) != NULL ? bound[1] : NULL;
    b.free = numbers(p->dim * (p->dim + 1));
    const int64_t at = p->family->support()->first_outside(&b);
    free(b.free);
    free(bound[0]);
    free(bound[1]);
    return at;
}

/* Is only the lower triangle of x a coordinate? */
static inline bool x_is_triangular(const urn_family *family)
{
    return family->support() == urn_support_corr_cholesky();
}

static inline void problem_free(problem *p)
{
    for (int k = 0; k < p->n_params; k++) {
        free(p->param[k]);
        free(p->d_param[k]);
    }
    free(p->x);
    free(p->d_x);
    free(p->log_density);
    free(p->scratch);
}

static inline urn_density_call density_call_of(const problem *p, bool partials)
{
    urn_density_call c = {.family = p->family,
                          .n = p->n,
                          .dim = p->dim,
                          .event = p->event,
                          .x = p->x,
                          .x_stride = p->x_stride,
                          .log_density = p->log_density,
                          .scratch = p->scratch};
    c.d_x = partials ? p->d_x : NULL;
    for (int k = 0; k < p->n_params; k++) {
        c.param[k] = p->param[k];
        c.stride[k] = p->stride[k];
        c.d_param[k] = partials ? p->d_param[k] : NULL;
    }
    return c;
}

/* The families of the list, then some that sentences make of them. */
static inline const urn_family *tested_family(int i)
{
    static urn__made made[8];
    static const struct {
        const char *(*make)(urn__made *made, const urn_family *base, bool observed);
        const urn_family *(*base)(void);
    } rows[] = {
        {urn__make_truncated, urn_family_student_t}, {urn__make_truncated, urn_family_logistic},
        {urn__make_truncated, urn_family_cauchy},    {urn__make_censored, urn_family_laplace},
        {urn__make_censored, urn_family_gamma},      {urn__make_mixture, urn_family_normal},
        {urn__make_mixture, urn_family_poisson},     {urn__make_ordered, urn_family_normal},
    };
    int listed = 0;
    while (urn__family_at(listed) != NULL)
        listed++;
    if (i < listed)
        return urn__family_at(i);
    if (i - listed >= (int)(sizeof rows / sizeof rows[0]))
        return NULL;
    assert_null(rows[i - listed].make(&made[i - listed], rows[i - listed].base(), true));
    return &made[i - listed].family;
}

/* Its distribution has steps at the limits. */
static inline bool is_censored(const urn_family *family)
{
    return strncmp(family->name, "censored", 8) == 0;
}

/* |a - b| <= tolerance max(1, |b|); equal infinities and two NaNs agree. */
static inline bool agree(double a, double b, double tolerance)
{
    return a == b || (isnan(a) && isnan(b)) ||
           fabs(a - b) <= tolerance * (fabs(b) > 1.0 ? fabs(b) : 1.0);
}

#define assert_agree(a, b, tolerance, ...)                                                         \
    do {                                                                                           \
        const double agree_a_ = (a), agree_b_ = (b);                                               \
        if (!agree(agree_a_, agree_b_, (tolerance))) {                                             \
            print_error(__VA_ARGS__);                                                              \
            fail_msg(": found %.17g, expected %.17g", agree_a_, agree_b_);                         \
        }                                                                                          \
    } while (0)

/* Sides of events worth trying for a family: 1 for scalars. */
static inline int64_t dim_at(const urn_family *family, int i)
{
    static const int64_t dims[] = {1, 2, 3, 4, 5, 6, 9, 17, 0};
    const bool scalar = family->event_rank == 0 && family->size_from == NULL;
    return scalar && i > 0 ? 0 : dims[i];
}

#endif
