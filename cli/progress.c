/* Progress of a fit on stderr, and Ctrl-C. */
#include "progress.h"
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted; /* a signal handler has no other place to write to */

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void *context)
{
    (void)context;
    return interrupted != 0;
}

cli_progress cli_progress_start(bool quiet, int64_t every)
{
    return (cli_progress){
        .quiet = quiet, .bar = !quiet && isatty(STDERR_FILENO), .last_drawn = -1.0, .every = every};
}

static void time_left(double seconds, char text[32])
{
    if (!isfinite(seconds) || seconds < 0.0)
        snprintf(text, 32, "?");
    else if (seconds < 60.0)
        snprintf(text, 32, "%.0f s", seconds);
    else if (seconds < 5400.0)
        snprintf(text, 32, "%.0f min", seconds / 60.0);
    else
        snprintf(text, 32, "%.1f h", seconds / 3600.0);
}

/* Samplers have several chains, of which any may report. */
static bool samples(const urn_progress *s)
{
    return s->n_chains > 0;
}

static void draw_bar(cli_progress *progress, const urn_progress *s)
{
    enum { WIDTH = 24 };
    const int64_t done = samples(s) ? s->all_done : s->step;
    const int64_t all = samples(s) ? s->all_steps : s->n_steps;
    if (done < all && s->seconds - progress->last_drawn < 0.1)
        return;
    progress->last_drawn = s->seconds;
    const double rate = s->seconds > 0.0 ? (double)done / s->seconds : 0.0;
    char bar[WIDTH + 1], left[32], loss[32], smooth[32];
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)((double)done / (double)all * WIDTH));
    bar[WIDTH] = '\0';
    time_left((double)(all - done) / rate, left);
    fprintf(stderr, "\r[%s] %lld/%lld  ", bar, (long long)s->step, (long long)s->n_steps);
    if (samples(s))
        fprintf(stderr, "chain %d of %d, %s%s", s->chain, s->n_chains, s->phase, progress->extra);
    else
        fprintf(stderr, "loss %s  smoothed %s%s", cli_number(s->loss, loss),
                cli_number(s->smoothed_loss, smooth), progress->extra);
    fprintf(stderr, "  %.*f %s/s  %s left\033[K", rate < 10.0 ? 2 : 0, rate,
            s->sweeps ? "sweeps" : "steps", left);
    fflush(stderr);
    progress->line_open = true;
}

/* Is it time for another line? Sweeps have one each, if they are not too many; quick chains their
 * first and last ones, and others only where half a second has passed. */
static bool line_is_due(const cli_progress *progress, const urn_progress *s)
{
    if (s->step == 1 || s->step == s->n_steps)
        return true;
    if (progress->every > 0)
        return s->step % progress->every == 0;
    if (s->sweeps && (samples(s) ? s->all_steps : s->n_steps) <= 1000)
        return !samples(s) || s->seconds > progress->last_drawn + 0.01;
    return s->step % 100 == 0 && (!samples(s) || s->seconds > progress->last_drawn + 0.5);
}

static void print_sampling(const cli_progress *progress, const urn_progress *s)
{
    const double rate = s->seconds > 0.0 ? (double)s->all_done / s->seconds : 0.0;
    fprintf(stderr, "chain %d  %-8s %6lld/%lld%s  %.*f %s/s\n", s->chain, s->phase,
            (long long)s->step, (long long)s->n_steps, progress->extra, rate < 10.0 ? 2 : 0, rate,
            s->sweeps ? "sweeps" : "steps");
}

void cli_progress_show(cli_progress *progress, const urn_progress *s)
{
    if (progress->quiet)
        return;
    if (strcmp(s->phase, "evaluating") == 0) {
        if (progress->bar && s->step == s->n_steps)
            cli_progress_end(progress);
        return;
    }
    if (progress->bar) {
        draw_bar(progress, s);
        return;
    }
    if (!line_is_due(progress, s))
        return;
    progress->last_drawn = s->seconds;
    if (samples(s)) {
        print_sampling(progress, s);
        return;
    }
    const double rate = s->seconds > 0.0 ? (double)s->step / s->seconds : 0.0;
    if (s->sweeps)
        fprintf(stderr, "sweep %5lld/%lld  loss %.4f%s  %.*f sweeps/s\n", (long long)s->step,
                (long long)s->n_steps, s->loss, progress->extra, rate < 10.0 ? 2 : 0, rate);
    else
        fprintf(stderr, "step %6lld/%lld  loss %.4f  smoothed %.4f  %.0f steps/s\n",
                (long long)s->step, (long long)s->n_steps, s->loss, s->smoothed_loss, rate);
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->line_open)
        fputc('\n', stderr);
    progress->line_open = false;
}
