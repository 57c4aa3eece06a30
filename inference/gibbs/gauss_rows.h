/* Rows of Gaussian vectors, all drawn (or set to their modes) at once: the conditional of a site
 * over a plate whose rows enter the locations of normal rows linearly, such as the factors of a
 * matrix factorisation. Row i has d numbers x_i, in one or more *parts* (the sites of a joint
 * block, a user's factors and bias, say), and
 *
 *   prior       x_i ~ N(m_i, P_i^-1), given by P_i and P_i m_i
 *   terms       t_r ~ N(a_r . x_i, 1 / w_r) for the child rows r of row i
 *
 * so that x_i | rest ~ N(Q_i^-1 h_i, Q_i^-1) with Q_i = P_i + sum_r w_r a_r a_r^T and h_i = P_i m_i
 * + sum_r w_r t_r a_r. A row without child rows is drawn from its prior.
 *
 * A draw is x = Q^-1 h + L^-T z, Q = L L^T; z of row i are the normals number i d .. i d + d - 1 of
 * the stream. Rows are split into tasks by their numbers of child rows, and a row with very many of
 * them into pieces whose sums are added in order; both follow from the data alone, so draws have
 * the same bits for any number of threads. Nothing is allocated by a run. Everything is double. */
#ifndef URN_INFERENCE_GIBBS_GAUSS_ROWS_H
#define URN_INFERENCE_GIBBS_GAUSS_ROWS_H

#include "../../runtime/graph/graph.h"
#include "../../runtime/tensor/tensor.h"

/* The most parts of a row, and terms of a block. */
#define URN__GAUSS_PARTS 4
#define URN__GAUSS_TERMS 8

/* What a part of x_i is multiplied with in child row r: factor * x[(row ? row[r] : r) * stride + k]
 * for k below the part's dim. stride 0: the same for all child rows. x NULL: `factor` itself for
 * every k (1 for a bias, 0 for a part that is not in the term). Gathered factors are read in place.
 */
typedef struct urn__gauss_coefficient {
    double factor;
    const double *x;
    int64_t stride;
    const int32_t *row;
} urn__gauss_coefficient;

/* Child rows 0 .. n - 1. Of which block row they are is told by `index` (start and order made:
 * urn__index_need), or without one by place: those of row i are n / n_rows rows from i n / n_rows
 * on. */
typedef struct urn__gauss_term {
    const urn__index *index;
    int64_t n;
    urn__gauss_coefficient coefficient[URN__GAUSS_PARTS]; /* of each part */
    const double *gain;                                   /* a_r times gain[r]; NULL: 1 */
    const double *target;                                 /* t_r = target[r] */
    const double *weight; /* w_r = weight[r * weight_stride], stride 0 or 1; NULL: 1; >= 0 */
    int64_t weight_stride;
    bool target_fixed; /* the same numbers in every run: they are copied once, sorted by row */
    double *squares;   /* out: sum over child rows of (t_r - a_r . x_i)^2, x_i being the rows just
                        * made; NULL: not wanted. Costs next to nothing. */
} urn__gauss_term;

/* P_i and P_i m_i of row i at i * stride (stride 0: the same for all rows). */
typedef struct urn__gauss_prior {
    const double *precision; /* d x d, symmetric (the lower triangle is read); or d if diagonal */
    bool diagonal;
    int64_t precision_stride;
    const double *shift; /* d; NULL: zeros */
    int64_t shift_stride;
} urn__gauss_prior;

/* What stays from sweep to sweep. Of the terms, n, index, coefficients' row, stride and whether
 * they have x, and whether there is a gain and a weight a row; the target too where it is fixed. */
typedef struct urn__gauss_spec {
    const char *site, *plate; /* for messages; kept, so they must live as long as the block */
    int64_t n_rows;
    int n_parts, n_terms;
    int64_t dim[URN__GAUSS_PARTS]; /* d is their sum */
    const urn__gauss_term *terms;  /* not kept, but index and row arrays are borrowed */
    int threads;                   /* the most a run may have */
    const urn__kernels *kernels;
} urn__gauss_spec;

/* One update of all rows. `terms` are those of the spec with the pointers of now. */
typedef struct urn__gauss_run {
    const urn__gauss_term *terms;
    urn__gauss_prior prior;
    double *value[URN__GAUSS_PARTS]; /* out: row i of a part at value + i * value_stride; no term's
                                      * coefficients may be there */
    int64_t value_stride[URN__GAUSS_PARTS];
    const urn__stream *stream; /* NULL: the modes */
    int threads;
} urn__gauss_run;

typedef struct urn__gauss_rows urn__gauss_rows;

urn_status urn__gauss_rows_new(const urn_allocator *allocator, const urn__gauss_spec *spec,
                               urn__gauss_rows **rows, urn_error *error);
void urn__gauss_rows_free(urn__gauss_rows *b); /* takes NULL */
/* Fails with URN_ERR_RUNTIME where some Q_i is not positive definite or h_i or x_i is not finite;
 * the message names the lowest such row, and Q_i's condition. Values are then unspecified. */
urn_status urn__gauss_rows_run(urn__gauss_rows *b, const urn__gauss_run *run, urn_error *error);
/* Q_i (d x d, both triangles) and h_i of one row, by plain loops that share nothing with a run. */
void urn__gauss_rows_conditional(const urn__gauss_rows *b, const urn__gauss_run *run, int64_t i,
                                 double *precision, double *shift);

#endif
