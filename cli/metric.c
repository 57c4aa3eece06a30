/* Metrics in CmdStan's layout, {"stepsize": 0.5, "metric_type": "diag_e", "inv_metric": [...]}; a
 * matrix is a list of its rows. --metric-file reads one, of which "inv_metric" is needed; fits
 * write them. */
#include "../io/io.h"
#include "../runtime/base/base.h"
#include "init.h"
#include <stdlib.h>

static urn_status fail_layout(const char *path, urn_error *error)
{
    return cli_fail(
        error, URN_ERR_DATA, "write {\"inv_metric\": [variances]}, or rows of a covariance matrix",
        "%s: \"inv_metric\" is not a list of numbers, or of equally long lists of them", path);
}

static bool add_numbers(const json_t *list, cli_init *init)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_number(number))
            return false;
        init->metric[init->n_metric++] = json_number_value(number);
    }
    return true;
}

/* A list, or a square list of lists. */
static urn_status fill(const char *path, const json_t *list, cli_init *init, urn_error *error)
{
    const size_t n = json_array_size(list);
    const bool square = json_is_array(json_array_get(list, 0));
    init->metric = calloc(n * (square ? n : 1) + 1, sizeof *init->metric);
    if (init->metric == NULL)
        return cli_fail_memory(error);
    bool good = n > 0 && (square || add_numbers(list, init));
    for (size_t i = 0; square && good && i < n; i++) {
        const json_t *row = json_array_get(list, i);
        good = json_array_size(row) == n && add_numbers(row, init);
    }
    init->dense_metric = square;
    return good ? URN_OK : fail_layout(path, error);
}

urn_status cli_metric_read(const cli_args *args, cli_init *init, urn_error *error)
{
    const char *path = cli_text(args, "metric-file");
    if (path == NULL)
        return URN_OK;
    if (!cli_engine_takes(args, "metric", "diag"))
        return cli_fail(error, URN_ERR_USAGE, "use --engine nuts or hmc",
                        "engine \"%s\" has no metric: --metric-file says nothing to it",
                        urn_engine_name(args->engine));
    json_t *json = NULL;
    URN_TRY(urn__io_json_read(path, NULL, &json, error));
    const urn_status status = fill(path, json_object_get(json, "inv_metric"), init, error);
    const double step_size = urn__io_json_get_real(json, "stepsize", 0.0);
    if (step_size > 0.0)
        urn__io_format_real(step_size, init->step_size);
    json_decref(json);
    return status;
}

size_t cli_init_settings(const cli_init *init, const cli_args *args, urn_setting *settings)
{
    size_t n = 0;
    if (init->dense_metric && !cli_given_at_all(args, "metric"))
        settings[n++] = (urn_setting){"metric", "dense"};
    if (init->step_size[0] != '\0' && !cli_given_at_all(args, "stepsize"))
        settings[n++] = (urn_setting){"stepsize", init->step_size};
    return n;
}

/* ---- writing ---- */

static json_t *numbers(int64_t n, const double *values)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_real(values[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *rows(const urn_metric *metric)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < metric->size; i++)
        if (json_array_append_new(list,
                                  numbers(metric->size, metric->inverse + i * metric->size)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

urn_status cli_metric_write(const urn_metric *metric, const char *path, urn_error *error)
{
    json_t *inverse = metric->dense ? rows(metric) : numbers(metric->size, metric->inverse);
    json_t *json = inverse == NULL
                       ? NULL
                       : json_pack("{s:f,s:s,s:o}", "stepsize", metric->step_size, "metric_type",
                                   metric->dense ? "dense_e" : "diag_e", "inv_metric", inverse);
    const urn_status status = urn__io_json_write(json, path, NULL, error);
    json_decref(json);
    return status;
}
