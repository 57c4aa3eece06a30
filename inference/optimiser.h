/* First-order optimisers with a learning-rate schedule, shared by the engines that descend a loss.
 */
#ifndef URN_INFERENCE_OPTIMISER_H
#define URN_INFERENCE_OPTIMISER_H

#include "engine.h"

#define URN__ADAM_BETA1 0.9
#define URN__ADAM_BETA2 0.999

typedef enum urn__optimiser_kind { URN__ADAM, URN__ADAMW, URN__SGD } urn__optimiser_kind;
typedef enum urn__schedule {
    URN__SCHEDULE_CONSTANT,
    URN__SCHEDULE_COSINE,
    URN__SCHEDULE_EXPONENTIAL,
    URN__SCHEDULE_STEPS
} urn__schedule;

typedef struct urn__optimiser {
    urn__optimiser_kind kind;
    urn__schedule schedule;
    double lr, lr_final, momentum;
    double clip; /* largest norm of the gradient; 0: any */
    int64_t n_steps, updates;
    double lr_now;
    urn__adam adam;
} urn__optimiser;

/* Rows of an option table; `lr_fallback` and `when` (words after the help, for engines that have
 * other methods too) are literals. */
#define URN__OPTIMISER_OPTIONS(lr_fallback, when)                                                  \
    {                                                                                              \
        "lr",                                                                                      \
        URN_OPTION_REAL,                                                                           \
        lr_fallback,                                                                               \
        NULL,                                                                                      \
        1e-12,                                                                                     \
        1e6,                                                                                       \
        "learning rate of the first step" when},                                                   \
        {"optimizer",                                                                              \
         URN_OPTION_CHOICE,                                                                        \
         "adam",                                                                                   \
         "adam|adamw|sgd",                                                                         \
         0,                                                                                        \
         0,                                                                                        \
         "how a gradient becomes a step" when},                                                    \
        {"momentum", URN_OPTION_REAL, "0.9", NULL, 0, 0.9999, "momentum of sgd" when},             \
        {"weight-decay",                                                                           \
         URN_OPTION_REAL,                                                                          \
         "0.01",                                                                                   \
         NULL,                                                                                     \
         0,                                                                                        \
         1e3,                                                                                      \
         "decoupled weight decay of adamw; scales of a guide do not decay" when},                  \
        {"schedule",                                                                               \
         URN_OPTION_CHOICE,                                                                        \
         "constant",                                                                               \
         "constant|cosine|exponential|step-decay",                                                 \
         0,                                                                                        \
         0,                                                                                        \
         "how the learning rate falls from --lr to --lr-final over the run (step-decay: in four "  \
         "equal ratios, at each fifth of the run)" when},                                          \
        {"lr-final",                                                                               \
         URN_OPTION_REAL,                                                                          \
         NULL,                                                                                     \
         NULL,                                                                                     \
         0,                                                                                        \
         1e6,                                                                                      \
         "learning rate of the last step; by default a hundredth of --lr" when},                   \
    {                                                                                              \
        "clip", URN_OPTION_REAL, "0", NULL, 0, 1e300,                                              \
            "largest norm of the gradient of the loss per observation; 0: no limit" when           \
    }

/* Reads the rows above. Options of another optimiser than the chosen one are URN_ERR_USAGE. */
urn_status urn__optimiser_read(const urn__settings *settings, int64_t n_steps,
                               urn__optimiser *optimiser, urn_error *error);
/* Learning rate of step `step`, from 1. */
double urn__optimiser_rate(const urn__optimiser *optimiser, int64_t step);
/* Corrections of the bias of Adam's moments after so many updates. */
void urn__adam_correct(urn__adam *adam, int64_t updates);
/* Prepares the update of step `step`; call once before the updates of its chunks. */
void urn__optimiser_begin(urn__optimiser *optimiser, int64_t step);
/* p moves by one step on the gradient g of the loss; m and v are the optimiser's memory of p (sgd
 * has no use for v). */
void urn__optimiser_update(const urn__optimiser *optimiser, const urn__kernels *kernels, int64_t n,
                           bool decay, const double *g, double *m, double *v, double *p);
void urn__optimiser_update_single(const urn__optimiser *optimiser,
                                  const urn__kernels_single *kernels, int64_t n, bool decay,
                                  const float *g, float *m, float *v, float *p);

#endif
