/* Checks of what is known before fitting: constant parameters and observed values. */
#include "trace.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const double *urn__known_values(const urn_model *m, urn__id id)
{
    const urn__node *n = urn__graph_node(m->graph, id);
    if (n->op != &urn__op_constant && n->op != &urn__op_data)
        return NULL;
    return ((const urn__values_attr *)n->attr)->values;
}

/* Elements behind a constant or data node: all rows, those outside a mini-batch too. */
static int64_t known_size(const urn_model *m, urn__id id)
{
    const urn__node *n = urn__graph_node(m->graph, id);
    const urn__values_attr *a = n->attr;
    if (n->op == &urn__op_data && a->batch)
        return m->plate[m->batch_plate - 1].size * a->width;
    return urn__shape_size(n->shape);
}

static bool in_domain(urn_domain domain, double v)
{
    switch (domain) {
    case URN_DOMAIN_POSITIVE:
        return v > 0.0;
    case URN_DOMAIN_UNIT:
        return v >= 0.0 && v <= 1.0;
    case URN_DOMAIN_REAL:
    case URN_DOMAIN_TRIL:
    case URN_DOMAIN_POSITIVE_DEFINITE:
        break;
    }
    return isfinite(v);
}

static const char *domain_text(urn_domain domain)
{
    return domain == URN_DOMAIN_POSITIVE ? "positive"
           : domain == URN_DOMAIN_UNIT   ? "between 0 and 1"
                                         : "finite";
}

static urn_domain word_domain(const urn_family *f, const char *word, int param)
{
    for (const urn_family_alternative *a = f->alternatives; a != NULL && a->word != NULL; a++)
        if (strcmp(a->word, word) == 0)
            return a->domain;
    return f->params[param].domain;
}

static void check_triangle(urn_model *m, const urn__site *s, const char *word, const double *l)
{
    for (int64_t i = 0; i < s->dim; i++)
        for (int64_t j = i; j < s->dim; j++) {
            const double v = l[i * s->dim + j];
            if (i == j ? v > 0.0 : !(v > 0.0 || v < 0.0))
                continue;
            (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                                   "(%s): %s must be lower triangular with a positive diagonal; "
                                   "element %lld, %lld is %g",
                                   s->family->name, word, (long long)i, (long long)j, v);
            return;
        }
}

static void check_definite(urn_model *m, const urn__site *s, const char *word, const double *a)
{
    const int64_t d = s->dim;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++) {
            const double up = a[j * d + i], down = a[i * d + j];
            if (fabs(up - down) <= 1e-9 * (fabs(up) + fabs(down)))
                continue;
            (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                                   "(%s): %s is not symmetric: element %lld, %lld is %g and "
                                   "%lld, %lld is %g",
                                   s->family->name, word, (long long)j, (long long)i, up,
                                   (long long)i, (long long)j, down);
            return;
        }
    double *l = urn__calloc(m->allocator, (size_t)(d * d) + 1, sizeof *l);
    if (l == NULL)
        (void)urn__model_error(m, URN_ERR_MEMORY, s->where, s->name, NULL, "out of memory");
    else if (!urn__cholesky(d, a, l))
        (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                               "(%s): %s is not positive definite", s->family->name, word);
    urn__free(m->allocator, l);
}

static void check_parameter(urn_model *m, const urn__site *s, int i)
{
    const char *word = s->word[i].word;
    const double *v = urn__known_values(m, s->word[i].id);
    const urn_domain domain = word_domain(s->family, word, s->given[i]);
    const int64_t n = v == NULL ? 0 : known_size(m, s->word[i].id);
    for (int64_t k = 0; k < n; k++)
        if (!in_domain(domain, v[k]) || !isfinite(v[k])) {
            (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                                   "(%s): %s is %g; it must be %s", s->family->name, word, v[k],
                                   domain_text(domain));
            return;
        }
    const int64_t matrix = s->dim * s->dim;
    for (int64_t k = 0; k + matrix <= n && urn__model_ok(m); k += matrix) {
        if (domain == URN_DOMAIN_TRIL)
            check_triangle(m, s, word, v + k);
        else if (domain == URN_DOMAIN_POSITIVE_DEFINITE)
            check_definite(m, s, word, v + k);
    }
}

/* Known bounds leave room between them. */
static void check_bounds(urn_model *m, const urn__site *s)
{
    const double *low = s->low == 0 ? NULL : urn__known_values(m, s->low);
    const double *high = s->high == 0 ? NULL : urn__known_values(m, s->high);
    if (low == NULL || high == NULL)
        return;
    const int64_t n_low = known_size(m, s->low), n_high = known_size(m, s->high);
    const int64_t n = n_low > n_high ? n_low : n_high;
    for (int64_t i = 0; i < n && (n_low == n_high || n_low == 1 || n_high == 1); i++) {
        const double a = low[n_low == 1 ? 0 : i], b = high[n_high == 1 ? 0 : i];
        if (a < b)
            continue;
        (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                               "(%s): %s is %g and %s is %g; %s must be below %s", s->family->name,
                               s->family->low_word, a, s->family->high_word, b, s->family->low_word,
                               s->family->high_word);
        return;
    }
}

static void check_mask(urn_model *m, const urn__site *s)
{
    const double *v = s->mask == 0 ? NULL : urn__known_values(m, s->mask);
    const int64_t n = v == NULL ? 0 : known_size(m, s->mask);
    for (int64_t i = 0; i < n; i++) {
        if ((v[i] >= 0.0 && v[i] <= 0.0) || (v[i] >= 1.0 && v[i] <= 1.0))
            continue;
        (void)urn__model_error(
            m, URN_ERR_MODEL, s->where, s->name, "give 0/1 data over the site's plate",
            "(%s): mask is %g at row %lld; it must be 0 or 1", s->family->name, v[i], (long long)i);
        return;
    }
}

/* One bound a row when it is known and a scalar or as long as the value; else not checked here. */
static const double *known_bound(const urn_model *m, urn__id id, int64_t rows, double *spread)
{
    const double *v = id == 0 ? NULL : urn__known_values(m, id);
    if (v == NULL)
        return NULL;
    const int64_t n = known_size(m, id);
    if (n == rows)
        return v;
    if (n != 1)
        return NULL;
    for (int64_t i = 0; i < rows; i++)
        spread[i] = v[0];
    return spread;
}

static void where_of_row(const urn_model *m, const urn__site *s, int64_t row, char *text,
                         size_t size)
{
    const urn__plate *p = s->plate == 0 ? NULL : &m->plate[s->plate - 1];
    (void)snprintf(text, size, "%s", s->where);
    if (p != NULL && p->kind == URN__PLATE_ROWS && p->table >= 0)
        urn__dataset_where(m->data, p->table, p->table_row == NULL ? row : p->table_row[row], text,
                           size);
}

/* The first value outside the support that a mask does not hide. */
static int64_t first_outside(const urn_model *m, const urn__site *s, urn_bijection_call *call,
                             double *value)
{
    const double *mask = s->mask == 0 ? NULL : urn__known_values(m, s->mask);
    int64_t from = 0;
    while (from < call->n) {
        urn_bijection_call rest = *call;
        rest.n = call->n - from;
        rest.value = value + from * call->value_size;
        rest.low = call->low == NULL ? NULL : call->low + from;
        rest.high = call->high == NULL ? NULL : call->high + from;
        const int64_t at = s->support->first_outside(&rest);
        if (at < 0)
            return -1;
        const int64_t row = from + at;
        const int64_t rows = s->full_rows == 0 ? 1 : call->n / s->full_rows;
        if (mask == NULL || mask[row / (rows == 0 ? 1 : rows)] > 0.0)
            return row;
        from = row + 1;
    }
    return -1;
}

static void check_observed(urn_model *m, const urn__site *s)
{
    union {
        const double *in;
        double *out;
    } v = {.in = urn__known_values(m, s->value)};
    if (v.in == NULL || s->support->first_outside == NULL || m->options.n_plate_sizes > 0)
        return;
    const int64_t rows = known_size(m, s->value) / s->event;
    double *spread = urn__calloc(m->allocator, 2 * (size_t)rows + 1, sizeof *spread);
    if (spread == NULL) {
        (void)urn__model_error(m, URN_ERR_MEMORY, NULL, s->name, NULL, "out of memory");
        return;
    }
    urn_bijection_call call = {.n = rows,
                               .dim = s->dim,
                               .value_size = s->event,
                               .low = known_bound(m, s->low, rows, spread),
                               .high = known_bound(m, s->high, rows, spread + rows)};
    const int64_t row = first_outside(m, s, &call, v.out);
    urn__free(m->allocator, spread);
    if (row < 0)
        return;
    char where[256];
    const int64_t per_row = s->full_rows == 0 ? 1 : rows / s->full_rows;
    where_of_row(m, s, per_row == 0 ? row : row / per_row, where, sizeof where);
    (void)urn__model_error(m, URN_ERR_DATA, where, s->name,
                           "mend the data, mask the row, or use a family with another support",
                           "(%s): row %lld is outside the support (%s): found %g", s->family->name,
                           (long long)(per_row == 0 ? row : row / per_row), s->support->name,
                           v.in[row * s->event]);
}

void urn__check_site(urn_model *m, const urn__site *s)
{
    if (s->family == NULL)
        return;
    for (int i = 0; i < s->n_given && urn__model_ok(m); i++)
        check_parameter(m, s, i);
    if (urn__model_ok(m))
        check_bounds(m, s);
    if (urn__model_ok(m))
        check_mask(m, s);
    if (s->role == URN_SITE_OBSERVED && urn__model_ok(m))
        check_observed(m, s);
}
