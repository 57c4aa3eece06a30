/* The metric of a Hamiltonian: kinetic energy p . M^-1 p / 2. Everything is done in whitened
 * momenta r = F' p, where M^-1 = F F' (F the square roots of a diagonal, or a Cholesky factor): r
 * is standard normal, the kinetic energy is r . r / 2, and products p . M^-1 q are plain dot
 * products. */
#ifndef URN_INFERENCE_MCMC_METRIC_H
#define URN_INFERENCE_MCMC_METRIC_H

#include "../engine.h"

typedef enum urn__metric_kind { /* in the order of the engines' option "metric" */
                                URN__METRIC_DIAG,
                                URN__METRIC_DENSE,
                                URN__METRIC_UNIT
} urn__metric_kind;

typedef struct urn__metric {
    urn__metric_kind kind;
    int64_t n;
    const urn__kernels *kernels;
    double *inverse; /* M^-1: n, or n x n (symmetric); NULL for unit */
    double *factor;  /* F: n, or n x n lower triangular */
    double *scratch; /* n; dense only */
} urn__metric;

/* The unit matrix of that kind. False if there is no memory. */
bool urn__metric_new(urn__metric *metric, urn__metric_kind kind, int64_t n,
                     const urn__kernels *kernels, urn__arena *arena);
/* Works the factor out after `inverse` was filled in (of a dense one the lower part counts); false
 * if it is not positive definite. */
bool urn__metric_factor(urn__metric *metric);
/* w = F' g, in place: a gradient with respect to positions becomes one for whitened momenta. */
void urn__metric_whiten(const urn__metric *metric, double *g);
/* to = from + step * F r */
void urn__metric_drift(const urn__metric *metric, double step, const double *from, const double *r,
                       double *to);
/* Doubles that a metric takes. */
int64_t urn__metric_size(urn__metric_kind kind, int64_t n);

#endif
