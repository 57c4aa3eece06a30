/* Dense matrices, row-major. Everything runs in the calling thread and in an order of its own, so
 * results do not depend on how many threads a BLAS would take. OpenBLAS (before 0.3.22) has no way
 * to ask for one thread without changing a global setting of the host program, but products of up
 * to 64^3 multiplications it always computes on one. Larger ones are therefore cut into tiles of
 * that size, summed in order: even a BLAS that split a tile would split its rows and columns, not
 * its sums. */
#include "tensor.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#define TILE_MULTIPLICATIONS (64 * 64 * 64)
#define TILE_DEPTH 256
#define TILE_COLUMNS 64
/* Up to this many multiplications, or with a side up to NARROW, plain loops beat a call. */
#define SMALL 1000
#define NARROW 4
/* Width of the panels of the blocked factorisation. */
#define PANEL 32

/* The matrix of a product: element (i, j) is data[i * row + j * column], one of the steps being 1.
 */
typedef struct operand {
    const double *data;
    int64_t row, column;
    bool transposed;
} operand;

typedef struct size3 {
    int64_t r, k, c; /* (r x k) (k x c) */
} size3;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static operand operand_of(const double *data, int64_t leading, bool transposed)
{
    return transposed ? (operand){data, 1, leading, true} : (operand){data, leading, 1, false};
}

static operand operand_at(operand a, int64_t i, int64_t j)
{
    a.data += i * a.row + j * a.column;
    return a;
}

/* Four running sums, in a fixed order. */
static double dot(int64_t n, const double *a, const double *b)
{
    double s[4] = {0.0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            s[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        s[0] += a[i] * b[i];
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static void add_multiple(int64_t n, double a, const double *restrict x, double *restrict y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

static void scale_rows(size3 n, double beta, double *out, int64_t leading)
{
    for (int64_t i = 0; i < n.r; i++)
        for (int64_t j = 0; j < n.c; j++)
            out[i * leading + j] = beta == 0.0 ? 0.0 : beta * out[i * leading + j];
}

/* out += alpha a b, with whatever inner loop runs over neighbours. */
static void product_plain(size3 n, double alpha, operand a, operand b, double *out, int64_t leading)
{
    if (n.c == 1 && leading == 1 && a.transposed) { /* columns of the stored a, into out */
        for (int64_t t = 0; t < n.k; t++)
            add_multiple(n.r, alpha * b.data[t * b.row], a.data + t * a.column, out);
        return;
    }
    const bool dots = !a.transposed && b.row == 1;
    for (int64_t i = 0; i < n.r; i++) {
        double *row = out + i * leading;
        if (dots) {
            for (int64_t j = 0; j < n.c; j++)
                row[j] += alpha * dot(n.k, a.data + i * a.row, b.data + j * b.column);
        } else if (!b.transposed) {
            for (int64_t t = 0; t < n.k; t++)
                add_multiple(n.c, alpha * a.data[i * a.row + t * a.column], b.data + t * b.row,
                             row);
        } else {
            for (int64_t j = 0; j < n.c; j++)
                for (int64_t t = 0; t < n.k; t++)
                    row[j] += alpha * a.data[i * a.row + t * a.column] * b.data[t + j * b.column];
        }
    }
}

static void product_tile(size3 n, double alpha, operand a, operand b, double beta, double *out,
                         int64_t leading)
{
    cblas_dgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, (int)n.r, (int)n.c, (int)n.k, alpha,
                a.data, (int)(a.transposed ? a.column : a.row), b.data,
                (int)(b.transposed ? b.column : b.row), beta, out, (int)leading);
}

/* out (rows `leading` apart) = beta out + alpha a b. */
static void product(size3 n, double alpha, operand a, operand b, double beta, double *out,
                    int64_t leading)
{
    if (n.r <= NARROW || n.c <= NARROW || n.k <= NARROW || n.r * n.k * n.c <= SMALL) {
        scale_rows(n, beta, out, leading);
        product_plain(n, alpha, a, b, out, leading);
        return;
    }
    const int64_t depth = smaller(n.k, TILE_DEPTH);
    const int64_t columns = smaller(n.c, depth > 64 ? TILE_COLUMNS / 2 : TILE_COLUMNS);
    const int64_t rows = smaller(n.r, TILE_MULTIPLICATIONS / (depth * columns));
    for (int64_t i = 0; i < n.r; i += rows) {
        for (int64_t j = 0; j < n.c; j += columns) {
            for (int64_t t = 0; t < n.k; t += depth) {
                const size3 tile = {smaller(rows, n.r - i), smaller(depth, n.k - t),
                                    smaller(columns, n.c - j)};
                product_tile(tile, alpha, operand_at(a, i, t), operand_at(b, t, j),
                             t == 0 ? beta : 1.0, out + i * leading + j, leading);
            }
        }
    }
}

void urn__matmul(int64_t r, int64_t k, int64_t c, const double *a, bool a_transposed,
                 const double *b, bool b_transposed, double *out, bool accumulate)
{
    product((size3){r, k, c}, 1.0, operand_of(a, a_transposed ? r : k, a_transposed),
            operand_of(b, b_transposed ? k : c, b_transposed), accumulate ? 1.0 : 0.0, out, c);
}

/* Factorises the w x w block at `l` (lower part given) in place; rows `d` apart. */
static bool cholesky_block(int64_t w, double *l, int64_t d)
{
    for (int64_t i = 0; i < w; i++) {
        double *row = l + i * d;
        for (int64_t j = 0; j < i; j++)
            row[j] = (row[j] - dot(j, row, l + j * d)) / l[j * d + j];
        const double pivot = row[i] - dot(i, row, row);
        if (!(pivot > 0.0) || isinf(pivot))
            return false;
        row[i] = sqrt(pivot);
    }
    return true;
}

/* Rows below a factorised block: x L^T = row, for each of n rows. */
static void solve_below(int64_t w, int64_t n, const double *l, double *x, int64_t d)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < w; j++)
            x[i * d + j] = (x[i * d + j] - dot(j, x + i * d, l + j * d)) / l[j * d + j];
}

bool urn__cholesky(int64_t d, const double *a, double *l)
{
    for (int64_t i = 0; i < d; i++) { /* a may be l */
        memmove(l + i * d, a + i * d, (size_t)(i + 1) * sizeof *l);
        memset(l + i * d + i + 1, 0, (size_t)(d - i - 1) * sizeof *l);
    }
    for (int64_t j = 0; j < d; j += PANEL) {
        const int64_t w = smaller(PANEL, d - j), below = d - j - w;
        double *block = l + j * d + j, *done = l + j * d;
        if (j > 0) {
            /* the block's lower part, then what is below it, less what the columns done contribute
             */
            for (int64_t i = 0; i < w; i++)
                for (int64_t t = 0; t <= i; t++)
                    block[i * d + t] -= dot(j, done + i * d, done + t * d);
            product((size3){below, j, w}, -1.0, operand_of(done + w * d, d, false),
                    operand_of(done, d, true), 1.0, block + w * d, d);
        }
        if (!cholesky_block(w, block, d))
            return false;
        solve_below(w, below, block, block + w * d, d);
    }
    return true;
}

void urn__symmetrise(int64_t d, double *a)
{
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++)
            a[i * d + j] = a[j * d + i] = 0.5 * (a[i * d + j] + a[j * d + i]);
}

/* One right-hand side: every inner loop runs along a row of l. */
static void solve_vector(int64_t d, const double *l, bool transposed, double *b)
{
    if (!transposed) {
        for (int64_t i = 0; i < d; i++)
            b[i] = (b[i] - dot(i, l + i * d, b)) / l[i * d + i];
        return;
    }
    for (int64_t i = d - 1; i >= 0; i--) {
        b[i] /= l[i * d + i];
        add_multiple(i, -b[i], l + i * d, b);
    }
}

/* row -= sum of multiples of n-wide rows: `count` of them from `rows` on, factors `step` apart. */
static void subtract_rows(int64_t count, int64_t n, const double *factor, int64_t step,
                          const double *rows, double *row)
{
    for (int64_t k = 0; k < count; k++)
        add_multiple(n, -factor[k * step], rows + k * n, row);
}

static void divide(int64_t n, double by, double *x)
{
    for (int64_t j = 0; j < n; j++)
        x[j] /= by;
}

void urn__tri_solve(int64_t d, int64_t n, const double *l, bool transposed, double *b)
{
    if (n == 1) {
        solve_vector(d, l, transposed, b);
    } else if (!transposed) {
        for (int64_t i = 0; i < d; i++) {
            subtract_rows(i, n, l + i * d, 1, b, b + i * n);
            divide(n, l[i * d + i], b + i * n);
        }
    } else {
        for (int64_t i = d - 1; i >= 0; i--) {
            subtract_rows(d - 1 - i, n, l + (i + 1) * d + i, d, b + (i + 1) * n, b + i * n);
            divide(n, l[i * d + i], b + i * n);
        }
    }
}
