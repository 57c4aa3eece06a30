/* The loop of a fit: steps, clocks, progress, log rows, interruption, numbers and warnings. */
#include "driver.h"
#include "importance.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what engines report ---- */

void urn__run_number(urn__run *run, const char *name, double value, bool of_the_clock)
{
    urn_fit *fit = run->fit;
    if (fit->n_numbers < URN__MAX_NUMBERS)
        fit->numbers[fit->n_numbers++] = (urn_fit_number){name, value, of_the_clock};
}

void urn__run_warn(urn__run *run, const char *format, ...)
{
    urn_fit *fit = run->fit;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *kept = fit->n_warnings < URN__MAX_WARNINGS ? urn__arena_strdup(fit->arena, text) : NULL;
    if (kept)
        fit->warnings[fit->n_warnings++] = kept;
    else
        fit->warning_lost = true;
}

static void show_progress(const urn__run *run, const char *phase, int64_t step, int64_t n_steps,
                          double loss)
{
    const urn_fit_options *options = run->options;
    if (!options->progress)
        return;
    const urn__smoother *s = &run->smoother;
    const urn_progress progress = {.phase = phase,
                                   .chain = (int)run->chain,
                                   .step = step,
                                   .n_steps = n_steps,
                                   .loss = loss,
                                   .smoothed_loss = s->weight > 0.0 ? s->sum / s->weight : loss,
                                   .seconds = urn__step_clock_seconds(&run->clock),
                                   .sweeps = run->sweeps};
    options->progress(options->context, &progress);
}

static bool ask_interrupted(urn__run *run)
{
    const urn_fit_options *options = run->options;
    if (!run->interrupted && options->interrupted && options->interrupted(options->context))
        run->interrupted = true;
    return run->interrupted;
}

static void use_threads(urn__run *run, int threads)
{
    const urn__target *target = run->target;
    if (target->set_threads && target->threads != threads)
        target->set_threads(target->context, threads);
}

void urn__run_govern_start(urn__run *run)
{
    if (run->most_threads == 0)
        run->most_threads = run->target->threads;
    use_threads(run, urn__governor_start(&run->governor, run->most_threads, urn__clock_now()));
}

void urn__run_govern(urn__run *run, double seconds)
{
    use_threads(run, urn__governor_step(&run->governor, seconds, urn__clock_now()));
}

bool urn__run_after_step(urn__run *run, const urn__step_info *info)
{
    static const char *const names[] = {"step", "loss"};
    const urn_fit_options *options = run->options;
    const double seconds = urn__step_clock_stop(&run->clock);
    urn__run_govern(run, seconds);
    run->step++;
    run->skipped += info->skipped;
    urn__smoother_add(&run->smoother, info->loss);
    urn__trend_add(&run->trend, info->loss);
    if (options->log_row) {
        const double values[] = {(double)run->step, info->loss};
        options->log_row(options->context, 2, names, values);
    }
    show_progress(run, "steps", run->step, run->n_steps, info->loss);
    const bool stop = ask_interrupted(run) || info->done;
    urn__step_clock_resume(&run->clock);
    return !stop;
}

bool urn__run_evaluating(urn__run *run, int64_t done, int64_t total)
{
    show_progress(run, "evaluating", done, total, NAN);
    return !ask_interrupted(run);
}

/* ---- profile ---- */

void urn__run_phase(urn__run *run, const char *phase)
{
    if (!run->options->profile)
        return;
    urn_fit *fit = run->fit;
    const double now = urn__clock_now();
    int k = 0;
    while (phase && k < fit->n_phases && strcmp(fit->phases[k].op, phase) != 0)
        k++;
    if (phase && k == fit->n_phases && k < URN__MAX_PHASES) {
        snprintf(fit->phases[k].op, sizeof fit->phases[k].op, "%s", phase);
        fit->n_phases++;
    }
    if (phase && k < fit->n_phases) {
        fit->phases[k].seconds += now - run->phase_mark;
        fit->phases[k].runs++;
    }
    run->phase_mark = urn__clock_now();
}

static urn_status start_profile(urn__run *run, urn_error *error)
{
    const urn__target *target = run->target;
    if (!run->options->profile || !target->profile)
        return URN_OK;
    return target->profile(target->context, error);
}

/* The fit outlives the target: it keeps what the target measured. */
static urn_status keep_profile(urn__run *run, urn_error *error)
{
    const urn__target *target = run->target;
    urn_fit *fit = run->fit;
    urn_profile_entry entry;
    int n = 0;
    if (!run->options->profile || !target->profile_at)
        return URN_OK;
    while (target->profile_at(target->context, n, &entry))
        n++;
    fit->profile = urn__arena_alloc(fit->arena, (size_t)n + 1, sizeof entry);
    if (!fit->profile)
        return urn__fail_memory(error, "a profile", (size_t)n * sizeof entry);
    for (fit->n_profile = 0; fit->n_profile < n; fit->n_profile++)
        target->profile_at(target->context, fit->n_profile, &fit->profile[fit->n_profile]);
    return URN_OK;
}

bool urn_fit_profile_at(const urn_fit *fit, int i, urn_profile_entry *entry)
{
    if (i < 0 || i >= fit->n_phases + fit->n_profile)
        return false;
    *entry = i < fit->n_phases ? fit->phases[i] : fit->profile[i - fit->n_phases];
    return true;
}

/* ---- the loop ---- */

static urn_status run_steps(urn__run *run, const urn_engine *engine, void *state, urn_error *error)
{
    urn__step_clock_start(&run->clock);
    urn__run_govern_start(run);
    if (engine->loop)
        return engine->loop(state, error);
    for (int64_t step = 1; step <= run->n_steps; step++) {
        urn__step_info info = {0};
        URN_TRY(engine->step(state, step, &info, error));
        if (!urn__run_after_step(run, &info))
            break;
    }
    return URN_OK;
}

static void note_numbers(urn__run *run)
{
    const urn__smoother *s = &run->smoother;
    urn__run_number(run, "steps", (double)run->step, false);
    urn__run_number(run, "observations", run->target->observations, false);
    urn__run_number(run, "position_size", (double)run->target->size, false);
    urn__run_number(run, "skipped_steps", (double)run->skipped, false);
    if (s->weight > 0.0)
        urn__run_number(run, "smoothed_loss", s->sum / s->weight, false);
    urn__run_number(run, "wall_s", urn__step_clock_seconds(&run->clock), true);
    urn__run_number(run, run->sweeps ? "sweep_ms_median" : "step_ms_median",
                    1e3 * urn__step_clock_median(&run->clock), true);
    urn__run_number(run, "threads_used", urn__governor_used(&run->governor), true);
    if (run->skipped > 0)
        urn__run_warn(
            run, "%lld of %lld steps were skipped because the log density was not finite there",
            (long long)run->skipped, (long long)run->step);
}

static urn_status check_position(const urn_engine *engine, const void *state, urn_error *error)
{
    double value = 0.0;
    const int64_t i = engine->find_bad(state, &value);
    if (i < 0)
        return URN_OK;
    return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL, "use a lower --lr",
                     "the fit ended at a position that is not finite: element %lld is %g",
                     (long long)i, value);
}

static urn_status finish(urn__run *run, const urn_engine *engine, void *state, urn_error *error)
{
    note_numbers(run);
    URN_TRY(check_position(engine, state, error));
    if (!run->interrupted)
        URN_TRY(engine->finish(state, error));
    URN_TRY(engine->posterior(state, &run->fit->posterior, error));
    if (run->fit->warning_lost)
        return urn__fail_memory(error, "the warnings of the fit", sizeof(urn_error));
    return URN_OK;
}

int64_t urn__find_not_finite(int64_t n, const double *position, double *value)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(position[i])) {
            *value = position[i];
            return i;
        }
    return -1;
}

urn_status urn__state_new(urn__run *run, const urn_engine *engine, void **state, urn_error *error)
{
    urn__run **made = urn__calloc(run->allocator, 1, engine->state_size);
    *state = NULL;
    if (!made)
        return urn__fail_memory(error, "the state of an engine", engine->state_size);
    *made = run;
    const urn_status status = engine->start(made, error);
    if (status == URN_OK)
        *state = made;
    else
        urn__state_free(run, engine, made);
    return status;
}

void urn__state_free(const urn__run *run, const urn_engine *engine, void *state)
{
    if (!state)
        return;
    engine->release(state);
    urn__free(run->allocator, state);
}

/* A steady number of steps of one chain that ends in a posterior of the engine's. */
static urn_status optimise(urn__run *run, const urn_engine *engine, urn_error *error)
{
    void *state = NULL;
    URN_TRY(urn__state_new(run, engine, &state, error));
    urn_status status = URN_OK;
    if (!urn__trend_start(&run->trend, run->fit->arena, run->n_steps))
        status = urn__fail_memory(error, "the losses of the last steps", sizeof(double));
    if (status == URN_OK)
        status = start_profile(run, error);
    if (status == URN_OK)
        status = run_steps(run, engine, state, error);
    if (status == URN_OK)
        status = keep_profile(run, error);
    if (status == URN_OK)
        status = finish(run, engine, state, error);
    urn__state_free(run, engine, state);
    return status;
}

static urn_status drive(urn__run *run, const urn_engine *engine, urn_error *error)
{
    if (engine->kind == URN__OPTIMISER)
        return optimise(run, engine, error);
    URN_TRY(start_profile(run, error));
    URN_TRY(urn__sample(run, engine, error));
    URN_TRY(keep_profile(run, error));
    if (run->fit->warning_lost)
        return urn__fail_memory(error, "the warnings of the fit", sizeof(urn_error));
    return URN_OK;
}

urn_status urn__fit_new(const urn_allocator *allocator, urn_fit **fit, urn_error *error)
{
    *fit = urn__calloc(allocator, 1, sizeof **fit);
    urn__arena *arena = *fit ? urn__arena_new(allocator) : NULL;
    if (!arena) {
        urn__free(allocator, *fit);
        *fit = NULL;
        return urn__fail_memory(error, "a fit", sizeof **fit);
    }
    (*fit)->allocator = allocator;
    (*fit)->arena = arena;
    return URN_OK;
}

static urn_status check_options(const urn_fit_options *options, int64_t size, urn_error *error)
{
    if (options->precision == URN_PRECISION_SINGLE && !options->engine->single)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "leave --precision single out",
                         "engine \"%s\" works in double precision only", options->engine->name);
    if (options->engine->kind == URN__OPTIMISER && options->chains > 1)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "leave --chains out",
                         "engine \"%s\" optimises and runs one chain, not %d",
                         options->engine->name, options->chains);
    const bool draws = options->engine->draws > 0;
    if (options->engine->kind == URN__OPTIMISER &&
        (options->warmup != 0 || (options->draws != 0 && !draws) || options->thin != 0))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "say how many steps with --steps",
                         "engine \"%s\" optimises: it has no warm-up, %s thinning",
                         options->engine->name, draws ? "and no" : "draws or");
    if ((draws && options->draws < 0) || options->n_init < 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "%lld draws and %lld first positions were asked for",
                         (long long)options->draws, (long long)options->n_init);
    const int64_t n_init = options->n_init > 0 ? options->n_init : 1;
    for (int64_t i = 0; options->init && i < n_init * size; i++)
        if (!isfinite(options->init[i]))
            return urn__fail(error, URN_ERR_DATA, NULL, NULL, NULL,
                             "element %lld of the first position is %g; all must be finite",
                             (long long)(i % size), options->init[i]);
    return URN_OK;
}

urn_status urn__fit_target(const urn__target *target, const urn_fit_options *options,
                           const urn__settings *settings, urn_fit **fit, urn_error *error)
{
    *fit = NULL;
    URN_TRY(check_options(options, target->size, error));
    urn_fit *made;
    URN_TRY(urn__fit_new(options->allocator, &made, error));
    made->cpu = target->kernels->name;
    urn__run *run = urn__calloc(options->allocator, 1, sizeof *run); /* too large for a stack */
    urn_status status;
    if (run) {
        *run = (urn__run){.allocator = options->allocator,
                          .target = target,
                          .settings = settings,
                          .seed = options->seed,
                          .init = urn__start_given(options, target->size, 0),
                          .init_scale = options->init ? options->init_scale : NULL,
                          .fit = made,
                          .options = options};
        status = drive(run, options->engine, error);
        if (status == URN_OK && run->interrupted)
            status = urn__fail(error, URN_INTERRUPTED, NULL, NULL, NULL,
                               "interrupted after step %lld of %lld", (long long)run->step,
                               (long long)run->n_steps);
        urn__free(options->allocator, run);
    } else {
        status = urn__fail_memory(error, "a run", sizeof *run);
    }
    if (status != URN_OK && status != URN_INTERRUPTED) {
        urn_fit_free(made);
        return status;
    }
    *fit = made;
    return status;
}

/* ---- the public side ---- */

/* `program` are the bytes of one replay; `opened` of them are there already. */
static urn_status admit(const urn_fit_options *options, const urn__settings *settings,
                        const urn__target *target, int64_t program, int opened, urn_error *error)
{
    const urn_engine *engine = options->engine;
    if (!options->admit)
        return URN_OK;
    urn_fit_memory memory = {.program = (1 - opened) * program,
                             .engine = engine->memory(target, settings)};
    if (engine->kind == URN__OPTIMISER) {
        const int workers = engine->workers ? engine->workers(settings, target->threads) : 1;
        memory.posterior = engine->draws > 0 ? urn__final_draws(options, target->size, NULL) *
                                                   (target->size + 2) * (int64_t)sizeof(double)
                                             : engine->posterior_memory(target, settings);
        memory.program = (workers - opened) * program;
    } else {
        urn__chain_plan plan;
        URN_TRY(urn__chain_plan_of(target, engine, options, &plan, error));
        memory.posterior = urn__chain_plan_bytes(&plan);
        memory.program = (plan.workers - opened) * program;
        memory.engine = plan.workers * memory.engine + memory.posterior;
    }
    return options->admit(options->context, &memory, error);
}

static urn_status fit_model(const urn_model *model, const urn_fit_options *options,
                            urn__model_target *mt, urn__arena *arena, urn_fit **fit,
                            urn_error *error)
{
    const urn_engine *engine = options->engine;
    urn__settings settings;
    URN_TRY(urn__settings_read(engine, options->settings, options->n_settings, arena, &settings,
                               error));
    URN_TRY(urn__model_target_describe(mt, model, options->precision, options->allocator, error));
    URN_TRY(engine->accepts(&mt->target, &settings, error));
    const bool no_jacobian = engine->no_jacobian && engine->no_jacobian(&settings);
    const bool touched = engine->touched && engine->touched(&settings);
    if (engine->touched && !touched && urn__setting_is(&settings, "batch-updates", "touched"))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "leave --batch-updates out",
                         "engine \"%s\": with these settings a step updates all rows, not those a "
                         "mini-batch touches",
                         engine->name);
    if (engine->own_programs)
        URN_TRY(urn__model_target_bare(mt, options->cpu, options->threads, error));
    else if (touched)
        URN_TRY(urn__model_target_compile_touched(mt, no_jacobian, options->cpu, options->threads,
                                                  error));
    else
        URN_TRY(urn__model_target_compile(mt, no_jacobian, options->cpu, options->threads, error));
    const int64_t program = urn__model_target_memory(mt);
    URN_TRY(admit(options, &settings, &mt->target, program, 0, error));
    URN_TRY(urn__model_target_open(mt, error));
    URN_TRY(admit(options, &settings, &mt->target, program, 1, error));
    return urn__fit_target(&mt->target, options, &settings, fit, error);
}

urn_status urn_fit_run(urn_model *model, const urn_fit_options *options, urn_fit **fit,
                       urn_error *error)
{
    *fit = NULL;
    urn_fit_options complete = {0};
    if (options)
        memcpy(&complete, options,
               options->bytes < sizeof complete ? options->bytes : sizeof complete);
    if (!complete.engine)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "set .engine and .bytes",
                         "no engine was given");
    urn__arena *arena = urn__arena_new(complete.allocator);
    if (!arena)
        return urn__fail_memory(error, "engine options", sizeof complete);
    urn__model_target mt = {0};
    const urn_status status = fit_model(model, &complete, &mt, arena, fit, error);
    urn__model_target_close(&mt);
    urn__arena_free(arena);
    return status;
}

void urn_fit_free(urn_fit *fit)
{
    if (!fit)
        return;
    urn_posterior_free(fit->posterior);
    urn__arena_free(fit->arena);
    urn__free(fit->allocator, fit);
}

bool urn_fit_number_at(const urn_fit *fit, int i, urn_fit_number *number)
{
    if (i < 0 || i >= fit->n_numbers)
        return false;
    *number = fit->numbers[i];
    return true;
}

bool urn_fit_stat_at(const urn_fit *fit, int i, urn_fit_stat *stat)
{
    if (i < 0 || i >= fit->n_stats)
        return false;
    *stat = fit->stats[i];
    return true;
}

const char *urn_fit_warning_at(const urn_fit *fit, int i)
{
    return i >= 0 && i < fit->n_warnings ? fit->warnings[i] : NULL;
}

const char *urn_fit_cpu(const urn_fit *fit)
{
    return fit->cpu;
}

const urn_posterior *urn_fit_posterior(const urn_fit *fit)
{
    return fit->posterior;
}
