/* What the files of the Gaussian rule share.
 *
 * A block has `rows` rows of `d` numbers: plate rows of the site with all their elements, or single
 * elements where nothing ties them together. Its children come in one of these ways:
 *
 *   term      normal rows whose locations are one product with x: read in place by gauss_rows
 *   vector    mvn rows whose location is x itself and whose precision they share: counts and sums
 *   general   anything affine: coefficients by d + 1 evaluations, with the unit vector e_k in all
 *             rows at once
 *
 * Where rows of a child depend on several rows of x, these are drawn one after another. */
#ifndef URN_INFERENCE_GIBBS_GAUSSIAN_H
#define URN_INFERENCE_GIBBS_GAUSSIAN_H

#include "chain.h"
#include "gauss_rows.h"

enum { URN__GAUSS_MOST_DIM = 2048 };
/* Doubles of coefficients found by evaluation that one block may hold. */
#define URN__GAUSS_MOST_COEFFICIENTS ((int64_t)1 << 27)

typedef enum urn__gauss_way {
    URN__GAUSS_TERM,
    URN__GAUSS_VECTOR,
    URN__GAUSS_GENERAL
} urn__gauss_way;

/* One product of a child with x. */
typedef struct urn__gauss_product {
    urn__index *index; /* row of the child -> row of x; NULL: by place */
    double factor;
    int want; /* coefficients; -1: ones */
    int64_t stride;
    const int32_t *row;
    int gain; /* -1: one */
} urn__gauss_product;

typedef struct urn__gauss_child {
    int site;
    urn__gauss_way way;
    int64_t n;   /* rows of its family */
    int64_t dim; /* of its family */
    urn__affine sum;
    int n_products;
    urn__gauss_product product[URN__AFFINE_TERMS];
    urn__gauss_product partner[URN__GAUSS_PARTS]; /* of the sites that were joined */
    urn__form reach;                              /* general: of value - location */
    int target, weight, mask;
    int64_t weight_stride, per_mask;
    bool target_fixed;
    /* by precision_tril (or precision) or by scale_tril */
    int tril, precision;
    int64_t tril_stride;
    bool by_precision;
    double *own_target, *own_weight; /* with a mask, or general */
    double *coefficients;            /* general: n * dim x d */
    urn__evaluation *residual;       /* general */
    double *probe;                   /* general: values of x it is evaluated at */
    double *counts;                  /* vector: sum of squared gains, by row of x */
    double *sums;                    /* vector: of gain * target, rows of x * d */
    double *matrix;                  /* vector: the shared precision */
    int64_t term;                    /* its place among the terms of gauss_rows; -1: none */
} urn__gauss_child;

typedef struct urn__gauss_block {
    bool elements; /* rows are single elements */
    int64_t rows, d;
    int64_t per_row; /* elements of a plate row of x */
    int n_children;
    urn__gauss_child child[URN__BLOCK_CHILDREN];
    /* the prior */
    bool diagonal, flat; /* flat: improper_uniform */
    int loc, scale, tril, precision_word;
    int64_t loc_stride, scale_stride, tril_stride;
    bool by_precision;
    int64_t precision_stride, shift_stride;
    double *precision, *shift, *work;
    double *probe; /* 2 d doubles, of all parts */
    /* sites joined to the first: blocks that have their priors alone */
    int n_partners;
    urn__gibbs_block *partner[URN__GAUSS_PARTS];
    int64_t total; /* numbers of a row, of all parts */
    bool joined_each;
    double *joined_precision, *joined_shift;
    /* the kernel */
    urn__gauss_rows *kernel;
    int n_terms;
    urn__gauss_term term[URN__GAUSS_TERMS];
    urn__gauss_run run;
    urn__stream stream;
    /* sequential */
    double *residuals[URN__BLOCK_CHILDREN];
    double *q, *h, *a, *z;
} urn__gauss_block;

/* gaussian_children.c: finds the way of every child; *able false with the reason in b->why. */
urn_status urn__gauss_plan_children(urn__gibbs_block *b, bool *able, urn_error *error);
/* gaussian_prior.c */
void urn__gauss_plan_prior(urn__gibbs_block *b, bool *able);
urn_status urn__gauss_open_prior(urn__gibbs_block *b, urn_error *error);
void urn__gauss_prior_now(urn__gibbs_block *b);
/* d x d precision behind a lower factor. `work`: d x d doubles. */
void urn__gauss_precision_of(int64_t d, const double *tril, bool by_precision, double *work,
                             double *precision);
/* gaussian_dense.c: vector and general children. */
urn_status urn__gauss_open_vector(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error);
void urn__gauss_add_vector(urn__gibbs_block *b, urn__gauss_child *c);
urn_status urn__gauss_open_general(urn__gibbs_block *b, urn__gauss_child *c, urn_error *error);
void urn__gauss_evaluate_general(urn__gibbs_block *b, urn__gauss_child *c);
/* gaussian_join.c: b's site becomes a part of a, if that may be; b is then not needed. */
urn_status urn__gauss_join(urn__gibbs_block *a, const urn__gibbs_block *b, bool *joined,
                           urn_error *error);
urn_status urn__gauss_open_joined(urn__gibbs_block *b, urn_error *error);
void urn__gauss_join_priors(urn__gibbs_block *b);
/* gaussian_sequential.c */
urn_status urn__gauss_open_sequential(urn__gibbs_block *b, urn_error *error);
urn_status urn__gauss_update_sequential(urn__gibbs_block *b, bool modes, urn_error *error);
void urn__gauss_collect_sequential(urn__gibbs_block *b, int64_t row);

#endif
