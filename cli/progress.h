/* Progress of a fit on stderr, and Ctrl-C. */
#ifndef URN_CLI_PROGRESS_H
#define URN_CLI_PROGRESS_H

#include "cli.h"

typedef struct cli_progress {
    bool quiet, bar, line_open;
    double last_drawn; /* seconds */
    int64_t every;     /* without a bar: a line every so many steps; 0: as fits the engine */
    char extra[160];   /* what else is known of a chain's last draw, or of the point */
} cli_progress;

cli_progress cli_progress_start(bool quiet, int64_t every);
void cli_progress_show(cli_progress *progress, const urn_progress *state);
void cli_progress_end(cli_progress *progress);

/* After the first SIGINT or SIGTERM cli_interrupted is true; a second one kills. */
void cli_catch_interrupts(void);
bool cli_interrupted(void *context);

#endif
