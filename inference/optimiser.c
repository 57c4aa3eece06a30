/* First-order optimisers with a learning-rate schedule. Adam: Kingma and Ba, 2015; AdamW:
 * Loshchilov and Hutter, 2019. */
#include "optimiser.h"

#include <math.h>

static urn_status check_unused(const urn__settings *settings, const char *option, bool used,
                               const char *owner, urn_error *error)
{
    if (used || !urn__setting(settings, option)->given)
        return URN_OK;
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "engine \"%s\": option \"%s\" was given, but belongs to %s", settings->engine,
                     option, owner);
}

urn_status urn__optimiser_read(const urn__settings *settings, int64_t n_steps,
                               urn__optimiser *optimiser, urn_error *error)
{
    const double lr = urn__setting_real(settings, "lr");
    const bool has_final = urn__setting(settings, "lr-final")->set;
    *optimiser = (urn__optimiser){
        .kind = (urn__optimiser_kind)urn__setting_int(settings, "optimizer"),
        .schedule = (urn__schedule)urn__setting_int(settings, "schedule"),
        .lr = lr,
        .lr_final = has_final ? urn__setting_real(settings, "lr-final") : lr / 100.0,
        .momentum = urn__setting_real(settings, "momentum"),
        .clip = urn__setting_real(settings, "clip"),
        .n_steps = n_steps,
        .adam = {.beta1 = URN__ADAM_BETA1, .beta2 = URN__ADAM_BETA2, .epsilon = 1e-8}};
    if (optimiser->kind == URN__ADAMW)
        optimiser->adam.weight_decay = urn__setting_real(settings, "weight-decay");
    URN_TRY(check_unused(settings, "momentum", optimiser->kind == URN__SGD, "sgd", error));
    URN_TRY(check_unused(settings, "weight-decay", optimiser->kind == URN__ADAMW, "adamw", error));
    URN_TRY(check_unused(settings, "lr-final", optimiser->schedule != URN__SCHEDULE_CONSTANT,
                         "schedules other than constant", error));
    if (optimiser->schedule != URN__SCHEDULE_CONSTANT && !(optimiser->lr_final > 0.0) &&
        optimiser->schedule != URN__SCHEDULE_COSINE)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "engine \"%s\": option \"lr-final\" is 0, which only the cosine schedule can "
            "reach",
            settings->engine);
    return URN_OK;
}

double urn__optimiser_rate(const urn__optimiser *optimiser, int64_t step)
{
    const double pi = 3.14159265358979323846;
    const double n = (double)optimiser->n_steps;
    const double share = n > 1.0 ? (double)(step - 1) / (n - 1.0) : 0.0; /* 0 .. 1 */
    const double ratio = optimiser->lr_final / optimiser->lr;
    switch (optimiser->schedule) {
    case URN__SCHEDULE_COSINE:
        return optimiser->lr_final +
               0.5 * (optimiser->lr - optimiser->lr_final) * (1.0 + cos(pi * share));
    case URN__SCHEDULE_EXPONENTIAL:
        return optimiser->lr * pow(ratio, share);
    case URN__SCHEDULE_STEPS:
        return optimiser->lr * pow(ratio, fmin(floor(5.0 * share), 4.0) / 4.0);
    case URN__SCHEDULE_CONSTANT:
        break;
    }
    return optimiser->lr;
}

void urn__adam_correct(urn__adam *adam, int64_t updates)
{
    adam->correction1 = 1.0 - pow(adam->beta1, (double)updates);
    adam->correction2 = 1.0 - pow(adam->beta2, (double)updates);
}

void urn__optimiser_begin(urn__optimiser *optimiser, int64_t step)
{
    urn__adam *adam = &optimiser->adam;
    optimiser->updates++;
    optimiser->lr_now = urn__optimiser_rate(optimiser, step);
    adam->lr = optimiser->lr_now;
    urn__adam_correct(adam, optimiser->updates);
}
