/* Multivariate normal, by a lower triangular L with covariance L L^T or precision L L^T. */
#include "mvn_rows.h"
#include <urn/ops.h>

static bool by_precision(const double *const *param)
{
    return param[PRECISION_TRIL] != NULL;
}

/* Fits every path: lanes of at most 8. */
static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    const int64_t columns = dim * (3 * MVN_WIDE + 2) + dim * (dim + 1) / 2;
    return columns * 8 + (dim + 7) / 8 * 8;
}

/* -(dim / 2) log(2 pi) +- sum log L_kk; NaN unless the diagonal is positive. Fills 1 / L_kk. */
static double constant_of(int64_t d, const double *l, bool precision, double *inverse)
{
    double log_det = 0.0;
    bool valid = true;
    for (int64_t k = 0; k < d; k++) {
        inverse[k] = 1.0 / l[k * d + k];
        log_det += log(l[k * d + k]);
        valid &= l[k * d + k] > 0.0;
    }
    const double value = (precision ? log_det : -log_det) - 0.5 * (double)d * URN__LOG_2PI;
    return valid ? value : (double)NAN;
}

#define SMALL_ROWS(d, precise)                                                                     \
    static void rows_##d##_##precise(const mvn_job *job)                                           \
    {                                                                                              \
        lanes c[d] = {{0}}, y[d] = {{0}}, g[d] = {{0}}, loc[d] = {{0}};                            \
        lanes sum_g[d] = {{0}}, products[(d) * ((d) + 1) / 2] = {{0}};                             \
        mvn_small_rows(d, precise, job, (mvn_block){c, y, g, loc, sum_g, products});               \
    }
SMALL_ROWS(1, 0)
SMALL_ROWS(2, 0)
SMALL_ROWS(3, 0)
SMALL_ROWS(4, 0)
SMALL_ROWS(5, 0)
SMALL_ROWS(1, 1)
SMALL_ROWS(2, 1)
SMALL_ROWS(3, 1)
SMALL_ROWS(4, 1)
SMALL_ROWS(5, 1)

static void (*const small_rows[2][MVN_SMALL + 1])(const mvn_job *) = {
    {NULL, rows_1_0, rows_2_0, rows_3_0, rows_4_0, rows_5_0},
    {NULL, rows_1_1, rows_2_1, rows_3_1, rows_4_1, rows_5_1},
};

/* Steps of the general loop, each compiled once: inlined together, the compiler would make a copy
 * of everything for each combination of what is wanted. */
#define STEP static __attribute__((noinline)) void

STEP centre_block(int64_t d, bool whole, const mvn_job *job, int64_t row, const mvn_block *at)
{
    if (whole)
        mvn_centred(d, MVN_WIDE, true, job, row, at->c, at->loc);
    else
        mvn_centred(d, MVN_WIDE, false, job, row, at->c, at->loc);
}

STEP whiten_block(int64_t d, bool precision, const mvn_job *job, const mvn_block *at)
{
    if (precision)
        mvn_whiten(d, MVN_WIDE, true, job, at->c, at->y);
    else
        mvn_whiten(d, MVN_WIDE, false, job, at->c, at->y);
}

STEP pull_block(int64_t d, bool precision, const mvn_job *job, const mvn_block *at)
{
    if (precision)
        mvn_pull(d, MVN_WIDE, true, job, at->y, at->g);
    else
        mvn_pull(d, MVN_WIDE, false, job, at->y, at->g);
    for (int64_t k = 0; k < d; k++)
        for (int v = 0; v < MVN_WIDE; v++)
            at->sum_g[k] += at->g[k * MVN_WIDE + v];
}

STEP write_block(int64_t d, bool whole, const mvn_job *job, int64_t row, const mvn_block *at)
{
    if (whole)
        mvn_write_partials(d, MVN_WIDE, true, job, row, at->g);
    else
        mvn_write_partials(d, MVN_WIDE, false, job, row, at->g);
}

STEP add_block(int64_t d, bool precision, const mvn_block *at)
{
    mvn_add_products(d, MVN_WIDE, precision ? at->c : at->g, at->y, at->sum_products);
}

static mvn_block block_at(int64_t d, double *scratch)
{
    lanes *at = (lanes *)(void *)scratch;
    const int64_t size = d * MVN_WIDE;
    const mvn_block block = {
        at, at + size, at + 2 * size, at + 3 * size, at + 3 * size + d, at + 3 * size + 2 * d};
    memset(block.sum_g, 0, (size_t)(d + d * (d + 1) / 2) * sizeof(lanes));
    return block;
}

/* Any dim, any number of rows. */
static void block_rows(const mvn_job *job, bool precision, double *scratch)
{
    const int64_t d = job->dim, whole_rows = lanes_whole(d, job->n);
    const bool want_g =
        job->d_x != NULL || job->d_loc != NULL || (job->d_tril != NULL && !precision);
    const mvn_block at = block_at(d, scratch);
    for (int64_t row = 0; row < job->n; row += MVN_WIDE * LANES) {
        const bool whole = row + MVN_WIDE * LANES <= whole_rows;
        centre_block(d, whole, job, row, &at);
        whiten_block(d, precision, job, &at);
        mvn_write_density(d, MVN_WIDE, whole, job, row, at.y);
        if (want_g) {
            pull_block(d, precision, job, &at);
            write_block(d, whole, job, row, &at);
        }
        if (job->d_tril != NULL)
            add_block(d, precision, &at);
    }
    mvn_finish(precision, job, &at);
}

/* Rows from .. from + n - 1 of a job. */
static mvn_job part(const mvn_job *job, int64_t from, int64_t n)
{
    mvn_job p = *job;
    p.n = n;
    p.x += from * job->x_stride;
    p.loc += from * job->loc_stride;
    p.log_density += from;
    p.d_x = job->d_x != NULL ? job->d_x + from * job->x_stride : NULL;
    p.d_loc = job->d_loc != NULL ? job->d_loc + from * job->loc_stride : NULL;
    return p;
}

static void dense_rows(const mvn_job *job, bool precision, double *scratch)
{
    const int64_t whole = job->dim <= MVN_SMALL ? lanes_whole(job->dim, job->n) : 0;
    const mvn_job most = part(job, 0, whole), rest = part(job, whole, job->n - whole);
    if (whole > 0)
        small_rows[precision][job->dim](&most);
    if (rest.n > 0)
        block_rows(&rest, precision, scratch);
}

/* L diagonal: one pass over the memory, row by row. `root` is 1 / scale. */
static void diagonal_row(int64_t d, const double *restrict x, const double *restrict loc,
                         const double *restrict root, double constant, double *log_density,
                         double *restrict g)
{
    lanes square = {0};
    int64_t k = 0;
    for (; k + LANES <= d; k += LANES) {
        const lanes p = *(const lanes_at *)(root + k);
        const lanes z = (*(const lanes_at *)(x + k) - *(const lanes_at *)(loc + k)) * p;
        *(lanes_at *)(g + k) = z * p;
        square += z * z;
    }
    double sum = lanes_sum(&square);
    for (; k < d; k++) {
        const double z = (x[k] - loc[k]) * root[k];
        g[k] = z * root[k];
        sum += z * z;
    }
    *log_density = constant - 0.5 * sum;
}

static void add_row(int64_t d, double sign, const double *restrict g, bool shared,
                    double *restrict out)
{
    if (shared)
        for (int64_t k = 0; k < d; k++)
            out[k] += sign * g[k];
    else
        for (int64_t k = 0; k < d; k++)
            out[k] = sign * g[k];
}

static void diagonal_rows(const mvn_job *job, bool precision, double *scratch)
{
    const int64_t d = job->dim;
    double *g = scratch, *root = scratch + d;
    for (int64_t k = 0; k < d; k++)
        root[k] = precision ? job->tril[k * d + k] : job->inverse[k];
    for (int64_t i = 0; i < job->n; i++) {
        diagonal_row(d, job->x + i * job->x_stride, job->loc + i * job->loc_stride, root,
                     job->constant, job->log_density + i, g);
        if (job->d_x != NULL)
            add_row(d, -1.0, g, job->x_stride == 0, job->d_x + i * job->x_stride);
        if (job->d_loc != NULL)
            add_row(d, 1.0, g, job->loc_stride == 0, job->d_loc + i * job->loc_stride);
    }
}

static bool is_diagonal(int64_t d, const double *l)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++)
            if (l[i * d + j] != 0.0)
                return false;
    return true;
}

static void rows_sharing(const mvn_job *job, bool precision, double *scratch)
{
    if (job->dim > MVN_SMALL && job->d_tril == NULL && is_diagonal(job->dim, job->tril))
        diagonal_rows(job, precision, scratch);
    else
        dense_rows(job, precision, scratch);
}

/* Each row with an L of its own: a job of one row each. */
static void log_density(const urn_density_call *c)
{
    const bool precision = by_precision(c->param);
    const int tril = precision ? PRECISION_TRIL : SCALE_TRIL;
    const int64_t d = c->dim, stride = c->stride[tril], step = stride == 0 ? c->n : 1;
    double *inverse = c->scratch, *scratch = inverse + (d + 7) / 8 * 8;
    if (stride != 0 && c->d_param[tril] != NULL)
        memset(c->d_param[tril], 0, (size_t)(c->n * d * d) * sizeof(double));
    for (int64_t i = 0; i < c->n; i += step) {
        const double *l = c->param[tril] + i * stride;
        const mvn_job job = {
            .n = step,
            .dim = d,
            .x = c->x + i * c->x_stride,
            .loc = c->param[LOC] + i * c->stride[LOC],
            .tril = l,
            .x_stride = c->x_stride,
            .loc_stride = c->stride[LOC],
            .inverse = inverse,
            .constant = constant_of(d, l, precision, inverse),
            .log_density = c->log_density + i,
            .d_x = c->d_x != NULL ? c->d_x + i * c->x_stride : NULL,
            .d_loc = c->d_param[LOC] != NULL ? c->d_param[LOC] + i * c->stride[LOC] : NULL,
            .d_tril = c->d_param[tril] != NULL ? c->d_param[tril] + i * stride : NULL,
        };
        rows_sharing(&job, precision, scratch);
    }
}

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
