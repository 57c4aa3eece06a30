/* Scores of held-out rows, beside baselines that know only means. */
#ifndef URN_CLI_SCORE_H
#define URN_CLI_SCORE_H

#include "data.h"

enum { CLI_MAX_BASELINES = 8 };

typedef struct cli_baseline {
    char name[96]; /* "global mean", "user means" */
    double rmse, mae;
} cli_baseline;

typedef struct cli_score {
    char site[64];
    int64_t n_training;
    int64_t n_unseen; /* held-out rows with an id that no training row has */
    struct {
        char plate[64];
        int64_t n;
    } unseen[CLI_MAX_BASELINES]; /* the same by plate */
    int n_unseen_plates;
    urn_scores scores;
    cli_baseline baselines[CLI_MAX_BASELINES];
    int n_baselines;
} cli_score;

/* Scores the k-th observed site over rows. A `prediction` of it that is there already is scored
 * (and stays the caller's); with NULL it is made, from `posterior` as `options` say. `training` and
 * `target` are the same model traced on the training and on the held-out rows of `data`. *found is
 * false past the last site. */
urn_status cli_score_site(const urn_dataset *data, const urn_model *training,
                          const urn_model *target, const urn_posterior *posterior, int k,
                          const urn_predict_options *options, const urn_prediction *prediction,
                          bool *found, cli_score *score, urn_error *error);
void cli_score_print(const cli_score *score, const char *model);
json_t *cli_score_json(const cli_score *score);
json_t *cli_baselines_json(const cli_score *score);

#endif
