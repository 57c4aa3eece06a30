/* As many threads as are fastest now: see governor.h. */
#include "governor.h"

#define SMALL 40e-6    /* seconds of a step that is not worth waking a thread for */
#define WARM_UP 2      /* steps whose caches are cold or whose threads are being made, ... */
#define LONG 2e-3      /* ... which does not matter in steps that take so many seconds */
#define TRIAL_STEPS 6  /* that count, ... */
#define TRIAL_TIME 0.1 /* ... or as many as take so many seconds */
#define LOST 1.5       /* steps of the best way that a trial may lose before it ends */
#define STALLED 3.0    /* a step so much slower than the best way's ends it in any case */
#define PAUSE 0.1      /* seconds between trials at first */
#define LONGEST 30.0   /* pauses double up to this while the same way stays the best */
#define SHARE 20.0     /* a pause is at least so many times as long as a trial */
#define FORGET 0.02    /* weight of the latest step in a mean */
#define MARGIN 0.97    /* how much faster another way must be */
#define CHANGED 1.5    /* a best way this much slower than it was is doubted */

static int begin(urn__governor *g, int way)
{
    g->now = way;
    g->trial = true;
    g->steps = g->counted = 0;
    g->spent = 0.0;
    return g->way[way].threads;
}

int urn__governor_start(urn__governor *g, int most, double now)
{
    *g = (urn__governor){.pause = PAUSE, .next = now + PAUSE, .searching = true};
    int threads[URN__GOVERNOR_WAYS], n = 0;
    for (int t = most; t > 1 && n < URN__GOVERNOR_WAYS - 1; t = (t + 1) / 2)
        threads[n++] = t;
    g->way[g->n_ways++].threads = 1;
    while (n > 0)
        g->way[g->n_ways++].threads = threads[--n];
    return begin(g, 0);
}

/* The way to look at in the first round: one thread, then all of them, and fewer while that is
 * faster. -1 when the round is over. */
static int next_of_search(const urn__governor *g)
{
    const int last = g->n_ways - 1;
    if (g->now == 0)
        return last > 0 && g->way[0].mean >= SMALL ? last : -1;
    if (g->now == 1 || g->best != g->now)
        return -1;
    return g->now - 1;
}

/* Back to the best way until the next trial, which another way gets. */
static int settle(urn__governor *g, double now)
{
    g->now = g->best;
    g->trial = false;
    g->settled = g->way[g->best].mean;
    g->next = now + g->pause;
    return g->way[g->best].threads;
}

static int end_trial(urn__governor *g, double now)
{
    urn__way *tried = &g->way[g->now], *best = &g->way[g->best];
    tried->mean = g->spent / g->counted;
    const bool better = g->now != g->best && tried->mean < MARGIN * best->mean;
    if (better)
        g->best = g->now;
    const int more = g->searching ? next_of_search(g) : -1;
    if (more >= 0)
        return begin(g, more);
    g->searching = g->searching && g->now == 0; /* a program that is small now may grow */
    const double least = SHARE * g->spent;
    g->pause = better ? PAUSE : g->pause * 2.0;
    g->pause = g->pause > LONGEST ? LONGEST : g->pause;
    g->pause = g->pause < least ? least : g->pause;
    return settle(g, now);
}

static int trial_step(urn__governor *g, double seconds, double now)
{
    const double best = g->way[g->best].mean;
    const bool compared = g->now != g->best, stalled = compared && seconds > STALLED * best;
    if (++g->steps > WARM_UP || seconds >= LONG || stalled) {
        g->counted++;
        g->spent += seconds;
    }
    const bool lost = compared && g->spent - g->counted * best > LOST * best;
    if (stalled || lost || g->counted >= TRIAL_STEPS || g->spent >= TRIAL_TIME)
        return end_trial(g, now);
    return g->way[g->now].threads;
}

/* Which other way to try: all in turn. */
static int next_probe(urn__governor *g)
{
    do
        g->probe = (g->probe + 1) % g->n_ways;
    while (g->probe == g->best);
    return g->probe;
}

int urn__governor_step(urn__governor *g, double seconds, double now)
{
    urn__way *way = &g->way[g->now];
    way->n_steps++;
    if (g->n_ways == 1)
        return 1;
    if (g->trial)
        return trial_step(g, seconds, now);
    way->mean += FORGET * (seconds - way->mean);
    if (g->best == 0 && way->mean < SMALL)
        return 1;
    const bool changed = way->mean > CHANGED * g->settled && now > g->next - g->pause + PAUSE;
    if (changed)
        g->pause = PAUSE;
    return changed || now >= g->next ? begin(g, next_probe(g)) : way->threads;
}

int urn__governor_used(const urn__governor *g)
{
    int most = 0;
    for (int k = 1; k < g->n_ways; k++)
        if (g->way[k].n_steps > g->way[most].n_steps)
            most = k;
    return g->way[most].threads;
}
