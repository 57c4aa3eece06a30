/* Checks of what is known before fitting: constant parameters and observed values. */
#include "made.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const double *urn__known_values(const urn_model *m, urn__id id)
{
    const urn__node *n = urn__graph_node(m->graph, id);
    if (n->op != &urn__op_constant && n->op != &urn__op_data)
        return NULL;
    return urn__values_doubles(n->attr);
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

static bool in_domain(urn_domain domain, int64_t side, double v)
{
    switch (domain) {
    case URN_DOMAIN_ABOVE_SIDE:
        return v > (double)(side - 1);
    case URN_DOMAIN_COUNT:
        return v >= 0.0 && isfinite(v) && !(v > floor(v));
    case URN_DOMAIN_POSITIVE:
        return v > 0.0;
    case URN_DOMAIN_UNIT:
        return v >= 0.0 && v <= 1.0;
    case URN_DOMAIN_REAL:
    case URN_DOMAIN_ORDERED:
    case URN_DOMAIN_TRIL:
    case URN_DOMAIN_POSITIVE_DEFINITE:
        break;
    }
    return isfinite(v);
}

static const char *domain_text(urn_domain domain)
{
    return domain == URN_DOMAIN_POSITIVE     ? "positive"
           : domain == URN_DOMAIN_UNIT       ? "between 0 and 1"
           : domain == URN_DOMAIN_COUNT      ? "a whole number of at least 0"
           : domain == URN_DOMAIN_ABOVE_SIDE ? "more than the side of the matrix less 1"
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

static void check_order(urn_model *m, const urn__site *s, const char *word, int64_t n,
                        const double *v)
{
    for (int64_t k = 1; k < n; k++)
        if (k % s->dim != 0 && !(v[k] > v[k - 1])) {
            (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                                   "(%s): %s must be in increasing order; element %lld is %g, "
                                   "element %lld is %g",
                                   s->family->name, word, (long long)(k % s->dim - 1), v[k - 1],
                                   (long long)(k % s->dim), v[k]);
            return;
        }
}

static void check_parameter(urn_model *m, const urn__site *s, int i)
{
    const char *word = s->word[i].word;
    const double *v = urn__known_values(m, s->word[i].id);
    const urn_domain domain = word_domain(s->family, word, s->given[i]);
    const int64_t n = v == NULL ? 0 : known_size(m, s->word[i].id);
    for (int64_t k = 0; k < n; k++)
        if (!in_domain(domain, s->dim, v[k]) || !isfinite(v[k])) {
            (void)urn__model_error(m, URN_ERR_MODEL, s->where, s->name, NULL,
                                   "(%s): %s is %g; it must be %s", s->family->name, word, v[k],
                                   domain_text(domain));
            return;
        }
    if (domain == URN_DOMAIN_ORDERED)
        check_order(m, s, word, n, v);
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

static void where_of_row(const urn_model *m, const urn__site *s, int64_t row, char *text,
                         size_t size)
{
    const urn__plate *p = s->plate == 0 ? NULL : &m->plate[s->plate - 1];
    (void)snprintf(text, size, "%s", s->where);
    if (p != NULL && p->kind == URN__PLATE_ROWS && p->table >= 0)
        urn__dataset_where(m->data, p->table, urn__plate_table_row(m, p, row), text, size);
}

/* A known bound or mask as rows want it: one number for all, or one each. */
typedef struct by_row {
    const urn__values_attr *values; /* NULL: none, or not known before fitting */
    bool same;
} by_row;

static by_row by_row_of(const urn_model *m, urn__id id, int64_t rows)
{
    const urn__node *n = id == 0 ? NULL : urn__graph_node(m->graph, id);
    if (n == NULL || (n->op != &urn__op_constant && n->op != &urn__op_data))
        return (by_row){0};
    const int64_t size = known_size(m, id);
    return size == rows || size == 1 ? (by_row){n->attr, size == 1} : (by_row){0};
}

static const double *read_rows(const by_row *b, int64_t from, int64_t n, double *to)
{
    if (b->values == NULL)
        return NULL;
    if (!b->same) {
        urn__values_read(b->values, from, n, to);
        return to;
    }
    urn__values_read(b->values, 0, 1, to);
    for (int64_t i = 1; i < n; i++)
        to[i] = to[0];
    return to;
}

/* The observed values of a site, looked at a block of rows at a time. */
typedef struct looker {
    const urn__site *site;
    const urn__values_attr *values;
    by_row low, high, mask;
    int64_t rows, per_mask; /* rows of the value to one of the mask */
    double *value, *lows, *highs, *free;
} looker;

enum { LOOK_ROWS = 4096 };

static bool is_masked(const looker *l, int64_t row)
{
    double shown = 1.0;
    if (l->mask.values != NULL)
        urn__values_read(l->mask.values, l->mask.same ? 0 : row / l->per_mask, 1, &shown);
    return !(shown > 0.0);
}

/* The first row of a block that is outside the support and not hidden by a mask; -1: none. */
static int64_t first_outside(const looker *l, int64_t from, int64_t n)
{
    const urn__site *s = l->site;
    urn__values_read(l->values, from * s->event, n * s->event, l->value);
    const double *low = read_rows(&l->low, from, n, l->lows);
    const double *high = read_rows(&l->high, from, n, l->highs);
    for (int64_t done = 0; done < n;) {
        const urn_bijection_call call = {.n = n - done,
                                         .dim = s->dim,
                                         .value_size = s->event,
                                         .value = l->value + done * s->event,
                                         .free = l->free,
                                         .low = low == NULL ? NULL : low + done,
                                         .high = high == NULL ? NULL : high + done};
        const int64_t at = s->support->first_outside(&call);
        if (at < 0)
            return -1;
        if (!is_masked(l, from + done + at))
            return from + done + at;
        done += at + 1;
    }
    return -1;
}

void urn__outside_text(const urn__site *s, const urn_bijection_call *call, char *text, size_t size)
{
    if (s->support->tell_outside != NULL)
        s->support->tell_outside(call, text, size);
    else
        (void)snprintf(text, size, "found %g", urn__shown(call->value[0]));
}

static void report_outside(urn_model *m, const looker *l, int64_t at)
{
    const urn__site *s = l->site;
    const int64_t per_row = s->full_rows == 0 ? 1 : l->rows / s->full_rows;
    const int64_t row = per_row == 0 ? at : at / per_row;
    char where[256];
    char found[160];
    urn__values_read(l->values, at * s->event, s->event, l->value);
    const urn_bijection_call call = {
        .n = 1, .dim = s->dim, .value_size = s->event, .value = l->value, .free = l->free};
    urn__outside_text(s, &call, found, sizeof found);
    where_of_row(m, s, row, where, sizeof where);
    (void)urn__model_error(m, URN_ERR_DATA, where, s->name,
                           "mend the data, mask the row, or use a family with another support",
                           "(%s): row %lld is outside the support (%s): %s", s->family->name,
                           (long long)row, s->support->name, found);
}

static void check_observed(urn_model *m, const urn__site *s)
{
    const urn__node *node = urn__graph_node(m->graph, s->value);
    if ((node->op != &urn__op_constant && node->op != &urn__op_data) ||
        s->support->first_outside == NULL || m->options.n_plate_sizes > 0)
        return;
    looker l = {.site = s, .values = node->attr, .rows = known_size(m, s->value) / s->event};
    l.low = by_row_of(m, s->low, l.rows);
    l.high = by_row_of(m, s->high, l.rows);
    l.per_mask = s->full_rows == 0 || l.rows < s->full_rows ? 1 : l.rows / s->full_rows;
    l.mask = by_row_of(m, s->mask, l.rows / l.per_mask);
    const size_t block = (size_t)(l.rows < LOOK_ROWS ? l.rows : LOOK_ROWS);
    const size_t numbers = block * ((size_t)s->event + 2) + (size_t)s->free_row + 1;
    l.value = urn__calloc(m->allocator, numbers, sizeof *l.value);
    if (l.value == NULL) {
        (void)urn__model_error(m, URN_ERR_MEMORY, NULL, s->name, NULL, "out of memory");
        return;
    }
    l.lows = l.value + block * (size_t)s->event;
    l.highs = l.lows + block;
    l.free = l.highs + block;
    int64_t at = -1;
    for (int64_t from = 0; from < l.rows && at < 0; from += (int64_t)block)
        at = first_outside(&l, from,
                           l.rows - from < (int64_t)block ? l.rows - from : (int64_t)block);
    if (at >= 0)
        report_outside(m, &l, at);
    urn__free(m->allocator, l.value);
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
        urn__check_truncation(m, s);
    if (urn__model_ok(m))
        check_mask(m, s);
    if (s->role == URN_SITE_OBSERVED && urn__model_ok(m))
        check_observed(m, s);
}
