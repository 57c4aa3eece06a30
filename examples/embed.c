/* Urn inside a program of one's own: data made in memory, a model traced on it, a fit by SVI, a
 * summary of the posterior and predictions for new rows. Build it against an installed Urn with
 *
 *     cc examples/embed.c $(pkg-config --cflags --libs urn) -o embed
 *
 * Results have the same bits for any number of threads; the settings are those of "urn fit --help".
 */
#include <stdio.h>
#include <stdlib.h>
#include <urn/urn.h>

/* ---- the model: as in a model file, and in the same program ---- */

static void growth(urn_model *m)
{
    urn_plate plants = urn_plate_rows(m, "plants");
    urn_var zero = urn_real(m, 0.0);
    urn_var ten = urn_real(m, 10.0);
    urn_var middle = urn_sample(m, "middle", normal, .loc = zero, .scale = ten);
    urn_var rate = urn_sample(m, "rate", normal, .loc = zero, .scale = ten);
    urn_var noise = urn_sample(m, "noise", half_normal, .scale = urn_real(m, 5.0));

    /* Weeks are counted from the middle of the season: height there and rate are then nearly
     * independent in the posterior, as the normal guide supposes. */
    urn_var week = urn_shifted(urn_data(plants, "week"), -5.5);
    urn_var height = urn_add(middle, urn_mul(rate, week));
    urn_observe(m, "height", normal, .value = urn_data(plants, "height"), .loc = height,
                .scale = noise, .plate = plants);
}
URN_MODEL(growth, "height of plants by week");

/* ---- data ---- */

/* A table of `n` rows. A dataset copies what it is given. */
static urn_status make_data(int64_t n, const double *week, const double *height, urn_dataset **data,
                            urn_error *error)
{
    *data = urn_dataset_new(NULL);
    if (*data == NULL) {
        *error = (urn_error){.status = URN_ERR_MEMORY, .message = "out of memory"};
        return URN_ERR_MEMORY;
    }
    urn_status status = urn_dataset_add_table(*data, "plants", NULL, n, 0, error);
    if (status == URN_OK)
        status = urn_dataset_add_real(*data, "plants", "week", week, error);
    if (status == URN_OK)
        status = urn_dataset_add_real(*data, "plants", "height", height, error);
    return status;
}

/* ---- results ---- */

static urn_status print_sites(const urn_model *model, const urn_posterior *posterior,
                              urn_error *error)
{
    const double probs[2] = {0.05, 0.95};
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_site_info info;
        double mean, sd, quantiles[2];
        urn_model_site(model, i, &info);
        if (info.role != URN_SITE_LATENT || info.size != 1)
            continue;
        const urn_status status =
            urn_summarise_site(model, posterior, i, 0, &mean, &sd, 2, probs, quantiles, error);
        if (status != URN_OK)
            return status;
        printf("%-8s mean %7.3f  sd %6.3f  90 %% in [%.3f, %.3f]\n", info.name, mean, sd,
               quantiles[0], quantiles[1]);
    }
    return URN_OK;
}

/* Predictions come from tracing the model again, on the rows to predict. Their heights are not
 * known; the values given for them only fill the column. */
static urn_status print_predictions(const urn_model *fitted, const urn_posterior *posterior,
                                    urn_error *error)
{
    const double week[2] = {10.0, 20.0}, unknown[2] = {0.0, 0.0};
    const urn_predict_options options = {.bytes = sizeof options, .level = 0.8, .seed = 1};
    urn_dataset *data = NULL;
    urn_model *target = NULL;
    urn_prediction *prediction = NULL;
    urn_status status = make_data(2, week, unknown, &data, error);
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    if (status == URN_OK)
        status = urn_model_trace(urn_model_growth(), &trace, &target, error);
    if (status == URN_OK)
        status = urn_predict(fitted, posterior, target, &options, &prediction, error);
    for (int64_t r = 0; status == URN_OK && r < prediction->n_rows; r++)
        printf("week %2.0f  mean %7.3f  80 %% in [%.2f, %.2f]\n", week[r], prediction->mean[r],
               prediction->low[r], prediction->high[r]);
    urn_prediction_free(prediction);
    urn_model_free(target);
    urn_dataset_free(data);
    return status;
}

/* ---- the fit ---- */

static urn_status fit_and_print(const urn_dataset *data, urn_error *error)
{
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    const urn_setting settings[] = {{"steps", "3000"}, {"lr", "0.1"}, {"schedule", "cosine"}};
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find("svi"),
                                     .settings = settings,
                                     .n_settings = sizeof settings / sizeof settings[0],
                                     .seed = 1};
    urn_model *model = NULL;
    urn_fit *fit = NULL;
    urn_status status = urn_model_trace(urn_model_growth(), &trace, &model, error);
    if (status == URN_OK)
        status = urn_fit_run(model, &options, &fit, error);
    if (status == URN_OK)
        status = print_sites(model, urn_fit_posterior(fit), error);
    if (status == URN_OK)
        status = print_predictions(model, urn_fit_posterior(fit), error);
    const char *warning;
    for (int i = 0; status == URN_OK && (warning = urn_fit_warning_at(fit, i)) != NULL; i++)
        printf("warning: %s\n", warning);
    urn_fit_free(fit); /* before the model, which it borrows */
    urn_model_free(model);
    return status;
}

int main(void)
{
    const double week[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const double height[12] = {2.3, 3.1, 5.2, 5.9, 8.4, 9.0, 11.3, 12.6, 13.9, 16.2, 17.1, 19.0};
    urn_dataset *data = NULL;
    urn_error error = {0};
    urn_status status = make_data(12, week, height, &data, &error);
    if (status == URN_OK)
        status = fit_and_print(data, &error);
    urn_dataset_free(data);
    if (status == URN_OK)
        return EXIT_SUCCESS;
    char text[2048];
    urn_error_format(&error, text, sizeof text);
    fprintf(stderr, "embed: %s\n", text);
    return urn_status_exit_code(status);
}
