/* Operations on values. Each returns a new handle, never changes its inputs, and reports shape
 * errors through the model (see model.h). Shapes: plate dims, then event dims. Plate dims match by
 * plate, a missing plate is constant over it; event dims broadcast from the right. */
#ifndef URN_OPS_H
#define URN_OPS_H

#include <urn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants ---- */
URN_API urn_var urn_real(urn_model *m, double value);                    /* scalar */
URN_API urn_var urn_zeros(urn_model *m, int64_t size);                   /* vector [size] */
URN_API urn_var urn_fill(urn_model *m, int64_t size, double value);      /* vector [size] */
URN_API urn_var urn_eye(urn_model *m, int64_t size, double diagonal);    /* matrix [size, size] */
URN_API urn_var urn_vector(urn_model *m, int64_t size, const double *v); /* copies v */
URN_API urn_var urn_matrix(urn_model *m, int64_t rows, int64_t columns,
                           const double *row_major); /* copies */

/* ---- elementwise, one input ---- */
URN_API urn_var urn_neg(urn_var x);
URN_API urn_var urn_exp(urn_var x);
URN_API urn_var urn_log(urn_var x);
URN_API urn_var urn_log1p(urn_var x);
URN_API urn_var urn_expm1(urn_var x);
URN_API urn_var urn_sqrt(urn_var x);
URN_API urn_var urn_square(urn_var x);
URN_API urn_var urn_reciprocal(urn_var x);
URN_API urn_var urn_abs(urn_var x);
URN_API urn_var urn_sigmoid(urn_var x);  /* 1 / (1 + exp(-x)) */
URN_API urn_var urn_softplus(urn_var x); /* log(1 + exp(x)) */
URN_API urn_var urn_tanh(urn_var x);
URN_API urn_var urn_sin(urn_var x);
URN_API urn_var urn_cos(urn_var x);
URN_API urn_var urn_lgamma(urn_var x);
URN_API urn_var urn_digamma(urn_var x);
URN_API urn_var urn_erf(urn_var x);
URN_API urn_var urn_relu(urn_var x);
URN_API urn_var urn_log_sigmoid(urn_var x); /* -log(1 + exp(-x)) */
URN_API urn_var urn_log1m_exp(urn_var x);   /* log(1 - exp(x)), x < 0 */
URN_API urn_var urn_phi(urn_var x);         /* standard normal distribution function */
URN_API urn_var urn_log_phi(urn_var x);     /* its logarithm, accurate in both tails */

/* ---- elementwise, two inputs ---- */
URN_API urn_var urn_add(urn_var a, urn_var b);
URN_API urn_var urn_sub(urn_var a, urn_var b);
URN_API urn_var urn_mul(urn_var a, urn_var b);
URN_API urn_var urn_div(urn_var a, urn_var b);
URN_API urn_var urn_pow(urn_var a, urn_var b); /* a > 0 */
URN_API urn_var urn_maximum(urn_var a, urn_var b);
URN_API urn_var urn_minimum(urn_var a, urn_var b);
URN_API urn_var urn_log_add_exp(urn_var a, urn_var b); /* log(exp(a) + exp(b)) */
URN_API urn_var urn_scaled(urn_var a, double factor);
URN_API urn_var urn_shifted(urn_var a, double term);

/* a where the condition is above 0, else b: element by element, whatever the other side holds.
 * The choice is made by data: a condition that depends on latent values has no slope. */
URN_API urn_var urn_where(urn_var condition, urn_var a, urn_var b);

/* ---- reductions ---- */
URN_API urn_var urn_sum(urn_var x);                       /* all elements: a scalar */
URN_API urn_var urn_sum_over(urn_var x, urn_plate plate); /* over one plate */
URN_API urn_var urn_sum_event(urn_var x);                 /* over all event dims */
URN_API urn_var urn_mean(urn_var x);                      /* of all elements */
URN_API urn_var urn_logsumexp(urn_var x);                 /* over the last event dim */
URN_API urn_var urn_softmax(urn_var x);                   /* over the last event dim */
URN_API urn_var urn_log_softmax(urn_var x);               /* x - logsumexp(x) */

/* ---- sequences, along the last event dim ---- */
URN_API urn_var urn_cumsum(urn_var x); /* y[t] = x[0] + .. + x[t] */

/* y[t] = a[t] y[t - 1] + b[t], y[-1] = start: autoregressions, exponential smoothing, GARCH
 * variances. `a` and `b` broadcast to each other, `start` to what is left without the last dim. */
URN_API urn_var urn_recurrence(urn_var a, urn_var b, urn_var start);

/* Log likelihood of a hidden Markov model, its states summed out: log_initial [k], log_transition
 * [k, k] (from the row's state to the column's), log_emission [.., times, k] (log density of what
 * was seen at a time, given each state). Weights need not sum to one. Give it to urn_factor. */
URN_API urn_var urn_hmm_forward(urn_var log_initial, urn_var log_transition, urn_var log_emission);

/* ---- rows and matrices ---- */
URN_API urn_var urn_gather(urn_var x, urn_var index); /* x's leading plate -> index's rows */
URN_API urn_var urn_row_dot(urn_var a, urn_var b);    /* over the last event dim, row by row */
URN_API urn_var urn_matvec(urn_var a, urn_var x);     /* [.., r, c] times [.., c] */
URN_API urn_var urn_matmul(urn_var a, urn_var b);     /* [.., r, k] times [.., k, c] */
URN_API urn_var urn_transpose(urn_var a);             /* last two event dims */
URN_API urn_var urn_outer(urn_var a, urn_var b);      /* [.., r], [.., c] -> [.., r, c] */
URN_API urn_var urn_cholesky(urn_var a);              /* lower L with L L^T = a */
URN_API urn_var urn_tri_solve(urn_var l, urn_var b);  /* L^-1 b, b a vector or a matrix */
URN_API urn_var urn_diagonal(urn_var a);              /* matrix -> its diagonal */
URN_API urn_var urn_diagonal_matrix(urn_var v);       /* vector -> diagonal matrix */
URN_API urn_var urn_add_diagonal(urn_var a,
                                 urn_var v);       /* v (a number or a vector) on a's diagonal */
URN_API urn_var urn_element(urn_var x, int64_t i); /* x[.., i] of the last event dim */
URN_API urn_var urn_slice(urn_var x, int64_t from, int64_t count); /* of the last event dim */
URN_API urn_var urn_concat(urn_var a, urn_var b);                  /* along the last event dim */
URN_API urn_var urn_stack(urn_var a, urn_var b); /* one number each (a row) -> vector of two */

/* A value over the rows of a plate as one without that plate: its rows become the first event dim,
 * for what looks at all rows at once, such as a covariance matrix of them. Not with mini-batches of
 * that plate. */
URN_API urn_var urn_as_event(urn_var x);

/* ---- Gaussian processes ---- */

/* Covariance matrix [n, n] of function values at n points: x is [n], or [n, d] for points of d
 * coordinates (urn_as_event of a data column, or of urn_data_columns). `scale` is the standard
 * deviation of the function, `length` its length scale: one number, or a vector of d, one for each
 * coordinate. With r the distance in units of the length:
 *   squared exponential  scale^2 exp(-r^2 / 2)
 *   Matern 3/2           scale^2 (1 + sqrt(3) r) exp(-sqrt(3) r)
 *   Matern 5/2           scale^2 (1 + sqrt(5) r + 5 r^2 / 3) exp(-sqrt(5) r)
 * Add noise, or a small jitter such as 1e-9, with urn_add_diagonal before urn_cholesky. */
URN_API urn_var urn_kernel_exp_quad(urn_var x, urn_var scale, urn_var length);
URN_API urn_var urn_kernel_matern32(urn_var x, urn_var scale, urn_var length);
URN_API urn_var urn_kernel_matern52(urn_var x, urn_var scale, urn_var length);

/* Size of the last event dim, for sizes that depend on data, such as the number of columns behind
 * urn_data_columns; 1 for a value without event dims, 0 after an error. */
URN_API int64_t urn_last_dim(urn_var x);

#ifdef __cplusplus
}
#endif
#endif
