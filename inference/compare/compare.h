/* Comparing runs of one model on one data set: a digest of each run, what two digests differ by,
 * and what that means in words.
 *
 * Factors are not identified (U A and V A^-T give the same products), so a digest holds invariants:
 * predictions on held-out rows and for an id without rows, the noise, the log likelihood, singular
 * values of products of factors, lengths and singular values of what turns with the factors, and
 * the other sites as they are. */
#ifndef URN_INFERENCE_COMPARE_COMPARE_H
#define URN_INFERENCE_COMPARE_COMPARE_H

#include "../diagnostics/elpd.h"

#include <urn/fit.h>

/* Above or below these the verdict says so. */
#define URN__R_HAT_LIMIT 1.01   /* chains do not agree yet (Vehtari et al. 2021), ... */
#define URN__R_HAT_MODES 1.05   /* ... and this far apart they may sit in different modes */
#define URN__ESS_LIMIT 100.0    /* a chain: enough for errors and quantiles */
#define URN__K_HAT_LIMIT 0.7    /* a guide's draws cannot be reweighted */
#define URN__SD_RATIO_LOW 0.8   /* sds below that are too small, ... */
#define URN__SD_RATIO_HIGH 1.25 /* ... above that too large */
#define URN__SHIFT_LIMIT 0.5    /* of the reference's sds: means that far apart differ, ... */
#define URN__ERROR_LIMIT 3.0    /* ... if also that many Monte Carlo errors apart */
#define URN__SCORE_ERRORS 2.0   /* standard errors a difference of scores must exceed, ... */
#define URN__SCORE_SHARE 0.01   /* ... and this share of an RMSE or CRPS, ... */
#define URN__SCORE_NATS 0.02    /* ... or this much log density a row */
#define URN__LEVEL_LIMIT                                                                           \
    0.03 /* of coverage from its level, or two errors where these are larger                       \
          */

enum {
    URN__GROUPS = 5
}; /* all held-out rows, those of ids with 0, 1-5, 6-20, more training rows */
extern const char *const urn__group_names[URN__GROUPS];

typedef enum urn__quantity_kind {
    URN__QUANTITY_HELD_OUT,
    URN__QUANTITY_NOISE,
    URN__QUANTITY_LIKELIHOOD,
    URN__QUANTITY_GRAM, /* singular values of products of factors */
    URN__QUANTITY_AXES, /* lengths and singular values of what turns with factors */
    URN__QUANTITY_NEW,  /* predictions for an id without rows */
    URN__QUANTITY_SITE
} urn__quantity_kind;
/* "held_out", "noise", ...: for programs. */
const char *urn__quantity_word(urn__quantity_kind kind);

/* Does a quantity count when convergence is judged? What turns with the factors mixes as slowly as
 * the scales of the two factors trade, which the data do not see: it is shown, and does not. */
bool urn__decides(urn__quantity_kind kind, bool turns);

/* A number with all its draws. */
typedef struct urn__series {
    char name[96];
    urn__quantity_kind kind;
    bool turns;                /* an element of factors or their axes: not identified */
    int64_t n_chains, n_draws; /* draws of a guide are independent: one chain */
    double *draws;             /* chains one after another */
    double mean, sd, mcse;
    double quantile[3];                         /* 5, 50, 95 % */
    double ess_mean, ess_bulk, ess_tail, r_hat; /* NaN but for samplers */
    double *chain_mean;
} urn__series;

/* Many numbers of one kind, with their moments alone; some of them are followed as series, for
 * R-hat and effective sizes. */
typedef struct urn__field {
    char name[96];
    urn__quantity_kind kind;
    bool turns;
    int64_t n, n_followed;
    double *mean, *sd;      /* over draws */
    double r_hat, ess_bulk; /* the worst followed; NaN but for samplers */
} urn__field;

/* Held-out rows of one observed site. */
typedef struct urn__held_cells {
    int64_t n;
    double *observed;
    double *mean;        /* of the predictive distribution */
    double *log_density; /* NULL: none, as the next */
    double *cdf;
    double *crps;         /* NaN where there are fewer than two predictive draws */
    unsigned char *group; /* 1 .. URN__GROUPS - 1; 0: not known */
} urn__held_cells;

typedef struct urn__digest {
    urn__arena *arena;
    urn_posterior_kind posterior;
    int64_t n_chains, n_draws; /* used; a chain */
    int n_series, n_fields;
    urn__series *series;
    urn__field *fields;
    urn__held_cells cells;
    const urn__field *held_out; /* the field of conditional means of the cells; NULL: none */
    int64_t n_loo, n_training;  /* rows left out of those there are */
    urn__elpd_point *loo;       /* NULL: none */
    urn__elpd loo_total;
    double worst_r_hat, least_ess; /* of what is identified; NaN but for samplers */
    const char *worst_r_hat_of, *least_ess_of;
} urn__digest;

/* Everything but `fitted` and `posterior` may be left out. All is borrowed. */
typedef struct urn__digest_input {
    const urn_allocator *allocator;
    const urn_model *fitted; /* the posterior's */
    const urn_posterior *posterior;
    const urn_model *held_out, *training; /* the same model traced on such rows */
    const urn_model *fresh;               /* ... on rows of an id the fit never saw */
    const char *fresh_name;               /* "new user" */
    const char *site;                     /* the observed site; NULL: the first */
    const int64_t
        *n_training_rows; /* of the id of each held-out row: how many it has in training */
    const char *sites;    /* names, comma-separated: given element by element, factors among them */
    int64_t draws;        /* 0: 400 of a guide, at most 4,000 of a sampler */
    int threads;
    uint64_t seed;
} urn__digest_input;

/* A pass over the draws of a run. Free with urn__digest_free. Results do not depend on threads. */
urn_status urn__digest_run(const urn__digest_input *input, urn__digest **digest, urn_error *error);
void urn__digest_free(urn__digest *digest); /* takes NULL */

/* ---- differences ---- */

/* Of a series from the reference's. NaN where it cannot be said (no sd, no error). */
typedef struct urn__series_versus {
    const urn__series *own, *reference;
    double difference;  /* of means */
    double over_error;  /* the same over sqrt(mcse^2 + mcse^2) */
    double over_sd;     /* the same over the reference's sd */
    double sd_ratio;    /* own / reference */
    double wasserstein; /* of order 1, between the draws */
} urn__series_versus;

typedef struct urn__field_versus {
    const urn__field *own, *reference;
    double mean, reference_mean; /* over the elements */
    double correlation;          /* of the means */
    double distance;             /* mean |difference of means| */
    double over_sd;         /* the same in sds: mean of |difference| over the reference's mean sd */
    double sd_ratio;        /* of mean sds */
    double sd_ratio_median; /* median of the ratios element by element */
} urn__field_versus;

typedef struct urn__run_scores {
    int64_t n;
    double rmse, mae;
    double density, density_se; /* mean log predictive density, its standard error over rows */
    double crps, crps_se;
    double coverage[3]; /* of 50, 80, 95 % intervals; NaN without a cdf */
} urn__run_scores;

/* A run's less the reference's, with standard errors of the differences row by row. */
typedef struct urn__score_versus {
    double rmse, rmse_se;
    double density, density_se;
    double crps, crps_se;
    double elpd, elpd_se; /* of training rows, each left out, a row; NaN where there are none */
} urn__score_versus;

typedef struct urn__versus {
    int n_series, n_fields;
    urn__series_versus *series;
    urn__field_versus *fields;
    urn__score_versus scores;
    bool has_scores; /* the same held-out rows */
} urn__versus;

/* Series and fields of one name and size are compared. Arrays live in `arena`. */
urn_status urn__compare_digests(const urn__digest *own, const urn__digest *reference,
                                urn__arena *arena, urn__versus *versus, urn_error *error);
/* Scores of the cells of a group; false if there are none. */
bool urn__score_cells(const urn__held_cells *cells, int group, urn__run_scores *scores);

/* ---- in words ---- */

/* What a verdict is made of, of each run; all borrowed. */
typedef struct urn__judged {
    const char *name, *engine;
    const urn__digest *digest;
    double k_hat;       /* NaN: none */
    double divergences; /* of a sampler; 0 without */
    int n_warnings;     /* besides the one about k-hat */
    bool interrupted;
    const urn__versus *versus; /* NULL: the reference itself */
} urn__judged;

/* Did the run do what its engine is meant to: chains agree and are long enough, the loss is flat?
 * The reason, if not, is appended to `why`. */
bool urn__converged(const urn__judged *run, urn__text *why);
/* The run to measure the others by: samplers before guides, converged before others, then the one
 * with the largest effective size, then the first. */
int urn__choose_reference(int n, const urn__judged *runs);
/* Sentences, a line each. */
void urn__verdict(int n, const urn__judged *runs, int reference, urn__text *text);

#endif
