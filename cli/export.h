/* The comments of CmdStan's CSV, by which its readers know what they have. */
#ifndef URN_CLI_EXPORT_H
#define URN_CLI_EXPORT_H

#include "../io/io.h"

/* A chain of a run; borrowed. */
typedef struct cli_exported {
    const json_t *fit;    /* fit.json */
    const json_t *metric; /* what the chain learned, or NULL */
    int64_t chain, draws;
} cli_exported;

/* Before the header line: the configuration. */
void cli_export_head(urn__io_file *file, const cli_exported *e);
/* After it: step size and inverse metric, of chains that have them. */
void cli_export_adaptation(urn__io_file *file, const cli_exported *e);
/* After the draws: the time of the steps. */
void cli_export_time(urn__io_file *file, const cli_exported *e);

#endif
