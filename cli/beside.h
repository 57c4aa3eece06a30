/* Rows of one id of a plate, known or new, beside every id of another: a user and all items. */
#ifndef URN_CLI_BESIDE_H
#define URN_CLI_BESIDE_H

#include "run.h"

/* A table of one row an item, in the order of the items' plate, of the `user`-th id of the users'
 * plate, or of an id that is not there (-1). Both plates are as the fit knew them. What else the
 * model reads is as in the run's template row. The run must be of one table. Names are kept in
 * `arena`; *data is the caller's. */
urn_status cli_beside_data(const cli_run *run, const urn_plate_info *users,
                           const urn_plate_info *items, int64_t user, urn__arena *arena,
                           urn_dataset **data, urn_error *error);

#endif
