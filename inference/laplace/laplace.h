/* The state of a Laplace approximation, shared by its parts. */
#ifndef URN_INFERENCE_LAPLACE_LAPLACE_H
#define URN_INFERENCE_LAPLACE_LAPLACE_H

#include "../importance.h"
#include "../lbfgs.h"

typedef struct urn__laplace {
    urn__run *run;
    urn__arena *arena;
    bool jacobian;
    urn__lbfgs search;    /* its position is the mode, when it is found */
    double *curvature;    /* minus the Hessian of the log density, size x size */
    double *factor;       /* its Cholesky factor, lower */
    double *step, *trial; /* of Newton's method; scratch */
    double *up, *down;    /* gradients */
    double decrement; /* gradient' curvature^-1 gradient: squared distance to the mode, in sds */
    double log_determinant;    /* of the curvature */
    int64_t n_gradients, made; /* draws */
    urn__final final;
} urn__laplace;

/* Fills `curvature` by central differences of gradients at the position, and makes it symmetric.
 * *whole is false when the run was interrupted on the way. */
urn_status urn__laplace_curvature(urn__laplace *l, bool *whole, urn_error *error);
/* The Cholesky factor of the curvature. False where it is not positive definite, or singular. */
bool urn__laplace_factorise(urn__laplace *l);
/* The error of a curvature that is not positive definite: names the direction. */
urn_status urn__laplace_fail_curvature(urn__laplace *l, urn_error *error);
/* From where L-BFGS ended to the mode by Newton's method, with the curvature there and its factor.
 * An error where there is no mode. */
urn_status urn__laplace_settle(urn__laplace *l, bool *whole, urn_error *error);

#endif
