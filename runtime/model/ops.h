/* What the files of public operations share. */
#ifndef URN_MODEL_OPS_H
#define URN_MODEL_OPS_H

#include "trace.h"

/* Is it a handle of a trace that has not failed? */
bool urn__usable(urn_var x);
/* Event dims of x with one of length `extra` put at the end, or the last one taken off (extra 0).
 */
urn_var urn__event_dims(urn_var x, int64_t extra);

#endif
