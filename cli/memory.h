/* Memory of a fit: estimated before it starts, and kept to a limit. */
#ifndef URN_CLI_MEMORY_H
#define URN_CLI_MEMORY_H

#include "cli.h"

typedef struct cli_memory {
    const cli_args *args;
    double limit;             /* bytes; 0: none */
    double base, data, model; /* the program itself; what was read; models traced from it */
    double in_use;            /* when the fit asked last */
    double estimate;          /* of the peak */
} cli_memory;

/* What predictions and files will need, when the fit is done. */
typedef struct cli_after {
    double predictions, files;
} cli_after;

/* Reads --max-memory; the program's own memory is what is in use now. */
urn_status cli_memory_start(const cli_args *args, cli_memory *memory, urn_error *error);
/* Before reading: data files larger than the limit are refused. */
urn_status cli_memory_files(cli_memory *memory, urn_error *error);
/* After reading `data`, and after tracing: what is in use must be within the limit. */
urn_status cli_memory_read(cli_memory *memory, const urn_dataset *data, urn_error *error);
urn_status cli_memory_traced(cli_memory *memory, urn_error *error);
/* The estimate of the whole fit, for urn_fit_options.admit. */
urn_status cli_memory_admit(cli_memory *memory, const urn_fit_memory *fit, const cli_after *after,
                            urn_error *error);

/* The largest memory this process has had, in bytes. */
double cli_memory_peak(void);
/* "480 MB" */
const char *cli_bytes(double bytes, char text[32]);

#endif
