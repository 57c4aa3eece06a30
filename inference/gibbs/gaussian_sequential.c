/* Rows one after another, where a row of a child depends on several: skill[winner] - skill[loser],
 * say. Each row's conditional is given the others as they are now; residuals are kept up to date.
 */
#include "gaussian.h"
#include <math.h>
#include <string.h>

urn_status urn__gauss_open_sequential(urn__gibbs_block *b, urn_error *error)
{
    urn__gauss_block *own = b->own;
    const size_t d = (size_t)own->d;
    int64_t n = 0;
    for (int i = 0; i < own->n_children; i++) {
        n += own->child[i].n;
        own->residuals[i] = urn__arena_alloc(b->arena, (size_t)own->child[i].n + 1, sizeof(double));
    }
    own->q = urn__arena_alloc(b->arena, 2 * d * d, sizeof(double));
    own->h = urn__arena_alloc(b->arena, 3 * d, sizeof(double));
    own->a = own->h == NULL ? NULL : own->h + d;
    own->z = own->h == NULL ? NULL : own->h + 2 * d;
    return urn__arena_failed(b->arena)
               ? urn__fail_memory(error, "residuals", (size_t)n * sizeof(double))
               : URN_OK;
}

/* ---- one row of a child ---- */

static int64_t row_of(const urn__gauss_block *own, const urn__gauss_child *c, int i, int64_t r)
{
    const urn__index *ix = c->product[i].index;
    return ix != NULL ? ix->row[r] : own->rows > 1 ? r / (c->n / own->rows) : 0;
}

static void add_product(const urn__gibbs_block *b, const urn__gauss_child *c, int i, int64_t r,
                        double *a)
{
    const urn__gauss_block *own = b->own;
    const urn__gauss_product *p = &c->product[i];
    const double *gain = urn__block_got(b, p->gain), *x = urn__block_got(b, p->want);
    const double f = p->factor * (gain != NULL ? gain[r] : 1.0);
    const double *v = x == NULL ? NULL : x + (p->row != NULL ? p->row[r] : r) * p->stride;
    for (int64_t k = 0; k < own->d; k++)
        a[k] += f * (v != NULL ? v[k] : 1.0);
}

/* Coefficients of row `row` of x in row r of the child: of all products that name it. */
static void coefficients_of(const urn__gibbs_block *b, const urn__gauss_child *c, int64_t row,
                            int64_t r, double *a)
{
    const urn__gauss_block *own = b->own;
    memset(a, 0, (size_t)own->d * sizeof *a);
    for (int i = 0; i < c->n_products; i++)
        if (row_of(own, c, i, r) == row)
            add_product(b, c, i, r, a);
}

/* Was row r met under an earlier product? */
static bool met(const urn__gauss_block *own, const urn__gauss_child *c, int product, int64_t row,
                int64_t r)
{
    for (int i = 0; i < product; i++)
        if (row_of(own, c, i, r) == row)
            return true;
    return false;
}

static double weight_of(const urn__gibbs_block *b, const urn__gauss_child *c, int64_t r)
{
    const double *mask = urn__block_got(b, c->mask);
    if (mask != NULL && mask[r / c->per_mask] == 0.0)
        return 0.0;
    return urn__block_got(b, c->weight)[r * c->weight_stride];
}

typedef void visit(urn__gibbs_block *b, int child, int64_t row, int64_t r);

/* Calls `visit` for every row of every child that depends on `row`, once each. */
static void each_child_row(urn__gibbs_block *b, int64_t row, visit *call)
{
    const urn__gauss_block *own = b->own;
    for (int k = 0; k < own->n_children; k++) {
        const urn__gauss_child *c = &own->child[k];
        for (int i = 0; i < c->n_products; i++) {
            const urn__index *ix = c->product[i].index;
            const int64_t per = c->n / own->rows;
            const int64_t first = ix != NULL ? ix->start[row] : row * per;
            const int64_t last = ix != NULL ? ix->start[row + 1] : first + per;
            for (int64_t j = first; j < last; j++) {
                const int64_t r = ix != NULL && ix->order != NULL ? ix->order[j] : j;
                if (!met(own, c, i, row, r))
                    call(b, k, row, r);
            }
        }
    }
}

/* ---- residuals ---- */

/* target - products at the current values. */
static void find_residuals(urn__gibbs_block *b)
{
    urn__gauss_block *own = b->own;
    const double *x = urn__block_value(b, 0);
    for (int k = 0; k < own->n_children; k++) {
        const urn__gauss_child *c = &own->child[k];
        memcpy(own->residuals[k], urn__block_got(b, c->target), (size_t)c->n * sizeof(double));
        for (int i = 0; i < c->n_products; i++)
            for (int64_t r = 0; r < c->n; r++) {
                const int64_t row = row_of(own, c, i, r);
                memset(own->a, 0, (size_t)own->d * sizeof *own->a);
                add_product(b, c, i, r, own->a);
                for (int64_t j = 0; j < own->d; j++)
                    own->residuals[k][r] -= own->a[j] * x[row * own->d + j];
            }
    }
}

static void add_likelihood(urn__gibbs_block *b, int child, int64_t row, int64_t r)
{
    urn__gauss_block *own = b->own;
    const urn__gauss_child *c = &own->child[child];
    const double *x = urn__block_value(b, 0) + row * own->d;
    const double w = weight_of(b, c, r);
    if (w == 0.0)
        return;
    coefficients_of(b, c, row, r, own->a);
    double t = own->residuals[child][r];
    for (int64_t k = 0; k < own->d; k++)
        t += own->a[k] * x[k];
    for (int64_t i = 0; i < own->d; i++) {
        own->h[i] += w * own->a[i] * t;
        for (int64_t k = 0; k < own->d; k++)
            own->q[i * own->d + k] += w * own->a[i] * own->a[k];
    }
}

/* own->z is what the row moved by. */
static void move_residual(urn__gibbs_block *b, int child, int64_t row, int64_t r)
{
    urn__gauss_block *own = b->own;
    coefficients_of(b, &own->child[child], row, r, own->a);
    for (int64_t k = 0; k < own->d; k++)
        own->residuals[child][r] -= own->a[k] * own->z[k];
}

/* ---- a row ---- */

static void conditional_of(urn__gibbs_block *b, int64_t row)
{
    urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    const double *p = own->precision + row * own->precision_stride;
    memset(own->q, 0, (size_t)(d * d) * sizeof *own->q);
    for (int64_t i = 0; i < (own->diagonal ? d : d * d); i++)
        own->q[own->diagonal ? i * d + i : i] = p[i];
    memcpy(own->h, own->shift + row * own->shift_stride, (size_t)d * sizeof *own->h);
    each_child_row(b, row, add_likelihood);
}

/* The new row into own->h. */
static bool draw_row(urn__gibbs_block *b, int64_t row, bool modes)
{
    urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    double *l = own->q + d * d;
    if (!urn__cholesky(d, own->q, l))
        return false;
    urn__tri_solve(d, 1, l, false, own->h);
    urn_rng rng;
    urn__rng_at_row(&rng, &own->stream, row);
    for (int64_t k = 0; !modes && k < d; k++)
        own->h[k] += urn_rng_normal(&rng);
    urn__tri_solve(d, 1, l, true, own->h);
    for (int64_t k = 0; k < d; k++)
        if (!isfinite(own->h[k]))
            return false;
    return true;
}

urn_status urn__gauss_update_sequential(urn__gibbs_block *b, bool modes, urn_error *error)
{
    urn__gauss_block *own = b->own;
    const int64_t d = own->d;
    own->stream = urn__block_stream(b);
    find_residuals(b);
    for (int64_t row = 0; row < own->rows; row++) {
        double *x = urn__block_value(b, 0) + row * d;
        conditional_of(b, row);
        if (!draw_row(b, row, modes))
            return urn__block_fail(b, row, own->q[0], error);
        for (int64_t k = 0; k < d; k++) {
            own->z[k] = own->h[k] - x[k];
            x[k] = own->h[k];
        }
        each_child_row(b, row, move_residual);
    }
    return URN_OK;
}

void urn__gauss_collect_sequential(urn__gibbs_block *b, int64_t row)
{
    find_residuals(b);
    conditional_of(b, row);
}
