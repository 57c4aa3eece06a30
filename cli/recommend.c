/* urn recommend: the items a user is expected to rate highest. A new user's row of the plate is
 * drawn from its prior, given the posterior draws of what that prior depends on. */
#include "../runtime/model/dataset.h"
#include "beside.h"
#include "run.h"
#include <stdlib.h>
#include <string.h>

const cli_option cli_recommend_options[] = {
    CLI_TEXT("user", "ID", NULL, "a user the fit knows"),
    CLI_FLAG("new-user", 0, "a user without any ratings"),
    CLI_TEXT("plate", "NAME", NULL, "the users' plate (default: the first plate of ids)"),
    CLI_TEXT("items", "NAME", NULL, "the items' plate (default: the second plate of ids)"),
    CLI_INT("top", "10", 1, 1000000000, "how many items to list"),
    CLI_INT("draws", "1000", 1, 100000000, "draws of a guide to average over"),
    CLI_REAL("level", "0.9", 0.001, 0.999, "of the interval of the expected value"),
    CLI_FLAG("plug-in", 0, "use the posterior's centre instead of draws"),
    CLI_FLAG("all", 0, "list items of the training data too"),
    CLI_THREADS_OPTION,
    CLI_SEED_OPTION,
    CLI_END,
};

typedef struct ranked {
    double mean;
    int64_t item;
} ranked;

typedef struct job {
    const cli_args *args;
    cli_run run;
    urn_dataset *data;
    urn_model *target;
    urn_prediction *prediction;
    urn__arena *arena;
    urn_plate_info users, items; /* as the fit knew them */
    int64_t user;                /* -1: a new one */
    unsigned char *rated;        /* per item */
    bool knows_rated;
    ranked *order;
} job;

/* ---- who and what ---- */

static urn_status choose_plate(const job *j, const char *option, int fallback,
                               urn_plate_info *plate, urn_error *error)
{
    const char *name = cli_text(j->args, option), *names[16];
    size_t n = 0;
    for (int k = 0; n < 16 && cli_plate_of_ids(j->run.model, k, plate); k++) {
        if (name != NULL ? strcmp(plate->name, name) == 0 : k == fallback)
            return URN_OK;
        names[n++] = plate->name;
    }
    if (name != NULL)
        return cli_fail_unknown(error, "plate of ids", name, names, n);
    return cli_fail(error, URN_ERR_USAGE, NULL,
                    "recommending needs two plates of ids (users and items), and the model has %zu",
                    n);
}

static urn_status choose_user(job *j, urn_error *error)
{
    const char *id = cli_text(j->args, "user");
    const bool fresh = cli_flag(j->args, "new-user");
    URN_TRY(choose_plate(j, "plate", 0, &j->users, error));
    URN_TRY(choose_plate(j, "items", 1, &j->items, error));
    if (strcmp(j->users.name, j->items.name) == 0)
        return cli_fail(error, URN_ERR_USAGE, NULL, "--plate and --items are both \"%s\"",
                        j->users.name);
    if ((id != NULL) == fresh)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "urn recommend needs either --user ID or --new-user");
    j->user = id != NULL ? cli_label_find(&j->users, id) : -1;
    if (id != NULL && j->user < 0)
        return cli_fail(error, URN_ERR_DATA, "--new-user recommends for a user without ratings",
                        "the fit knows no %s \"%s\"", j->users.name, id);
    return URN_OK;
}

/* ---- what the user has rated already ---- */

static urn_status mark(job *j, const urn_dataset *data, urn_error *error)
{
    const urn__ids users = {.n = j->users.size,
                            .n_known = j->users.n_known,
                            .ints = j->users.int_labels,
                            .texts = j->users.text_labels};
    const urn__ids items = {.n = j->items.size,
                            .n_known = j->items.n_known,
                            .ints = j->items.int_labels,
                            .texts = j->items.text_labels};
    int32_t *user = NULL, *item = NULL;
    URN_TRY(urn__dataset_codes(data, 0, j->users.name, &users, users.n, j->arena, &user, error));
    URN_TRY(urn__dataset_codes(data, 0, j->items.name, &items, items.n, j->arena, &item, error));
    const int64_t n = urn__dataset_table_rows(data, 0);
    for (int64_t r = 0; r < n; r++)
        if (user[r] == j->user)
            j->rated[item[r]] = 1;
    j->knows_rated = true;
    return URN_OK;
}

static urn_status find_rated(job *j, urn_error *error)
{
    j->rated = urn__arena_alloc(j->arena, (size_t)j->items.size, 1);
    if (j->rated == NULL)
        return cli_fail_memory(error);
    if (j->user < 0 || cli_flag(j->args, "all"))
        return URN_OK;
    urn_dataset *data = NULL;
    URN_TRY(cli_run_training_data(&j->run, &data, error));
    if (data == NULL || urn_dataset_table_count(data) != 1) {
        urn_dataset_free(data);
        fprintf(stderr, "urn: the training data is gone or has changed, so items rated already "
                        "are listed too\n");
        return URN_OK;
    }
    bool observed;
    urn_status status = cli_run_prepare(&j->run, data, &observed, error);
    if (status == URN_OK)
        status = mark(j, data, error);
    urn_dataset_free(data);
    return status;
}

/* ---- output ---- */

static int by_mean(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->mean != y->mean)
        return x->mean > y->mean ? -1 : 1;
    return x->item < y->item ? -1 : 1;
}

static int64_t rank(job *j)
{
    int64_t n = 0;
    for (int64_t i = 0; i < j->items.size; i++)
        if (!j->rated[i])
            j->order[n++] = (ranked){j->prediction->mean[i], i};
    qsort(j->order, (size_t)n, sizeof *j->order, by_mean);
    return n < cli_int(j->args, "top") ? n : cli_int(j->args, "top");
}

static urn_status print_json(const job *j, int64_t n, urn_error *error)
{
    json_t *list = json_array();
    for (int64_t k = 0; k < n; k++) {
        const int64_t i = j->order[k].item;
        char text[32];
        json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o,s:o}", "item",
                                              cli_label(&j->items, i, text), "mean",
                                              urn__io_json_real(j->prediction->mean[i]), "sd",
                                              urn__io_json_real(j->prediction->mean_sd[i]), "low",
                                              urn__io_json_real(j->prediction->low[i]), "high",
                                              urn__io_json_real(j->prediction->high[i])));
    }
    return cli_print_json(json_pack("{s:s?,s:b,s:b,s:f,s:o}", "user", cli_text(j->args, "user"),
                                    "new_user", j->user < 0, "rated_left_out", j->knows_rated,
                                    "level", cli_real(j->args, "level"), "items", list),
                          error);
}

static void print_table(const job *j, int64_t n)
{
    const double level = 100.0 * cli_real(j->args, "level");
    if (j->user >= 0)
        printf("expected for %s %s\n", j->users.name, cli_text(j->args, "user"));
    else
        printf("expected for a new %s, who has no rows yet\n", j->users.name);
    printf("%s%-16s %10s %10s   %.0f %% interval%s\n", cli_bold(), j->items.name, "mean", "sd",
           level, cli_plain());
    for (int64_t k = 0; k < n; k++) {
        const int64_t i = j->order[k].item;
        char label[32], mean[32], sd[32], low[32], high[32];
        printf("%-16s %10s %10s   %s to %s\n", cli_label(&j->items, i, label),
               cli_number(j->prediction->mean[i], mean), cli_number(j->prediction->mean_sd[i], sd),
               cli_number(j->prediction->low[i], low), cli_number(j->prediction->high[i], high));
    }
}

static urn_status recommend(job *j, urn_error *error)
{
    j->arena = urn__arena_new(NULL);
    if (j->arena == NULL)
        return cli_fail_memory(error);
    URN_TRY(cli_run_open(j->args->operands[0], true, &j->run, error));
    URN_TRY(choose_user(j, error));
    URN_TRY(cli_beside_data(&j->run, &j->users, &j->items, j->user, j->arena, &j->data, error));
    URN_TRY(cli_run_trace(&j->run, j->data, &j->target, error));
    URN_TRY(find_rated(j, error));
    urn_plate_info rows;
    urn_site_info info = {.name = NULL};
    const int site = cli_observed_site(j->target, 0, &rows);
    if (site >= 0)
        urn_model_site(j->target, site, &info);
    const bool draws = urn_posterior_stored(j->run.posterior);
    const urn_predict_options options = {
        .bytes = sizeof options,
        .draws = draws && !cli_given_at_all(j->args, "draws") ? 0 : cli_int(j->args, "draws"),
        .level = cli_real(j->args, "level"),
        .threads = (int)cli_int(j->args, "threads"),
        .seed = (uint64_t)cli_int(j->args, "seed"),
        .site = info.name,
        .plug_in = cli_flag(j->args, "plug-in"),
        .mean_interval = true};
    URN_TRY(
        urn_predict(j->run.model, j->run.posterior, j->target, &options, &j->prediction, error));
    j->order = urn__arena_alloc(j->arena, (size_t)j->items.size, sizeof *j->order);
    if (j->order == NULL)
        return cli_fail_memory(error);
    const int64_t n = rank(j);
    if (cli_flag(j->args, "json"))
        return print_json(j, n, error);
    print_table(j, n);
    return URN_OK;
}

urn_status cli_recommend(const cli_args *args, urn_error *error)
{
    job j = {.args = args};
    const urn_status status = recommend(&j, error);
    urn__arena_free(j.arena);
    urn_prediction_free(j.prediction);
    urn_model_free(j.target);
    urn_dataset_free(j.data);
    cli_run_close(&j.run);
    return status;
}
