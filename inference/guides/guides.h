/* Kinds of guides. All have a location for each coordinate, all but points a scale. What a kind
 * adds is a factor P: a draw is
 *
 *   x_i = loc_i + scale_i * u_i,   u_i = e_i + (row i of P) . (what it reads of the noise),
 *
 * with the layout of normal_form.h, so that P is in units of the coordinates' scales and one
 * learning rate suits all. d log p / d P_ik = g_i scale_i e'_k; that for location and log scale is
 * the one without a factor, which is why the same sweeps serve. Guides with a factor compute in
 * double. */
#ifndef URN_INFERENCE_GUIDES_GUIDES_H
#define URN_INFERENCE_GUIDES_GUIDES_H

#include "../guide.h"
#include "../normal_form.h"

/* Coordinates first .. end - 1 and the numbers at .. at + n - 1 of P that are their rows. */
typedef struct urn__piece {
    int block; /* of the layout; -1: none (independent, or a rank) */
    int64_t first, end, at, n;
} urn__piece;

struct urn__factor {
    urn__layout layout;
    double *p, *m, *v;
    double *g;     /* gradient over several draws; NULL if from one */
    double *noise; /* of the draw: a normal for each coordinate (0 of points), then a rank's */
    double *scale; /* at the draw; 0 of points */
    urn__stream further; /* of a rank's normals */
    int n_pieces;
    urn__piece *pieces;
    double *sums;                  /* by piece */
    bool stale;                    /* what _prepare makes is of an earlier P */
    double entropy;                /* on top of that of the scales */
    double *gram, *inverse, *part; /* of a rank: Cholesky factor of 1 + P'P, its inverse, room */
    double *vector;
};

struct urn__guide_kind {
    const char *name;
    bool normal; /* has scales */
    /* The rest is for kinds with a factor (`lay_out` is not NULL). */
    /* Fills rank, or blocks (memory for as many as the target has). Refuses what is too large, with
     * how large it would be. `rank` is what was asked for, 0 if nothing was. */
    urn_status (*lay_out)(const urn__target *target, int64_t rank, urn_normal_block *blocks,
                          urn__layout *layout, urn_error *error);
    /* First numbers of P, which is all zeros; may change scales. NULL: zeros. */
    void (*start)(urn__guide *guide);
    /* Entropy and all else that P alone decides. NULL: Cholesky factors, whose entropy is that of
     * their scales. */
    void (*prepare)(urn__guide *guide);
    /* Writes d entropy / d P of a piece. NULL: 0. */
    void (*entropy_gradient)(const urn__factor *factor, const urn__piece *piece, double *out);
    /* u' (covariance of u)^-1 u at the draw. NULL: the sum of squares of the noise. */
    double (*squares)(const urn__guide *guide);
};

#define URN_GUIDE(name, word) extern const urn__guide_kind urn__guide_##name;
#include "guides.def"
#undef URN_GUIDE

/* The one that option `guide` chose. */
const urn__guide_kind *urn__guide_kind_of(const urn__settings *settings);
/* Refuses a target that the kind cannot lay out, or single precision where it needs double. */
urn_status urn__guide_accepts(const urn__guide_plan *plan, const urn__target *target,
                              urn_error *error);
/* Bytes of the posterior. */
int64_t urn__guide_posterior_memory(const urn__guide_plan *plan, const urn__target *target);

/* ---- what guide.c does of guides with a factor (factor.c) ---- */

urn_status urn__factor_init(urn__guide *guide, const urn__guide_plan *plan, urn__arena *arena,
                            urn_error *error);
bool urn__factor_ready(urn__guide *guide, bool second_moments, bool averaging, urn__arena *arena);
int64_t urn__factor_memory(const urn__guide_plan *plan, const urn__target *target, int arrays);
void urn__factor_start(urn__guide *guide);
/* Starts from a form, if it is of this guide's layout and its diagonal has no zeros but those of
 * points. False: it is not, and nothing was changed. */
bool urn__factor_take(urn__guide *guide, const urn_normal_form *form);
/* Draws noise from the guide's streams and fills the position; returns the sums of its log scales
 * and squares. */
urn__sums urn__factor_sample(urn__guide *guide, urn__draw draw);
/* One draw's step of P. False, with nothing changed, where the gradient is not finite. */
bool urn__factor_step(urn__guide *guide, const urn__optimiser *optimiser, double factor);
void urn__factor_zero(urn__guide *guide);
void urn__factor_accumulate(urn__guide *guide, double factor);
/* Adds the entropy's part; returns the squared norm of the gradient. */
double urn__factor_entropy(urn__guide *guide, double factor);
/* `limit` multiplies the gradient. */
void urn__factor_update(urn__guide *guide, const urn__optimiser *optimiser, double limit);
/* Squares behind the log density, see urn__guide_kind. */
double urn__factor_squares(const urn__guide *guide);
/* The F of a normal form whose own scales are `own`: rows of P times the scale. */
void urn__factor_export(const urn__guide *guide, const double *own, double *factor);

#endif
