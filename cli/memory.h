/* Memory of a fit: estimated before it starts, and kept to a limit. */
#ifndef URN_CLI_MEMORY_H
#define URN_CLI_MEMORY_H

#include "cli.h"

/* What the memory in use is for, in the order in which a fit takes it. */
typedef enum cli_memory_part {
    CLI_MEMORY_DATA,
    CLI_MEMORY_MODEL,
    CLI_MEMORY_FIT,
    CLI_MEMORY_RESULTS,
    CLI_MEMORY_PARTS
} cli_memory_part;

typedef struct cli_memory {
    const cli_args *args;
    urn_allocator hook; /* counts, and gives no more than the limit */
    double limit;       /* bytes; 0: none */
    double base;        /* the program itself */
    double estimate;    /* of the peak */
    cli_memory_part now;
    double until[CLI_MEMORY_PARTS]; /* in use when a part was complete */
    long long in_use;               /* through the hook; atomic */
    long long refused, had;         /* the first size over the limit, 0: none; in use then */
} cli_memory;

/* What predictions and files will need, when the fit is done. */
typedef struct cli_after {
    double predictions, files;
} cli_after;

/* Reads --max-memory; the program's own memory is what is in use now. */
urn_status cli_memory_start(const cli_args *args, cli_memory *memory, urn_error *error);
/* Before reading: files whose columns will not fit are refused, going by their first records. */
urn_status cli_memory_files(cli_memory *memory, urn_error *error);
/* The part that took memory until now is complete. */
void cli_memory_next(cli_memory *memory);
/* The estimate of the whole fit, for urn_fit_options.admit. */
urn_status cli_memory_admit(cli_memory *memory, const urn_fit_memory *fit, const cli_after *after,
                            urn_error *error);
/* Says why, if `status` is that of memory the hook did not give. */
urn_status cli_memory_explain(const cli_memory *memory, urn_status status, urn_error *error);

/* The largest memory this process has had, in bytes. */
double cli_memory_peak(void);
/* "480 MB" */
const char *cli_bytes(double bytes, char text[32]);

#endif
