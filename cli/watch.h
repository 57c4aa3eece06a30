/* What is seen of a sampler's draws as they are made: errors on held-out rows, for the progress
 * line, log.csv and, at the end, the scores. Of a point that moves in sweeps: its errors on
 * training and held-out rows after each, for the progress line and log.csv. */
#ifndef URN_CLI_WATCH_H
#define URN_CLI_WATCH_H

#include "../inference/running.h"
#include "data.h"
#include "keep.h"

typedef struct cli_watch cli_watch;

/* What the draws are made with; all is borrowed. */
typedef struct cli_watched {
    const cli_args *args;
    const urn_model *model;  /* training rows */
    const urn_model *target; /* held-out rows */
    const urn_allocator *allocator;
    uint64_t seed;
    int threads;
    int64_t keep_bytes; /* of the fit's options */
} cli_watched;

/* *watch is NULL for engines that neither sample nor sweep. `target` may be NULL. */
urn_status cli_watch_new(const cli_watched *what, cli_watch **watch, urn_error *error);
void cli_watch_free(cli_watch *watch); /* takes NULL; so do the next, which then do nothing */
urn_status cli_watch_draw(cli_watch *watch, const urn_draw *draw, urn_error *error);
/* "  RMSE 0.912, of the mean 0.853  1.2e+05 items/s ..." or, of a point, "  RMSE 0.742 on training
 * rows, 0.891 on held-out rows" of the step just made, else "". */
void cli_watch_text(cli_watch *watch, const urn_progress *progress, char *text, size_t size);
/* Columns after those of a log row, and their values for chain values[0], step values[1]: nothing
 * in steps without a draw. */
int cli_watch_columns(const cli_watch *watch, const char *const **names);
void cli_watch_row(const cli_watch *watch, const double *values, double *more);
/* Prediction of the k-th observed site from all draws, the caller's; NULL: there is none. */
urn_status cli_watch_finish(cli_watch *watch, int k, urn_prediction **prediction, urn_error *error);

/* Mean and sd over all draws of the k-th large site, where not all draws are stored: *site is its
 * number, -1 past the last. `mean` and `sd` have room for its size, or are NULL. */
void cli_watch_moments(const cli_watch *watch, int k, int *site, double *mean, double *sd);
/* What --keep chose, or NULL. */
const cli_keep *cli_watch_kept(const cli_watch *watch);

#endif
