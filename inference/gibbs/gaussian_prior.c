/* The prior of a Gaussian block as precision and shift, of all rows or of each. */
#include "gaussian.h"
#include <string.h>

static urn__id param(const urn__gibbs_block *b, const char *word)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->family->params[s->given[k]].word, word) == 0)
            return b->g->nodes->site[b->site[0]].param[k];
    return 0;
}

static urn__id said(const urn__gibbs_block *b, const char *word)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    for (int k = 0; k < s->n_given; k++)
        if (strcmp(s->word[k].word, word) == 0)
            return b->g->nodes->site[b->site[0]].word[k];
    return 0;
}

/* A node with the event dims of `event`, for all rows at once where it has no plates. */
static int want_prior(urn__gibbs_block *b, urn__id id, const urn__shape *event, int64_t *stride)
{
    urn__graph *g = b->g->nodes->graph;
    const urn__shape *x = &b->g->m->site[b->site[0]].shape;
    const bool shared = urn__graph_shape(g, id)->n_plates == 0;
    const urn__shape none = {0};
    const urn__shape full =
        urn__shape_with_event(shared ? &none : x, event->n_event, event->dim + event->n_plates);
    *stride = shared ? 0 : urn__shape_event(&full);
    return urn__block_want(b, urn__broadcast(g, id, &full));
}

static void plan_matrix(urn__gibbs_block *b, const urn__site *s)
{
    urn__gauss_block *own = b->own;
    const urn__shape square = urn__shape_matrix(s->dim, s->dim);
    own->by_precision = param(b, "precision_tril") != 0;
    const urn__id tril = param(b, own->by_precision ? "precision_tril" : "scale_tril");
    own->tril = want_prior(b, tril, &square, &own->tril_stride);
    own->precision_word = -1;
    if (said(b, "precision") != 0)
        own->precision_word = want_prior(b, said(b, "precision"), &square, &own->tril_stride);
}

void urn__gauss_plan_prior(urn__gibbs_block *b, bool *able)
{
    urn__gauss_block *own = b->own;
    const urn__site *s = &b->g->m->site[b->site[0]];
    *able = true;
    own->loc = own->scale = own->tril = own->precision_word = -1;
    own->flat = s->family == urn_family_improper_uniform();
    own->diagonal = own->flat || s->family == urn_family_normal();
    if (own->flat && (s->low != 0 || s->high != 0)) {
        b->why = urn__block_say(b, "it has bounds");
        *able = false;
        return;
    }
    if (own->flat)
        return;
    own->loc = want_prior(b, param(b, "loc"), &s->shape, &own->loc_stride);
    if (own->diagonal) {
        own->scale = want_prior(b, param(b, "scale"), &s->shape, &own->scale_stride);
    } else if (s->shape.n_event != 1) {
        b->why = urn__block_say(b, "its vectors have further event dims");
        *able = false;
    } else {
        plan_matrix(b, s);
    }
}

/* ---- buffers ---- */

static bool has_vectors(const urn__gauss_block *own)
{
    for (int i = 0; i < own->n_children; i++)
        if (own->child[i].way == URN__GAUSS_VECTOR)
            return true;
    return false;
}

/* Strides as gauss_rows takes them: 0 where one serves all rows. Elements as rows: one number
 * each. */
urn_status urn__gauss_open_prior(urn__gibbs_block *b, urn_error *error)
{
    urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    const bool vectors = has_vectors(own) && own->rows > 1;
    const int64_t scales = own->diagonal ? own->scale_stride : own->tril_stride;
    const bool each = vectors || scales > 0 || (own->elements && !own->flat);
    own->diagonal = own->diagonal && !has_vectors(own);
    const int64_t size = own->diagonal ? d : d * d;
    own->precision_stride = each && own->rows > 1 ? size : 0;
    own->shift_stride =
        own->rows > 1 && (each || own->loc_stride > 0 || (own->elements && !own->flat)) ? d : 0;
    const int64_t n = own->precision_stride > 0 ? own->rows : 1;
    const int64_t n_shift = own->shift_stride > 0 ? own->rows : 1;
    own->precision = urn__arena_alloc(b->arena, (size_t)(n * size) + 1, sizeof(double));
    own->shift = urn__arena_alloc(b->arena, (size_t)(n_shift * d) + 1, sizeof(double));
    own->work = urn__arena_alloc(b->arena, (size_t)b->g->most_threads * 2 * (size_t)(d * d) + 1,
                                 sizeof(double));
    own->probe = urn__arena_alloc(b->arena, 2 * (size_t)d, sizeof(double));
    return urn__arena_failed(b->arena)
               ? urn__fail_memory(error, "the priors of rows", (size_t)(n * size) * sizeof(double))
               : URN_OK;
}

/* ---- values ---- */

void urn__gauss_precision_of(int64_t d, const double *tril, bool by_precision, double *work,
                             double *precision)
{
    if (by_precision) {
        urn__matmul(d, d, d, tril, false, tril, true, precision, false);
        return;
    }
    memset(work, 0, (size_t)(d * d) * sizeof *work);
    for (int64_t i = 0; i < d; i++)
        work[i * d + i] = 1.0;
    urn__tri_solve(d, d, tril, false, work);
    urn__matmul(d, d, d, work, true, work, false, precision, false);
}

static const double *got(const urn__gibbs_block *b, int want, int64_t stride, int64_t row)
{
    const double *v = urn__block_got(b, want);
    return v == NULL ? NULL : v + row * stride;
}

static void normal_precision(const urn__gibbs_block *b, int64_t row, double *precision)
{
    const urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    const double *scale = NULL;
    if (!own->flat && own->elements) /* row is an element: the scale is of one, or of all */
        scale = urn__block_got(b, own->scale) + (own->scale_stride > 0 ? row : row % own->per_row);
    else if (!own->flat)
        scale = got(b, own->scale, own->scale_stride, row);
    for (int64_t k = 0; k < d; k++) {
        const double p = own->flat ? 0.0 : 1.0 / (scale[k] * scale[k]);
        if (own->diagonal) {
            precision[k] = p;
            continue;
        }
        memset(precision + k * d, 0, (size_t)d * sizeof *precision);
        precision[k * d + k] = p;
    }
}

static void matrix_precision(const urn__gibbs_block *b, int64_t row, double *work,
                             double *precision)
{
    const urn__gauss_block *own = b->own;
    const size_t bytes = (size_t)(own->d * own->d) * sizeof *precision;
    if (own->precision_word >= 0)
        memcpy(precision, got(b, own->precision_word, own->tril_stride, row), bytes);
    else
        urn__gauss_precision_of(own->d, got(b, own->tril, own->tril_stride, row), own->by_precision,
                                work, precision);
}

static void shift_of(const urn__gibbs_block *b, int64_t row, const double *precision, double *shift)
{
    const urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    if (own->flat) {
        memset(shift, 0, (size_t)d * sizeof *shift);
        return;
    }
    const double *loc = own->elements ? urn__block_got(b, own->loc) +
                                            (own->loc_stride > 0 ? row : row % own->per_row)
                                      : got(b, own->loc, own->loc_stride, row);
    for (int64_t i = 0; i < d; i++) {
        double sum = 0.0;
        for (int64_t k = 0; !own->diagonal && k < d; k++)
            sum += precision[i * d + k] * loc[k];
        shift[i] = own->diagonal ? precision[i] * loc[i] : sum;
    }
}

enum { ROWS_PER_TASK = 256 };

static void prior_rows(void *context, int64_t task, int thread)
{
    const urn__gibbs_block *b = context;
    const urn__gauss_block *own = b->own;
    const bool normal = own->flat || own->scale >= 0;
    const int64_t n = own->shift_stride > 0 || own->precision_stride > 0 ? own->rows : 1;
    const int64_t last = (task + 1) * ROWS_PER_TASK < n ? (task + 1) * ROWS_PER_TASK : n;
    double *work = own->work + (int64_t)thread * 2 * own->d * own->d;
    for (int64_t row = task * ROWS_PER_TASK; row < last; row++) {
        double *precision = own->precision + row * own->precision_stride;
        if (own->precision_stride > 0 && normal)
            normal_precision(b, row, precision);
        else if (own->precision_stride > 0)
            matrix_precision(b, row, work, precision);
        if (own->shift_stride > 0 || row == 0)
            shift_of(b, row, precision, own->shift + row * own->shift_stride);
    }
}

void urn__gauss_prior_now(urn__gibbs_block *b)
{
    urn__gauss_block *own = b->own;
    const bool each = own->shift_stride > 0 || own->precision_stride > 0;
    const int64_t tasks = each ? (own->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK : 1;
    if (own->precision_stride == 0 && (own->flat || own->scale >= 0))
        normal_precision(b, 0, own->precision);
    else if (own->precision_stride == 0)
        matrix_precision(b, 0, own->work, own->precision);
    urn__parallel(b->g->threads, tasks, prior_rows, b);
}
