/* See floor_gradient.h. */
#include "bench/floor_gradient.h"
#include "runtime/tensor/vmath.h"

#define LOG_2PI 1.8378770664093454836
#define LOG_PI 1.1447298858494001741
#define ROWS 64 /* at a time: they stay in the first cache for the gradient */

typedef double vec_8 __attribute__((vector_size(64), may_alias));

/* Priors normal(0, 5) of mu, half-Cauchy(5) of tau, normal(0, 1) of z; y ~ normal(mu + tau z,
 * sigma). */
double floor_eight_schools(const double *y, const double *sigma, const double *position,
                           double *gradient)
{
    const double mu = position[0], tau = exp(position[1]), *z = position + 2, *s = sigma;
    const double ratio = tau / 5.0;
    double squares = 0.0, g_mu = 0.0, g_tau = 0.0, scales = 1.0;
#pragma omp simd reduction(+ : squares, g_mu, g_tau) reduction(* : scales)
    for (int i = 0; i < 8; i++) {
        const double inverse = 1.0 / s[i], residual = (y[i] - mu - tau * z[i]) * inverse;
        const double weight = residual * inverse;
        squares += residual * residual + z[i] * z[i];
        g_mu += weight;
        g_tau += weight * z[i];
        scales *= s[i];
        gradient[2 + i] = weight * tau - z[i];
    }
    gradient[0] = g_mu - mu / 25.0;
    gradient[1] = g_tau * tau - 2.0 * ratio * ratio / (1.0 + ratio * ratio) + 1.0;
    return -0.5 * squares - 0.5 * mu * mu / 25.0 - 8.5 * LOG_2PI - log(5.0 * scales) +
           log(2.0 / (5.0 * (1.0 + ratio * ratio))) - LOG_PI + position[1];
}

/* Weights y - p of a block of rows, and the sum of their log likelihoods. */
static double weigh(int n, const double *y, const double *eta, double *weight)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++) {
        const double e = floor_exp(-fabs(eta[i])), p = 1.0 / (1.0 + e);
        weight[i] = y[i] - (eta[i] >= 0.0 ? p : e * p);
        sum += y[i] * eta[i] - (eta[i] > 0.0 ? eta[i] : 0.0) - log1p(e);
    }
    return sum;
}

/* Priors normal(0, 1) of all. */
double floor_logistic(int64_t n, const double *y, const double *x, const double *position,
                      double *gradient)
{
    enum { NV = LOGISTIC_STRIDE / 8 };
    double padded[LOGISTIC_STRIDE] __attribute__((aligned(64))) = {0};
    memcpy(padded, position + 1, LOGISTIC_COLUMNS * sizeof *padded);
    const vec_8 *beta = (const vec_8 *)padded;
    vec_8 g[NV] = {0};
    double g_alpha = 0.0, log_p = -0.5 * LOG_2PI * (LOGISTIC_COLUMNS + 1);
    for (int64_t from = 0; from < n; from += ROWS) {
        const int rows = n - from < ROWS ? (int)(n - from) : ROWS;
        const vec_8 *block = (const vec_8 *)(x + from * LOGISTIC_STRIDE);
        double eta[ROWS], weight[ROWS];
        for (int i = 0; i < rows; i++) {
            vec_8 product = beta[0] * block[i * NV];
            for (int k = 1; k < NV; k++)
                product += beta[k] * block[i * NV + k];
            eta[i] = position[0] + (((product[0] + product[1]) + (product[2] + product[3])) +
                                    ((product[4] + product[5]) + (product[6] + product[7])));
        }
        log_p += weigh(rows, y + from, eta, weight);
        for (int i = 0; i < rows; i++) {
            g_alpha += weight[i];
            for (int k = 0; k < NV; k++)
                g[k] += weight[i] * block[i * NV + k];
        }
    }
    gradient[0] = g_alpha - position[0];
    for (int k = 0; k < LOGISTIC_COLUMNS; k++)
        gradient[1 + k] = g[k / 8][k % 8] - position[1 + k];
    for (int k = 0; k <= LOGISTIC_COLUMNS; k++)
        log_p -= 0.5 * position[k] * position[k];
    return log_p;
}

double floor_hpmf(hpmf *f, const double *position, double *gradient)
{
    int64_t at = 0;
    double squares_v = 0.0;
    for (int s = 0; s < N_SITES; s++) {
        const int64_t n = hpmf_site(f, s)->rows * hpmf_site(f, s)->d;
        site_set(hpmf_site(f, s), position + at);
#pragma omp simd reduction(+ : squares_v)
        for (int64_t i = 0; i < (s == V ? n : 0); i++)
            squares_v += position[at + i] * position[at + i];
        at += n;
    }
    const double log_p = hpmf_density(f, squares_v);
    at = 0;
    for (int s = 0; s < N_SITES; s++) {
        site_gradient(hpmf_site(f, s), gradient + at);
        at += hpmf_site(f, s)->rows * hpmf_site(f, s)->d;
    }
    return log_p;
}
