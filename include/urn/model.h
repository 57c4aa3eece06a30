/* The model language: what a model file may say. A model is a C function that Urn runs once, on
 * handles instead of numbers; it leaves a static graph behind. */
#ifndef URN_MODEL_H
#define URN_MODEL_H

#include <stdbool.h>
#include <urn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The trace of one model; opaque. The model function receives it and hands it to the calls below.
 */
typedef struct urn_model urn_model;

/* A value of the graph: a 16-byte handle. All zeros means "not given". After an error in the model,
 * calls return a poison handle, and every later call does nothing: write models without checks. */
typedef struct urn_var {
    urn_model *model;
    uint32_t id;
    uint32_t reserved;
} urn_var;

/* A plate: a named set of conditionally independent rows. All zeros means "no plate". */
typedef struct urn_plate {
    urn_model *model;
    uint32_t id;
    uint32_t reserved;
} urn_plate;

#if defined(__has_attribute)
#if __has_attribute(designated_init)
#define URN_DESIGNATED __attribute__((designated_init))
#endif
#endif
#ifndef URN_DESIGNATED
#define URN_DESIGNATED
#endif

/* What urn_sample and urn_observe accept, one word per thing; a family says which of the parameter
 * words it takes, and giving another, or two parameterisations at once, is an error that lists
 * them. Words are only ever appended; `bytes` tells the library how many of them the caller knew.
 */
typedef struct urn_site {
    size_t bytes;           /* set by the macros */
    urn_var value;          /* observe only: the observed value */
    urn_var loc;            /* location: mean of a normal, vector of an mvn */
    urn_var scale;          /* standard deviation, or the family's scale */
    urn_var variance;       /* square of the scale */
    urn_var precision;      /* 1 / variance; for mvn the inverse covariance matrix */
    urn_var covariance;     /* mvn: covariance matrix */
    urn_var scale_tril;     /* mvn: L with covariance L L^T, lower triangular */
    urn_var precision_tril; /* mvn: L with precision L L^T, lower triangular */
    urn_var shape;          /* gamma, inverse_gamma */
    urn_var rate;           /* gamma, inverse_gamma, exponential, poisson, neg_binomial_2 */
    urn_var concentration;  /* lkj_cholesky, dirichlet, neg_binomial_2 */
    urn_var df;             /* degrees of freedom */
    urn_var probs;          /* probabilities */
    urn_var logits;         /* log odds, or unnormalised log probabilities */
    urn_var low;            /* lower bound */
    urn_var high;           /* upper bound */
    urn_var total;          /* number of trials */
    int64_t size;           /* side of a matrix-valued site, length of a vector-valued one */
    urn_plate plate;        /* the plate the site's rows belong to */
    urn_var mask;           /* 0/1 data over the plate: rows with 0 do not count */
    urn_var concentration1; /* beta: the exponent of x, plus 1 */
    urn_var concentration0; /* beta: the exponent of 1 - x, plus 1 */
    urn_var cutpoints;      /* ordered_logistic, ordered_probit: increasing vector */
    urn_var log_rate;       /* poisson, neg_binomial_2: logarithm of the rate */
    urn_var truncate_below, truncate_above; /* the family cut off there */
    urn_var censor_below, censor_above;     /* observed values are recorded as these limits */
    urn_var mixture;                        /* weights of components, which sum to one */
    urn_var mixture_logits;                 /* their logarithms, up to a common term */
    bool ordered;                           /* a vector of .size values in increasing order */
} URN_DESIGNATED urn_site;

struct urn_family;

#define URN_STRINGIFY_(x) #x
#define URN_STRINGIFY(x) URN_STRINGIFY_(x)
#define URN_HERE __FILE__ ":" URN_STRINGIFY(__LINE__)

/* Declares a latent random variable: urn_sample(m, "name", family, .word = value, ...). Returns its
 * value; shape: the plate's extents, then the family's event dims. A family of single numbers whose
 * parameters are vectors gives a vector of independent numbers (no plate needed). <urn/families.h>
 * lists the families with the words they take. */
#define urn_sample(m, name, family, ...)                                                           \
    urn_sample_at((m), URN_HERE, (name), urn_family_##family(),                                    \
                  &(urn_site){.bytes = sizeof(urn_site), __VA_ARGS__})

/* Declares an observed random variable; .value is required and must have exactly the shape of the
 * site. Returns the value. */
#define urn_observe(m, name, family, ...)                                                          \
    urn_observe_at((m), URN_HERE, (name), urn_family_##family(),                                   \
                   &(urn_site){.bytes = sizeof(urn_site), __VA_ARGS__})

/* The functions behind the two macros; `family` may be one of the caller's own. */
URN_API urn_var urn_sample_at(urn_model *m, const char *where, const char *name,
                              const struct urn_family *family, const urn_site *site);
URN_API urn_var urn_observe_at(urn_model *m, const char *where, const char *name,
                               const struct urn_family *family, const urn_site *site);

/* The log density of `.value` as a value, one number a row of the sentence's shape: nothing is
 * declared. The value may be less than that shape and is then repeated. For what families do not
 * say, such as a mixture of several of them:
 *   urn_logsumexp(urn_stack(urn_add(log_w, urn_log_density(m, normal, .value = y, ...)),
 *                           urn_add(log_v, urn_log_density(m, student_t, .value = y, ...))))
 * given to urn_factor. */
#define urn_log_density(m, family, ...)                                                            \
    urn_log_density_at((m), URN_HERE, urn_family_##family(),                                       \
                       &(urn_site){.bytes = sizeof(urn_site), __VA_ARGS__})
URN_API urn_var urn_log_density_at(urn_model *m, const char *where, const struct urn_family *family,
                                   const urn_site *site);

/* ---- plates ---- */

/* The rows of the data table `table`. With one unnamed table, any name stands for it. */
URN_API urn_plate urn_plate_rows(urn_model *m, const char *table);

/* The distinct ids (integers or text) in the column `column` of whatever tables have it: all rows
 * read count, held-out ones included. The plate's name is the column's. */
URN_API urn_plate urn_plate_of(urn_model *m, const char *column);

/* `size` (>= 1) numbered rows. */
URN_API urn_plate urn_plate_size(urn_model *m, const char *name, int64_t size);

/* The product of two plates: rows of `outer`, then of `inner`. At most three levels. For values
 * over all pairs, such as an array of the data; rows of a table refer to one plate at a time, so
 * give pairs met in a table an id column of their own, and urn_plate_of that. */
URN_API urn_plate urn_plate_nest(urn_plate outer, urn_plate inner);

/* Number of rows of a plate, for sizes that depend on data (0 after an error). */
URN_API int64_t urn_plate_rows_count(urn_plate plate);

/* ---- data, by name ---- */

/* A numeric column over its rows plate. */
URN_API urn_var urn_data(urn_plate rows, const char *column);

/* Columns whose names match `pattern` (a trailing * matches any ending), in file order, as one
 * value with an event dim: a design matrix. */
URN_API urn_var urn_data_columns(urn_plate rows, const char *pattern);

/* The mean of a column over the training rows; a scalar. The same number when the model is run
 * again on held-out rows. */
URN_API urn_var urn_data_mean(urn_plate rows, const char *column);

/* A scalar entry of the data; `int` demands a whole number and returns it at once for use as a
 * size. */
URN_API urn_var urn_data_real(urn_model *m, const char *name);
URN_API int64_t urn_data_int(urn_model *m, const char *name);

/* An array entry (JSON). Its leading dims must have the plates' sizes; the rest are event dims.
 * Pass a plate of all zeros for none. */
URN_API urn_var urn_data_array(urn_model *m, const char *name, urn_plate plate);

/* The row of `target` that each row of `rows` refers to through `column`: ids are looked up when
 * `target` came from urn_plate_of, else the column holds 0-based row numbers. For urn_gather only.
 */
URN_API urn_var urn_index(urn_plate rows, const char *column, urn_plate target);

/* Declares that the listed columns ("user,item") identify a row: a repeated combination is then bad
 * data, unless the run says how to merge (--duplicates). */
URN_API void urn_unique(urn_plate rows, const char *columns);

/* ---- options: declared where used, set with --set name=value ---- */

URN_API int64_t urn_option_int(urn_model *m, const char *name, int64_t fallback, const char *help);
URN_API double urn_option_real(urn_model *m, const char *name, double fallback, const char *help);

/* `choices` is "first|second|..."; returns the position of the chosen one, the first by default. */
URN_API int urn_option_choice(urn_model *m, const char *name, const char *choices,
                              const char *help);

/* ---- further sentences ---- */

/* Names a deterministic value; it is kept with the draws. Returns it. */
URN_API urn_var urn_record(urn_model *m, const char *name, urn_var value);

/* Adds the sum of `log_density` to the joint log density. Its rows are not observations: a model
 * without urn_observe has a "loss per observation" that is the loss as a whole. */
URN_API void urn_factor(urn_model *m, const char *name, urn_var log_density);

/* A point-estimated parameter: optimised, no prior. Shape: `plate`, then `size` event elements
 * (0: a scalar); `start` is its first value. */
URN_API urn_var urn_param(urn_model *m, const char *name, double start, int64_t size,
                          urn_plate plate);

/* Says that the joint density has no mode worth finding as long as the latent site `site` (what
 * urn_sample returned) is free, and why: `reason` ends the sentence "there is no mode worth
 * finding: ...". Engines that look for a mode then refuse, unless the site is held at values. */
URN_API void urn_no_mode(urn_model *m, urn_var site, const char *reason);

/* Reports an error of the model's own, e.g. an option combination that makes no sense. */
URN_API void urn_model_fail(urn_model *m, const char *message);

/* ---- the definition ---- */

/* Raised when the structs of this header change in a way an older library cannot read. */
#define URN_ABI_VERSION 1

typedef struct urn_model_def {
    size_t bytes;
    uint32_t abi; /* URN_ABI_VERSION of the header the model was compiled with */
    uint32_t reserved;
    const char *name;
    const char *summary;
    const char *file;
    void (*trace)(urn_model *m);
} urn_model_def;

#ifdef URN_MODEL_SHARED
#define URN_MODEL_ENTRY(model_name)                                                                \
    URN_API const urn_model_def *urn_model_entry(void);                                            \
    const urn_model_def *urn_model_entry(void)                                                     \
    {                                                                                              \
        return urn_model_##model_name();                                                           \
    }
#else
#define URN_MODEL_ENTRY(model_name)
#endif

/* Ends a model file: defines urn_model_<name>(), which returns the definition. A file compiled with
 * URN_MODEL_SHARED also gets the entry point a shared object is loaded through. */
#define URN_MODEL(model_name, model_summary)                                                       \
    URN_API const urn_model_def *urn_model_##model_name(void);                                     \
    const urn_model_def *urn_model_##model_name(void)                                              \
    {                                                                                              \
        static const urn_model_def def = {.bytes = sizeof(urn_model_def),                          \
                                          .abi = URN_ABI_VERSION,                                  \
                                          .name = #model_name,                                     \
                                          .summary = (model_summary),                              \
                                          .file = __FILE__,                                        \
                                          .trace = (model_name)};                                  \
        return &def;                                                                               \
    }                                                                                              \
    URN_MODEL_ENTRY(model_name)                                                                    \
    extern int urn_model_##model_name##_end_

#ifdef __cplusplus
}
#endif
#endif
