/* Multivariate normal, by a lower triangular L with covariance L L^T or precision L L^T. */
#include "mvn_block.h"
#include "mvn_diagonal.h"
#include "mvn_small.h"
#include <urn/ops.h>

static bool by_precision(const urn__real *const *param)
{
    return param[PRECISION_TRIL] != NULL;
}

/* The sum of log L_kk; NaN unless they are positive. */
static double log_determinant(int64_t d, const urn__real *l)
{
    double diagonal[64], sum = 0.0;
    bool valid = true;
    for (int64_t from = 0; from < d; from += 64) {
        const int64_t n = d - from < 64 ? d - from : 64;
        for (int64_t k = 0; k < n; k++) {
            diagonal[k] = (double)l[(from + k) * (d + 1)];
            valid &= diagonal[k] > 0.0;
        }
        for (int64_t k = 0; k < n; k++)
            diagonal[k] = log(diagonal[k]);
        for (int64_t k = 0; k < n; k++)
            sum += diagonal[k];
    }
    return valid ? sum : (double)NAN;
}

/* Whether all is 0 but a diagonal that is not. A matrix with numbers above the diagonal, which do
 * not count, may be taken for a full one. */
static bool is_diagonal(int64_t d, const urn__real *l)
{
    int others = 0;
    if (d > 1 && !(l[d] == 0))
        return false;
    for (int64_t e = 0; e < d * d; e++)
        others += !(l[e] == 0);
    return others == d;
}

/* How the rows of a call are gone through, and what for. */
typedef struct way {
    bool precision, diagonal;
    mvn_block block; /* its sums are those of every way */
    mvn_diagonal at;
    const urn__real *root; /* of the diagonal */
} way;

#define SMALL_ROWS(d)                                                                              \
    static void scale_##d(const mvn_job *job, const way *w)                                        \
    {                                                                                              \
        mvn_small_rows(d, false, job, &w->block.sums);                                             \
    }                                                                                              \
    static void precision_##d(const mvn_job *job, const way *w)                                    \
    {                                                                                              \
        mvn_small_rows(d, true, job, &w->block.sums);                                              \
    }                                                                                              \
    static void diagonal_##d(const mvn_job *job, const way *w)                                     \
    {                                                                                              \
        mvn_small_diagonal(d, w->root, job, &w->block.sums);                                       \
    }
SMALL_ROWS(1)
SMALL_ROWS(2)
SMALL_ROWS(3)
SMALL_ROWS(4)
SMALL_ROWS(5)

typedef void whole_groups(const mvn_job *job, const way *w);
static whole_groups *const small_rows[3][MVN_SMALL + 1] = {
    {NULL, scale_1, scale_2, scale_3, scale_4, scale_5},
    {NULL, precision_1, precision_2, precision_3, precision_4, precision_5},
    {NULL, diagonal_1, diagonal_2, diagonal_3, diagonal_4, diagonal_5},
};

/* Steps of the general loop, each compiled once: inlined together, the compiler would make a copy
 * of everything for each combination of what is wanted. */
#define STEP static __attribute__((noinline)) void

STEP whiten(int wide, const mvn_job *job, const way *w)
{
    const lanes *c = w->block.c;
    if (w->precision && wide == 1)
        mvn_times_upper(1, job, c, w->block.y);
    else if (w->precision)
        mvn_times_upper(MVN_WIDE, job, c, w->block.y);
    else if (wide == 1)
        mvn_solve_lower(1, job, c, w->block.y);
    else
        mvn_solve_lower(MVN_WIDE, job, c, w->block.y);
}

STEP pull(int wide, const mvn_job *job, const way *w)
{
    const lanes *y = w->block.y;
    if (w->precision && wide == 1)
        mvn_times_lower(1, job, y, w->block.g);
    else if (w->precision)
        mvn_times_lower(MVN_WIDE, job, y, w->block.g);
    else if (wide == 1)
        mvn_solve_upper(1, job, y, w->block.g);
    else
        mvn_solve_upper(MVN_WIDE, job, y, w->block.g);
}

STEP centre_rows(int wide, const mvn_job *job, int64_t row, const mvn_block *at)
{
    mvn_centre(wide, job, row, at);
}

STEP write_partials(int wide, const mvn_job *job, int64_t row, const mvn_block *at)
{
    mvn_write_partials(wide, job, row, at);
}

STEP write_density(int wide, const mvn_job *job, int64_t row, const lanes *y)
{
    if (wide == 1)
        mvn_write_density(1, job, row, y);
    else
        mvn_write_density(MVN_WIDE, job, row, y);
}

STEP add_products(int wide, int64_t d, const lanes *left, const mvn_block *at)
{
    if (wide == 1)
        mvn_add_products(1, d, left, at->y, at->sums.products);
    else
        mvn_add_products(MVN_WIDE, d, left, at->y, at->sums.products);
}

static void blocks(const mvn_job *job, const way *w)
{
    const bool want_g =
        job->d_x != NULL || job->d_loc != NULL || (job->d_tril != NULL && !w->precision);
    for (int64_t row = 0; row < job->n;) {
        const int wide = row + MVN_WIDE * LANES <= job->n ? MVN_WIDE : 1;
        centre_rows(wide, job, row, &w->block);
        whiten(wide, job, w);
        write_density(wide, job, row, w->block.y);
        if (want_g) {
            pull(wide, job, w);
            write_partials(wide, job, row, &w->block);
        }
        if (job->d_tril != NULL)
            add_products(wide, job->dim, w->precision ? w->block.c : w->block.g, &w->block);
        row += wide * LANES;
    }
}

static void diagonals(const mvn_job *job, const way *w)
{
    mvn_diagonal_rows(job, &w->at);
}

/* All rows of a job: whole groups where they are, the others in a copy. */
static void run(const mvn_job *job, whole_groups *groups, int64_t whole, const way *w,
                urn__real *memory)
{
    const mvn_job most = mvn_part(job, 0, whole);
    if (whole > 0)
        groups(&most, w);
    for (int64_t from = whole; from < job->n; from += LANES) {
        const int64_t n = job->n - from < LANES ? job->n - from : LANES;
        mvn_copy copy = mvn_copy_at(job->dim, memory);
        const mvn_job few = mvn_copy_in(job, from, n, &copy);
        groups(&few, w);
        mvn_copy_out(job, from, n, &copy);
    }
}

/* Sums of g as columns, from where the diagonal way keeps them. */
static void collect_sums(int64_t d, const way *w)
{
    for (int64_t k = 0; k < d && w->at.sums != NULL; k++)
        w->block.sums.g[k][0] = w->at.sums[k];
}

static void rows_sharing(const mvn_job *job, bool precision, urn__real *scratch)
{
    const int64_t d = job->dim;
    urn__real *memory = scratch + MVN_BLOCK(d) * LANES, *copy = memory + MVN_DIAGONAL(d);
    urn__real *root = copy + MVN_COPY(d);
    way w = {.precision = precision,
             .diagonal = job->d_tril == NULL && is_diagonal(d, job->tril),
             .block = mvn_block_at(d, job->d_tril != NULL, (lanes *)(void *)scratch),
             .root = root};
    for (int64_t k = 0; k < d; k++)
        root[k] = precision ? job->tril[k * d + k] : job->inverse[k];
    if (d <= MVN_SMALL) {
        whole_groups *groups = small_rows[w.diagonal ? 2 : precision][d];
        run(job, groups, job->n / LANES * LANES, &w, copy);
    } else if (w.diagonal) {
        w.at = mvn_diagonal_at(job, root, memory);
        run(job, diagonals, d >= LANES ? job->n / LANES * LANES : lanes_whole(d, job->n), &w, copy);
        collect_sums(d, &w);
    } else {
        run(job, blocks, lanes_whole(d, job->n), &w, copy);
    }
    mvn_finish(precision, job, &w.block.sums);
}

/* Enough on every path: registers, then the rest; see rows_sharing and log_density. */
static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return MVN_BLOCK(dim) * LANES_MOST + MVN_DIAGONAL(dim) + MVN_COPY(dim) + 2 * dim;
}

/* Each row with an L of its own: a job of one row each. */
static void log_density(const urn__density_call_real *c)
{
    const bool precision = by_precision(c->param);
    const int tril = precision ? PRECISION_TRIL : SCALE_TRIL;
    const int64_t d = c->dim, stride = c->stride[tril], step = stride == 0 ? c->n : 1;
    const double log_pi = 0.5 * (double)d * URN__LOG_2PI;
    urn__real *inverse = c->scratch + scratch_doubles(c->n, d) - d;
    if (stride != 0 && c->d_param[tril] != NULL)
        memset(c->d_param[tril], 0, (size_t)(c->n * d * d) * sizeof(urn__real));
    for (int64_t i = 0; i < c->n; i += step) {
        const urn__real *l = c->param[tril] + i * stride;
        const double log_det = log_determinant(d, l);
        for (int64_t k = 0; k < d; k++)
            inverse[k] = 1 / l[k * (d + 1)];
        const mvn_job job = {
            .n = step,
            .dim = d,
            .x = c->x + i * c->x_stride,
            .loc = c->param[LOC] + i * c->stride[LOC],
            .tril = l,
            .x_stride = c->x_stride,
            .loc_stride = c->stride[LOC],
            .inverse = inverse,
            .constant = (urn__real)(precision ? log_det - log_pi : -log_det - log_pi),
            .log_density = c->log_density + i,
            .d_x = c->d_x != NULL ? c->d_x + i * c->x_stride : NULL,
            .d_loc = c->d_param[LOC] != NULL ? c->d_param[LOC] + i * c->stride[LOC] : NULL,
            .d_tril = c->d_param[tril] != NULL ? c->d_param[tril] + i * stride : NULL,
        };
        rows_sharing(&job, precision, c->scratch);
    }
}

URN__DENSITY_DEFINE(mvn, log_density)

#ifndef URN_SINGLE

static const double *row_of(const urn_draw_call *c, int k, int64_t row)
{
    return c->param[k] + row * c->stride[k];
}

/* x = loc + L z, or loc + L^-T z. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const bool precision = by_precision(c->param);
    const double *loc = row_of(c, LOC, row);
    const double *l = row_of(c, precision ? PRECISION_TRIL : SCALE_TRIL, row);
    double *x = c->x + row * d;
    for (int64_t k = 0; k < d; k++)
        x[k] = urn_rng_normal(rng);
    for (int64_t i = d - 1; i >= 0; i--) {
        double sum = precision ? x[i] : 0.0;
        if (precision) {
            for (int64_t j = i + 1; j < d; j++)
                sum -= l[j * d + i] * x[j];
            sum /= l[i * d + i];
        } else {
            for (int64_t j = 0; j <= i; j++)
                sum += l[i * d + j] * x[j];
        }
        x[i] = sum;
    }
    bool valid = true;
    for (int64_t k = 0; k < d; k++)
        valid &= l[k * d + k] > 0.0;
    for (int64_t k = 0; k < d; k++)
        x[k] = valid ? x[k] + loc[k] : (double)NAN;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        memcpy(c->x + i * c->dim, row_of(c, LOC, i), (size_t)c->dim * sizeof(double));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        memcpy(c->out + i * c->dim, row_of(c, LOC, i), (size_t)c->dim * sizeof(double));
}

/* Column k of L^-1 into `column` (from k on); the variances are the squared lengths of these. */
static void add_inverse_column(int64_t d, const double *l, int64_t k, double *column)
{
    for (int64_t i = k; i < d; i++) {
        double sum = i == k ? 1.0 : 0.0;
        for (int64_t j = k; j < i; j++)
            sum -= l[i * d + j] * column[j];
        column[i] = sum / l[i * d + i];
    }
}

static void variance_of(int64_t d, const double *l, bool precision, double *column, double *out)
{
    for (int64_t k = 0; k < d; k++) {
        out[k] = 0.0;
        if (precision)
            add_inverse_column(d, l, k, column);
        for (int64_t i = precision ? k : 0; i < (precision ? d : k + 1); i++) {
            const double v = precision ? column[i] : l[k * d + i];
            out[k] += v * v;
        }
    }
}

static void variance(const urn_draw_call *c)
{
    const bool precision = by_precision(c->param);
    const int64_t d = c->dim;
    for (int64_t i = 0; i < c->n; i++) {
        const double *l = row_of(c, precision ? PRECISION_TRIL : SCALE_TRIL, i);
        if (i > 0 && l == row_of(c, precision ? PRECISION_TRIL : SCALE_TRIL, 0))
            memcpy(c->out + i * d, c->out, (size_t)d * sizeof(double));
        else
            variance_of(d, l, precision, c->scratch, c->out + i * d);
    }
}

static const urn_family_alternative alternatives[] = {
    {"covariance", "scale_tril", URN_DOMAIN_POSITIVE_DEFINITE, urn_cholesky},
    {"precision", "precision_tril", URN_DOMAIN_POSITIVE_DEFINITE, urn_cholesky},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "mvn",
    .support = urn_support_real,
    .event_rank = 1,
    .size_from = "loc",
    .params = {{"loc", 1, URN_DOMAIN_REAL, 0},
               {"scale_tril", 2, URN_DOMAIN_TRIL, 1},
               {"precision_tril", 2, URN_DOMAIN_TRIL, 1}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(mvn, family)

#endif
