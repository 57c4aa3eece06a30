/* Distances between samples (see distances.h). */
#include "distances.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool sort(int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return false;
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n > 0;
}

double urn__wasserstein(int64_t n_a, double *a, int64_t n_b, double *b)
{
    if (!sort(n_a, a) || !sort(n_b, b))
        return (double)NAN;
    double sum = 0.0, from = fmin(a[0], b[0]);
    int64_t i = 0, j = 0;
    while (i < n_a || j < n_b) {
        const double to = j == n_b || (i < n_a && a[i] <= b[j]) ? a[i] : b[j];
        sum += fabs((double)i / (double)n_a - (double)j / (double)n_b) * (to - from);
        while (i < n_a && a[i] == to)
            i++;
        while (j < n_b && b[j] == to)
            j++;
        from = to;
    }
    return sum;
}

double urn__crps(int64_t n, double *x, double y)
{
    if (n < 2 || !sort(n, x))
        return (double)NAN;
    double distance = 0.0, pairs = 0.0;
    for (int64_t i = 0; i < n; i++) {
        distance += fabs(x[i] - y);
        pairs += (double)(2 * i + 1 - n) * (x[i] - y); /* the sum over pairs of their distances */
    }
    return distance / (double)n - pairs / ((double)n * ((double)n - 1.0));
}

double urn__mean_of(int64_t n, const double *x, double *se)
{
    double mean = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++)
        mean += (x[i] - mean) / (double)(i + 1);
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    if (se)
        *se = n > 1 ? sqrt(squares / ((double)n - 1.0) / (double)n) : (double)NAN;
    return n > 0 ? mean : (double)NAN;
}

double urn__correlation(int64_t n, const double *x, const double *y)
{
    const double mean_x = urn__mean_of(n, x, NULL), mean_y = urn__mean_of(n, y, NULL);
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double dx = x[i] - mean_x, dy = y[i] - mean_y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : (double)NAN;
}

/* ---- symmetric matrices ---- */

/* Turns rows and columns p and q of a so that a[p][q] is 0, and the columns of v with them. */
static void rotate(int64_t d, double *a, double *v, int64_t p, int64_t q)
{
    const double apq = a[p * d + q];
    const double theta = (a[q * d + q] - a[p * d + p]) / (2.0 * apq);
    const double t = (theta < 0.0 ? -1.0 : 1.0) / (fabs(theta) + hypot(theta, 1.0));
    const double c = 1.0 / hypot(t, 1.0), s = t * c;
    for (int64_t k = 0; k < d; k++) {
        const double kp = a[k * d + p], kq = a[k * d + q];
        a[k * d + p] = c * kp - s * kq;
        a[k * d + q] = s * kp + c * kq;
    }
    for (int64_t k = 0; k < d; k++) {
        const double pk = a[p * d + k], qk = a[q * d + k];
        a[p * d + k] = c * pk - s * qk;
        a[q * d + k] = s * pk + c * qk;
    }
    a[p * d + q] = a[q * d + p] = 0.0;
    for (int64_t k = 0; v && k < d; k++) {
        const double kp = v[k * d + p], kq = v[k * d + q];
        v[k * d + p] = c * kp - s * kq;
        v[k * d + q] = s * kp + c * kq;
    }
}

/* One round over all pairs; false: nothing was left to turn. */
static bool sweep(int64_t d, double *a, double *v)
{
    bool turned = false;
    for (int64_t p = 0; p < d; p++)
        for (int64_t q = p + 1; q < d; q++) {
            const double size = fabs(a[p * d + q]);
            if (!(size > 1e-17 * sqrt(fabs(a[p * d + p] * a[q * d + q])) && size > 0.0))
                continue;
            rotate(d, a, v, p, q);
            turned = true;
        }
    return turned;
}

void urn__eigen_symmetric(int64_t d, double *a, double *vectors, double *values)
{
    if (vectors) {
        memset(vectors, 0, (size_t)(d * d) * sizeof *vectors);
        for (int64_t i = 0; i < d; i++)
            vectors[i * d + i] = 1.0;
    }
    for (int round = 0; round < 60 && sweep(d, a, vectors); round++)
        ;
    for (int64_t i = 0; i < d; i++)
        values[i] = a[i * d + i];
    for (int64_t i = 0; i < d; i++) { /* in ascending order, the vectors with them */
        int64_t least = i;
        for (int64_t k = i + 1; k < d; k++)
            least = values[k] < values[least] ? k : least;
        const double value = values[least];
        values[least] = values[i];
        values[i] = value;
        for (int64_t k = 0; vectors && k < d; k++) {
            const double x = vectors[k * d + least];
            vectors[k * d + least] = vectors[k * d + i];
            vectors[k * d + i] = x;
        }
    }
}

/* With G_a = Q diag(l) Q^T the squares are the eigenvalues of S G_b S^T, S = diag(sqrt l) Q^T. */
void urn__product_singular_values(int64_t d, double *gram_a, double *gram_b, double *work,
                                  double *values)
{
    double *q = work, *half = work + d * d, *whole = work + 2 * d * d, *l = work + 3 * d * d;
    urn__eigen_symmetric(d, gram_a, q, l);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < d; k++)
                sum += q[k * d + i] * gram_b[k * d + j];
            half[i * d + j] = sqrt(fmax(l[i], 0.0)) * sum;
        }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < d; k++)
                sum += half[i * d + k] * q[k * d + j];
            whole[i * d + j] = whole[j * d + i] = sum * sqrt(fmax(l[j], 0.0));
        }
    urn__eigen_symmetric(d, whole, NULL, l);
    for (int64_t i = 0; i < d; i++)
        values[i] = sqrt(fmax(l[d - 1 - i], 0.0));
}
