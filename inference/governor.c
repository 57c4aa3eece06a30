/* One thread or many: see governor.h. */
#include "governor.h"

#define WARM_UP 2     /* steps whose caches are cold or whose threads are being made */
#define TRIAL_STEPS 6 /* that count */
#define HOPELESS 3.0  /* a trial this much slower than the other way ends at once */
#define EVERY 1.0     /* seconds between trials */
#define FORGET 0.02   /* weight of the latest step in a mean */
#define MARGIN 0.97   /* how much faster another way must be */

static int threads(const urn__governor *g)
{
    return g->many ? g->most : 1;
}

static void begin_trial(urn__governor *g, bool many)
{
    g->many = many;
    g->trial = WARM_UP + TRIAL_STEPS;
    g->steps = 0;
    g->spent = 0.0;
}

int urn__governor_start(urn__governor *g, int most, double now)
{
    *g = (urn__governor){.most = most < 1 ? 1 : most, .next_trial = now + EVERY};
    if (g->most > 1)
        begin_trial(g, true);
    return threads(g);
}

static void end_trial(urn__governor *g, double now)
{
    const int tried = g->many, other = !tried;
    g->mean[tried] = g->spent / g->steps;
    g->trial = 0;
    g->next_trial = now + EVERY;
    if (g->mean[other] <= 0.0)
        begin_trial(g, other);
    else if (g->mean[tried] > MARGIN * g->mean[other])
        g->many = other;
}

static void trial_step(urn__governor *g, double seconds, double now)
{
    const double other = g->mean[!g->many];
    const bool hopeless = other > 0.0 && seconds > HOPELESS * other;
    g->trial--;
    if (g->trial < TRIAL_STEPS || hopeless) {
        g->steps++;
        g->spent += seconds;
    }
    if (g->trial == 0 || hopeless)
        end_trial(g, now);
}

int urn__governor_step(urn__governor *g, double seconds, double now)
{
    if (g->most == 1)
        return 1;
    if (g->trial > 0) {
        trial_step(g, seconds, now);
        return threads(g);
    }
    double *mean = &g->mean[g->many];
    *mean += FORGET * (seconds - *mean);
    if (now >= g->next_trial)
        begin_trial(g, !g->many);
    return threads(g);
}
