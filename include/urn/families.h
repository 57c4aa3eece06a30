/* Distributions ("families") and supports: the list, and the descriptors through which a program
 * can add its own. */
#ifndef URN_FAMILIES_H
#define URN_FAMILIES_H

#include <stdbool.h>
#include <urn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One line a family; each is a file runtime/family/<name>.c. The words each takes, and its values:
 *
 *   bernoulli         logits (or probs)                     0 or 1
 *   beta              concentration1, concentration0        in [0, 1]
 *   binomial          total, logits (or probs)              0 .. total
 *   categorical       logits (or probs), a vector           0 .. its length - 1
 *   cauchy            loc, scale                            real
 *   delta             loc                                   that very value
 *   dirichlet         concentration, a vector               non-negative, sum 1
 *   dirichlet_multinomial  total, concentration, a vector   counts that sum to total
 *   discrete_uniform  low, high                             whole numbers, both included
 *   exponential       rate (or scale)                       non-negative
 *   gamma             shape, rate (or scale)                positive
 *   geometric         logits (or probs)                     0, 1, 2, ...
 *   half_cauchy       scale                                 non-negative
 *   half_normal       scale                                 non-negative
 *   improper_uniform  low, high (either may be left out)    between them, density 1
 *   inverse_gamma     shape, rate                           positive
 *   inverse_wishart   df, scale (or scale_tril), d x d      positive definite, d x d
 *   laplace           loc, scale                            real
 *   lkj_cholesky      concentration, and .size = d          Cholesky factor of a correlation
 *   logistic          loc, scale                            real
 *   log_normal        loc, scale (of the logarithm)         positive
 *   multinomial       total, logits (or probs), a vector    counts that sum to total
 *   mvn               loc, a vector, and scale_tril (or     vectors
 *                     covariance), or precision_tril (or precision)
 *   mvn_student_t     df, loc, a vector, scale_tril         vectors
 *                     (or scale, a matrix)
 *   neg_binomial_2    rate (its mean; or log_rate),         0, 1, 2, ...
 *                     concentration
 *   normal            loc, scale (or variance, precision)   real
 *   ordered_logistic  loc, cutpoints, an increasing vector  0 .. its length
 *   ordered_probit    loc, cutpoints, an increasing vector  0 .. its length
 *   poisson           rate (or log_rate)                    0, 1, 2, ...
 *   student_t         df, loc, scale                        real
 *   truncated_normal  loc, scale, low, high (either bound   between them
 *                     may be left out)
 *   uniform           low, high                             between them
 *   von_mises         loc, concentration                    angles in radians
 *   weibull           shape, scale                          positive
 *   wishart           df, scale (or scale_tril), d x d      positive definite, d x d
 *
 * Words that go with any family of single numbers, and make another family of it (.mixture also
 * of vectors and matrices):
 *   .truncate_below, .truncate_above   values lie between them: the density is divided by the
 *                                      probability of that
 *   .censor_below, .censor_above       an observed value at or beyond one is only known to be
 *                                      there: it counts by the probability of that
 *   .mixture (or .mixture_logits)      a vector of weights: a mixture with as many components,
 *                                      labels summed out; each parameter is a vector with an
 *                                      element for each, or one number for all. Of families of
 *                                      vectors or matrices, or with such parameters, each parameter
 *                                      has a leading event dim of the components (urn_as_event of a
 *                                      site over a plate of them), or is the same for all
 *   .ordered = true, .size = d         a vector of d values in increasing order
 *
 * inverse_gamma has density ~ x^-(shape + 1) exp(-rate / x), wishart with scale W has mean df W,
 * and the inverse of an inverse_wishart with scale Psi is wishart with scale Psi^-1. */
#define URN_FAMILY_LIST(X)                                                                         \
    X(bernoulli)                                                                                   \
    X(beta)                                                                                        \
    X(binomial)                                                                                    \
    X(categorical)                                                                                 \
    X(cauchy)                                                                                      \
    X(delta)                                                                                       \
    X(dirichlet)                                                                                   \
    X(dirichlet_multinomial)                                                                       \
    X(discrete_uniform)                                                                            \
    X(exponential)                                                                                 \
    X(gamma)                                                                                       \
    X(geometric)                                                                                   \
    X(half_cauchy)                                                                                 \
    X(half_normal)                                                                                 \
    X(improper_uniform)                                                                            \
    X(inverse_gamma)                                                                               \
    X(inverse_wishart)                                                                             \
    X(laplace)                                                                                     \
    X(lkj_cholesky)                                                                                \
    X(log_normal)                                                                                  \
    X(logistic)                                                                                    \
    X(multinomial)                                                                                 \
    X(mvn)                                                                                         \
    X(mvn_student_t)                                                                               \
    X(neg_binomial_2)                                                                              \
    X(normal)                                                                                      \
    X(ordered_logistic)                                                                            \
    X(ordered_probit)                                                                              \
    X(poisson)                                                                                     \
    X(student_t)                                                                                   \
    X(truncated_normal)                                                                            \
    X(uniform)                                                                                     \
    X(von_mises)                                                                                   \
    X(weibull)                                                                                     \
    X(wishart)

typedef struct urn_family urn_family;

#define URN_FAMILY_DECLARE(name) URN_API const urn_family *urn_family_##name(void);
URN_FAMILY_LIST(URN_FAMILY_DECLARE)
#undef URN_FAMILY_DECLARE

/* ---- random numbers ---- */

/* A PCG64 generator positioned at one row's own block of outputs. */
typedef struct urn_rng urn_rng;

URN_API double urn_rng_uniform(urn_rng *rng); /* in (0, 1), never an end */
URN_API double urn_rng_normal(urn_rng *rng);  /* standard normal; two uniforms each */
/* The same generator as a GSL one (a gsl_rng *, void here so that models need no GSL headers). */
URN_API void *urn_rng_gsl(urn_rng *rng);

/* ---- supports ---- */

/* Arguments of a support's functions: `n` rows of `value_size` constrained and `free_size`
 * unconstrained elements. `low` and `high` hold one bound a row, and are NULL where not bounded. */
typedef struct urn_bijection_call {
    int64_t n;
    int64_t dim;        /* side of the event (d for a vector or a d x d matrix), 1 for a scalar */
    int64_t value_size; /* constrained elements a row */
    int64_t free_size;  /* unconstrained elements a row */
    const double *low, *high;
    double *free;         /* n x free_size */
    double *value;        /* n x value_size */
    double *log_jacobian; /* n: log |d value / d free|; may be NULL */
    /* for constrain_vjp: adjoints in, adjoints out; d_log_jacobian[i] multiplies log_jacobian[i] */
    const double *d_value;        /* n x value_size */
    const double *d_log_jacobian; /* n */
    double *d_free;               /* n x free_size, overwritten */
    double *d_low, *d_high;       /* n, overwritten; NULL where not wanted */
} urn_bijection_call;

/* A set of values together with its bijection to unconstrained space (for continuous supports). */
typedef struct urn_support {
    size_t bytes;
    const char *name; /* "positive", for messages and tables */
    bool discrete;    /* no bijection */
    /* unconstrained elements a row for events of side dim with value_size elements; NULL: the same
     */
    int64_t (*free_size)(int64_t dim, int64_t value_size);
    void (*constrain)(const urn_bijection_call *call);     /* free -> value, log_jacobian */
    void (*constrain_vjp)(const urn_bijection_call *call); /* adjoints -> d_free (free given) */
    void (*unconstrain)(const urn_bijection_call *call);   /* value -> free */
    /* index of the first row of `value` outside the support, -1 if none; `free` has room for one
     * row and is lost */
    int64_t (*first_outside)(const urn_bijection_call *call);
    /* in what way, and by how much, the first row of `value` is outside the support, in words;
     * `free` has room for one row and is lost; NULL: the row's first element says it */
    void (*tell_outside)(const urn_bijection_call *call, char *text, size_t size);
} urn_support;

/* The supports that come with Urn. `bounded` takes low, high or both; without either it is real. */
#define URN_SUPPORT_LIST(X)                                                                        \
    X(real)                                                                                        \
    X(positive)                                                                                    \
    X(non_negative)                                                                                \
    X(unit)                                                                                        \
    X(bounded)                                                                                     \
    X(corr_cholesky)                                                                               \
    X(positive_definite)                                                                           \
    X(simplex)                                                                                     \
    X(ordered)                                                                                     \
    X(angle)                                                                                       \
    X(boolean)                                                                                     \
    X(count)                                                                                       \
    X(counts)                                                                                      \
    X(category)                                                                                    \
    X(ordinal)                                                                                     \
    X(integer)

#define URN_SUPPORT_DECLARE(name) URN_API const urn_support *urn_support_##name(void);
URN_SUPPORT_LIST(URN_SUPPORT_DECLARE)
#undef URN_SUPPORT_DECLARE

/* ---- families ---- */

#define URN_FAMILY_PARAMS 6

/* What a parameter may be; checked where it is known before fitting, and used to make test values.
 */
typedef enum urn_domain {
    URN_DOMAIN_REAL,
    URN_DOMAIN_POSITIVE,
    URN_DOMAIN_UNIT, /* in [0, 1] */
    URN_DOMAIN_TRIL, /* lower triangular, positive diagonal */
    URN_DOMAIN_POSITIVE_DEFINITE,
    URN_DOMAIN_ABOVE_SIDE, /* more than d - 1 for events of side d: degrees of freedom */
    URN_DOMAIN_COUNT,      /* 0, 1, 2, ...; a density has no partial with respect to it */
    URN_DOMAIN_ORDERED     /* a vector in increasing order */
} urn_domain;

typedef struct urn_family_param {
    const char *word; /* one of the words of urn_site; NULL ends the list */
    int event_rank;   /* 0 a number, 1 a vector, 2 a square matrix */
    urn_domain domain;
    int group; /* 0: required; > 0: exactly one of the parameters with this number;
                  < 0: may be left out */
} urn_family_param;

/* Another way to give a parameter: `word` is turned into `becomes` by an op of ops.h. */
typedef struct urn_family_alternative {
    const char *word; /* NULL ends the list */
    const char *becomes;
    urn_domain domain;
    urn_var (*convert)(urn_var given);
} urn_family_alternative;

/* `n` rows at once. A pointer for row i is base + i * stride; stride 0 means the same for all rows.
 * For families with event_rank 0 the strides are always 1. param[k] is NULL where not given. */
typedef struct urn_density_call {
    int64_t n;
    int64_t dim;   /* side of the event (1 for a scalar) */
    int64_t event; /* elements of the event a row: 1, dim, or dim * dim */
    const double *x;
    int64_t x_stride; /* event, or 0 */
    const double *param[URN_FAMILY_PARAMS];
    int64_t stride[URN_FAMILY_PARAMS];
    double *log_density; /* n; overwritten */
    /* Partials of the sum of log densities; NULL where not wanted. With stride 0 they are added to
     * (several rows share one), else overwritten. */
    double *d_x;
    double *d_param[URN_FAMILY_PARAMS];
    double *scratch;          /* scratch_doubles(n, dim) doubles, 64-byte aligned */
    const urn_family *family; /* whose log density it is: for families made of another one */
} urn_density_call;

/* Arguments for draws and summaries of `n` rows: `x` (n x event) is written (read, by cdf). */
typedef struct urn_draw_call {
    int64_t n;
    int64_t dim;
    int64_t event;
    const double *param[URN_FAMILY_PARAMS];
    int64_t stride[URN_FAMILY_PARAMS];
    double *x;
    double *out;              /* mean, variance: n x event; cdf, quantile, normals: n */
    double *scratch;          /* as for the density, n rows */
    double p;                 /* quantile: the probability */
    const urn_family *family; /* as for the density */
} urn_draw_call;

/* What a family says of a log density that is constant - precision / 2 * (x - location)^2, both of
 * them functions of the other parameters: their values and their derivatives in each of these. */
typedef struct urn_quadratic {
    double constant, precision;
    double d_constant[URN_FAMILY_PARAMS], d_precision[URN_FAMILY_PARAMS];
} urn_quadratic;

/* A distribution. Unset members mean "does not exist". Outside the support the log density is
 * -infinity; with a parameter outside its domain it is NaN. Partials are of the log density. */
struct urn_family {
    size_t bytes;
    const char *name;
    const urn_support *(*support)(void);
    const char *low_word, *high_word; /* parameters that bound the support, or NULL */
    int event_rank;                   /* 0 a number, 1 a vector, 2 a square matrix */
    const char *size_from;            /* the event's side comes from this parameter; NULL: .size */
    urn_family_param params[URN_FAMILY_PARAMS + 1];
    const urn_family_alternative *alternatives;         /* ended by word = NULL; or NULL */
    int64_t (*scratch_doubles)(int64_t n, int64_t dim); /* NULL: none */
    void (*log_density)(const urn_density_call *call);
    void (*draw)(const urn_draw_call *call, int64_t row, urn_rng *rng); /* one row */
    void (*centre)(const urn_draw_call *call); /* median where defined: a start for engines */
    void (*mean)(const urn_draw_call *call);
    void (*variance)(const urn_draw_call *call);
    void (*cdf)(const urn_draw_call *call);
    void (*quantile)(const urn_draw_call *call);
    /* Optional: log P(X <= x) and log P(X > x) into call->log_density, with their partials, for
     * truncation and censoring with full accuracy in both tails. */
    void (*log_cdf)(const urn_density_call *call);
    void (*log_survival)(const urn_density_call *call);
    const urn_family *base; /* a family made of another one: truncated, censored, mixed, ordered */
    int64_t (*scratch_of)(const urn_family *family, int64_t n, int64_t dim); /* then in place of
                                                                                scratch_doubles */
    /* > 0: every parameter has a leading dim of so many components, of which event_rank and
     * size_from know nothing: a mixture of vectors */
    int64_t components;
    /* Optional, for numbers x: the log density is quadratic in x and in params[0]. `param` has the
     * parameters' values (what is at the location is not read); `found` is zero at first. */
    void (*quadratic)(const double *param, urn_quadratic *found);
    /* Optional, both or none, for numbers that are increasing functions of a standard normal:
     * writes x of the normals in `out`, and to `out` the normals of x (-infinity below the
     * support). What `draw` and `cdf` do for a row, programs then do for many rows at once. */
    void (*of_normals)(const urn_draw_call *call);
    void (*to_normals)(const urn_draw_call *call);
};

#ifdef __cplusplus
}
#endif
#endif
