/* What urn sbc shares between its files: what is ranked (sbc_ranked.c), trials (sbc.c) and results
 * (sbc_print.c). */
#ifndef URN_CLI_SBC_H
#define URN_CLI_SBC_H

#include "../inference/diagnostics/chains.h"
#include "../inference/diagnostics/ranks.h"
#include "../inference/replays.h"
#include "simulate.h"

typedef enum sbc_kind { SBC_ELEMENT, SBC_PRODUCT, SBC_LIKELIHOOD } sbc_kind;

/* One number whose rank is looked at: an element of a site, the product of a row of one site with a
 * row of another, or the log density of what was observed. */
typedef struct sbc_quantity {
    sbc_kind kind;
    char name[160];
    int site, other; /* of the model */
    int64_t element, other_element, n;
    urn__ranks ranks;
    double independent; /* sum over trials of effective draws */
} sbc_quantity;

typedef struct sbc_run {
    const cli_args *args;
    cli_model source;
    cli_setup setup, sizes; /* without and with sizes of plates */
    int64_t trials, draws, n;
    sbc_quantity *quantities;
    char *left_out; /* sites that are not identified */
    bool with_likelihood;
    int64_t skipped;       /* trials whose fit failed */
    int64_t diverging;     /* those with divergences */
    int64_t n_k, n_high_k; /* those with a k-hat, above URN__K_HAT_LIMIT */
    double *k_hat;         /* n_k of them */
    char failure[512];
} sbc_run;

/* ---- sbc_ranked.c ---- */

/* What is ranked, read off the model as it is fitted. Sites that are identified only up to a turn
 * (factors and what turns with them) are left out unless they are asked for; their products take
 * their place. */
urn_status sbc_list(sbc_run *c, const urn_model *model, urn_error *error);
void sbc_clear(sbc_run *c);
/* `value` by site. */
double sbc_read(const sbc_quantity *q, const double *const *value, double likelihood);

/* ---- sbc_print.c ---- */

urn_status sbc_report(const sbc_run *c, urn_error *error);

#endif
