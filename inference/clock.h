/* Seconds, and the median time of a step in fixed memory. */
#ifndef URN_INFERENCE_CLOCK_H
#define URN_INFERENCE_CLOCK_H

#include <stdint.h>

#define URN__CLOCK_KEPT 4096

/* Times of steps: of every step while they fit, then of every second, every fourth, ... */
typedef struct urn__step_clock {
    double start, mark; /* of the first step, of the running one */
    int64_t count, stride;
    int kept;
    float seconds[URN__CLOCK_KEPT];
} urn__step_clock;

double urn__clock_now(void); /* monotonic, seconds */
void urn__step_clock_start(urn__step_clock *clock);
/* Ends the running step and returns its seconds; the time until urn__step_clock_resume belongs to
 * nobody.
 */
double urn__step_clock_stop(urn__step_clock *clock);
void urn__step_clock_resume(urn__step_clock *clock);
/* So many seconds of the running step belong to nobody. */
void urn__step_clock_leave_out(urn__step_clock *clock, double seconds);
double urn__step_clock_seconds(const urn__step_clock *clock); /* since the first step */
double urn__step_clock_median(urn__step_clock *clock);        /* seconds; NaN without steps */

#endif
