/* The rows a fit sees: duplicates merged, some held out. */
#include "../io/io.h"
#include "data.h"
#include <string.h>

urn_status cli_merge_rows(urn_dataset *data, const urn_model_def *def, const urn_trace_options *how,
                          const char *mode, bool quiet, urn_error *error)
{
    if (strcmp(mode, "error") == 0)
        return URN_OK;
    urn_trace_options options = *how;
    options.allow_duplicates = true;
    urn_model *model = NULL;
    URN_TRY(urn_model_trace(def, &options, &model, error));
    urn_status status = URN_OK;
    const char *columns, *table;
    for (int i = 0; status == URN_OK && (columns = urn_model_unique(model, i, &table)) != NULL;
         i++) {
        int64_t merged = 0;
        status = urn_dataset_merge(data, table, columns, mode, &merged, error);
        if (status == URN_OK && merged > 0 && !quiet)
            fprintf(stderr, "urn: %lld rows repeated their (%s) and were merged (%s)\n",
                    (long long)merged, columns, mode);
    }
    urn_model_free(model);
    return status;
}

urn_status cli_hold_out_share(urn_dataset *data, const urn_model_def *def,
                              const urn_trace_options *how, double share, urn_error *error)
{
    const int n = urn_dataset_table_count(data);
    if (n == 0)
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "--holdout needs a table, and the data holds none");
    if (n == 1)
        return urn__io_split(data, urn_dataset_table_name(data, 0), share, error);
    /* several tables: those with observed sites */
    urn_model *model = NULL;
    URN_TRY(urn_model_trace(def, how, &model, error));
    urn_plate_info plate;
    urn_status status = URN_OK;
    for (int k = 0; status == URN_OK && cli_observed_site(model, k, &plate) >= 0; k++)
        if (urn_dataset_held_out(data, plate.table) == NULL)
            status = urn__io_split(data, plate.table, share, error);
    urn_model_free(model);
    return status;
}
