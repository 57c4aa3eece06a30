/* --metric-file: an inverse metric in Stan's layout, {"inv_metric": [...]}; a matrix is a list of
 * its rows. Other members, such as "stepsize", are not looked at. */
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
    json_decref(json);
    return status;
}
