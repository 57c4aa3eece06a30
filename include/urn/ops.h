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

/* ---- elementwise, two inputs ---- */
URN_API urn_var urn_add(urn_var a, urn_var b);
URN_API urn_var urn_sub(urn_var a, urn_var b);
URN_API urn_var urn_mul(urn_var a, urn_var b);
URN_API urn_var urn_div(urn_var a, urn_var b);
URN_API urn_var urn_pow(urn_var a, urn_var b); /* a > 0 */
URN_API urn_var urn_scaled(urn_var a, double factor);
URN_API urn_var urn_shifted(urn_var a, double term);

/* ---- reductions ---- */
URN_API urn_var urn_sum(urn_var x);                       /* all elements: a scalar */
URN_API urn_var urn_sum_over(urn_var x, urn_plate plate); /* over one plate */
URN_API urn_var urn_sum_event(urn_var x);                 /* over all event dims */
URN_API urn_var urn_mean(urn_var x);                      /* of all elements */
URN_API urn_var urn_logsumexp(urn_var x);                 /* over the last event dim */

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
URN_API urn_var urn_element(urn_var x, int64_t i);    /* x[.., i] of the last event dim */
URN_API urn_var urn_slice(urn_var x, int64_t from, int64_t count); /* of the last event dim */
URN_API urn_var urn_concat(urn_var a, urn_var b);                  /* along the last event dim */
URN_API urn_var urn_stack(urn_var a, urn_var b); /* one number each (a row) -> vector of two */

/* Size of the last event dim, for sizes that depend on data, such as the number of columns behind
 * urn_data_columns; 1 for a value without event dims, 0 after an error. */
URN_API int64_t urn_last_dim(urn_var x);

#ifdef __cplusplus
}
#endif
#endif
