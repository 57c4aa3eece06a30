/* --keep SITES: all draws of chosen sites of a sampler, in their natural space, however few states
 * the budget has room for. */
#ifndef URN_CLI_KEEP_H
#define URN_CLI_KEEP_H

#include "../io/io.h"
#include "cli.h"

typedef struct cli_keep cli_keep;

typedef struct cli_keep_options {
    const urn_allocator *allocator;
    const char *cpu;
    const char *sites; /* separated by commas */
    int chains;
    int64_t draws; /* of a chain */
    int64_t bytes; /* they may take at most; else URN_ERR_USAGE */
} cli_keep_options;

/* `model` is borrowed. An unknown site is URN_ERR_USAGE. */
urn_status cli_keep_new(const urn_model *model, const cli_keep_options *options, cli_keep **keep,
                        urn_error *error);
void cli_keep_free(cli_keep *keep); /* takes NULL */
urn_status cli_keep_draw(cli_keep *keep, const urn_draw *draw, urn_error *error);
/* Are all draws of all chains there? False for NULL. */
bool cli_keep_complete(const cli_keep *keep);
/* Defines the sites in a group, chain by draw, and writes them. */
urn_status cli_keep_save(const cli_keep *keep, urn__io_nc *nc, int group, urn_error *error);

/* URN_ERR_USAGE unless all of these are sites with values. */
urn_status cli_keep_check(const urn_model *model, const char *sites, urn_error *error);

#endif
