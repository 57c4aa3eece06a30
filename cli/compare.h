/* What the files of urn compare share. */
#ifndef URN_CLI_COMPARE_H
#define URN_CLI_COMPARE_H

#include "../inference/compare/compare.h"
#include "run.h"

/* A run, digested: its posterior and models are gone by then. */
typedef struct cli_compared {
    const char *path;
    char name[64];
    json_t *json; /* fit.json */
    urn__digest *digest;
    urn__versus versus;
    urn__judged judged;
    bool has_rows; /* its data could be read again */
} cli_compared;

typedef struct cli_comparison {
    const cli_args *args;
    urn__arena *arena;
    int n, reference;
    cli_compared *runs;
    char by[64];        /* the plate whose ids make the groups; "" without */
    urn__text mismatch; /* what differs between runs under --force */
    urn__text verdict;
} cli_comparison;

const char *cli_compare_state(const cli_compared *run); /* "4 x 1000 draws", into the run's arena */
/* "yes", or "no" with the reason; *converged is set. */
const char *cli_compare_converged(const cli_compared *run, urn__arena *arena, bool *converged);
void cli_compare_print(const cli_comparison *c);
json_t *cli_compare_json(const cli_comparison *c);

#endif
