/* The profile of a fit as a table and as JSON. */
#ifndef URN_CLI_PROFILE_H
#define URN_CLI_PROFILE_H

#include <jansson.h>
#include <urn/fit.h>

void cli_profile_print(const urn_fit *fit);
json_t *cli_profile_json(const urn_fit *fit); /* a new reference */

#endif
