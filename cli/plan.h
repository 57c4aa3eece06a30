/* How gibbs would update a model's sites, for describe and check. */
#ifndef URN_CLI_PLAN_H
#define URN_CLI_PLAN_H

#include "../inference/gibbs/gibbs.h"
#include "cli.h"
#include <jansson.h>

/* The plan of `model`, as a table on stdout; why there is none where gibbs refuses the model. */
urn_status cli_plan_print(const urn_model *model, urn_error *error);
/* The same as a list of objects, or an object with "refused". */
urn_status cli_plan_json(const urn_model *model, json_t **json, urn_error *error);
/* The names of a block's sites, with commas. Returns `text`. */
const char *cli_plan_sites(const urn__gibbs_block *block, char *text, size_t size);

#endif
