/* Blocked Gibbs samplers, derived from the graph of the model.
 *
 * For a site x each node of the graph has a *form* in x (form.c) and a *reach* over its rows. Where
 * and how x enters the family of another site is a *link*. The *plan* (plan.c) gives every latent
 * site a block: it looks for a *rule* (rules.def) that knows x's prior family and all links, or
 * says in words why there is none and chooses a fallback (enumerate, slice, gradient). A block is
 * run by its *kind* (a table of functions); `urn__kind_rows` runs all rules that are written as
 * accumulators, one row after another or in parallel.
 *
 * ---- What a rule file provides (rules/<name>.c, one line in rules.def) ----
 *
 *   const urn__rule urn__rule_<name>
 *
 * A rule works on an *accumulator*: `accumulator(dim)` doubles that hold the natural parameters of
 * the conditional of one row of x. All a usual rule does is
 *   1. `prior_into`  sets them to those of the prior of this row,
 *   2. `child_into`  (one for each line of `children`) adds what some rows of a child say,
 *   3. `draw`, `mode`, `log_density`  of the distribution they describe,
 * and nothing in it knows of graphs, plates, indices or threads. Rows are *rows of the family*: a
 * gamma site with 3 x 4 elements has twelve. Example: the gamma rule has two doubles (shape, rate);
 * prior_into copies shape and rate; the child "normal, scale, power -1/2" (scale = c x^-1/2, that
 * is precision = x / c^2, however the model says it) adds n / 2 and sum (value - loc)^2 / (2 c^2).
 *
 * A rule over two sites (Normal-Wishart) has `match`, which decides for itself whether it takes a
 * block, with urn__derive_form and urn__links at hand. A rule for which accumulators by rows are
 * not enough brings a `kind` of its own (gaussian.c does). */
#ifndef URN_INFERENCE_GIBBS_H
#define URN_INFERENCE_GIBBS_H

#include "../../runtime/model/nodes.h"
#include "../engine.h"

typedef struct urn__gibbs_plan urn__gibbs_plan;
typedef struct urn__gibbs urn__gibbs;
typedef struct urn__gibbs_block urn__gibbs_block;

/* ---- forms ---- */

typedef enum urn__form_kind {
    URN__FORM_FREE,     /* x is not in it */
    URN__FORM_POWER,    /* element by element coefficient * x^power: identity is power 1 */
    URN__FORM_AFFINE,   /* a sum of products of x's elements with nodes x is not in, plus such */
    URN__FORM_CHOLESKY, /* lower Cholesky factor of coefficient * x, x a matrix */
    URN__FORM_OTHER
} urn__form_kind;

/* Which rows of x a row of the node depends on. */
typedef enum urn__reach_kind {
    URN__REACH_NONE,
    URN__REACH_SHARED, /* x has no plates: all rows on all of x */
    URN__REACH_OWN,    /* the row of the same plates */
    URN__REACH_INDEX,  /* the row an index column names */
    URN__REACH_SEVERAL /* more than one */
} urn__reach_kind;

typedef struct urn__form {
    urn__form_kind kind;
    double power;
    urn__id coefficient; /* POWER, CHOLESKY: a node, broadcast to this one; 0: one */
    urn__reach_kind reach;
    urn__id index;   /* REACH_INDEX: the index node */
    const char *why; /* OTHER, SEVERAL: in words, for the plan; a literal */
} urn__form;

/* The form of every node in site x: *forms has graph count + 1 entries, in the graph's arena. */
urn_status urn__derive_forms(urn__nodes *nodes, int site, urn__form **forms, urn_error *error);

/* How x enters another site: by a canonical parameter or by its value. There is one link for each
 * of these, so a site with x in location and scale gives two. */
enum { URN__LINK_VALUE = -1, URN__LINK_MASK = -2 };
typedef struct urn__link {
    int site;
    int param;        /* position in urn__site.given, or one of the above */
    const char *word; /* of that parameter, as the family has it ("scale"); "value", "mask",
                         "factor" (of urn_factor) */
    const char *said; /* as the model said it ("precision") */
    urn__form form;
    urn__form as_said; /* of what was said: mvn's precision = x is CHOLESKY in precision_tril */
} urn__link;

/* Links of the site with these forms, in order of sites; in the arena of the nodes. */
urn_status urn__links(urn__nodes *nodes, const urn__form *forms, int *n, urn__link **links,
                      urn_error *error);

/* Which row of x each row of a child depends on, where a row is an element of the site's shape
 * without its last x_rank (child_rank) event dims. *index is NULL where it is by place (n / rows
 * each). *fits is false where rows are not matched so. What is made is kept by `arena`. */
urn_status urn__reach_rows(urn__nodes *nodes, int site, int x_rank, int child, int child_rank,
                           const urn__form *form, urn__arena *arena, urn__index **index, bool *fits,
                           urn_error *error);

/* ---- affine nodes ---- */

/* One product in a sum: factor * gain * x, element by element, or with `dot` factor * gain *
 * sum_k coefficient_k x_k over the one event dim of x. Of row r of x's plate, of row index[r], or
 * of x as a whole. */
typedef struct urn__affine_term {
    bool dot;
    double factor;
    urn__id coefficient; /* 0: ones */
    urn__id gain;        /* 0: one */
    urn__id index;       /* 0: none */
} urn__affine_term;
enum { URN__AFFINE_TERMS = 8 };
typedef struct urn__affine {
    bool known; /* else it may be affine, but not of this kind */
    int n;
    urn__affine_term term[URN__AFFINE_TERMS];
    urn__id rest; /* what is left; 0: nothing */
} urn__affine;
/* Takes a node apart; adds nodes for gains, coefficients and rests. */
urn__affine urn__take_apart(urn__nodes *nodes, int site, const urn__form *forms, urn__id id);
/* Two terms of one index become one, their coefficients (or gains) being added; false where that
 * cannot be said with nodes. */
bool urn__affine_join(urn__nodes *nodes, urn__affine *sum);
/* a + factor * b. */
urn__affine urn__affine_sum(urn__graph *g, const urn__affine *a, const urn__affine *b,
                            double factor);

/* ---- rules ---- */

/* The prior of one row of x (of a joint rule: the priors of its sites, by k = 0, 1). */
typedef struct urn__prior_call {
    int64_t dim, event;
    /* Values of the canonical parameters by number in the family; NULL where not given. */
    const double *param[2][URN_FAMILY_PARAMS];
    const urn_family *family; /* of the first site */
    double *acc;              /* overwritten */
    double *scratch;          /* as asked for by `scratch` */
} urn__prior_call;

/* n rows of a child that all depend on the same row of x. Row r of the call is row at(r) of the
 * child: row[r], or first + r where row is NULL. Pointers are to row 0 of the child. */
typedef struct urn__child_call {
    int64_t n, first;
    const int32_t *row;
    int64_t dim, event;  /* of the child */
    const double *value; /* value of the child's row k: value + k * value_stride */
    int64_t value_stride;
    /* Canonical parameters by number in the child's family, those with x in them at the current
     * values; stride 0: the same for all rows. */
    const double *param[URN_FAMILY_PARAMS];
    int64_t stride[URN_FAMILY_PARAMS];
    /* Of the link (of each of a joint rule's sites): POWER: an event of its parameter; CHOLESKY: a
     * number. NULL: one; stride 0: the same for all rows. */
    const double *coefficient[2];
    int64_t coefficient_stride[2];
    double power[2]; /* POWER: of the link */
    int64_t x_dim;   /* of x */
    const double
        *x[2];   /* the current row of x (of each site): only for `value` where it is needed */
    double *acc; /* added to */
    double *scratch;
} urn__child_call;

static inline int64_t urn__child_row(const urn__child_call *c, int64_t r)
{
    return c->row != NULL ? c->row[r] : c->first + r;
}

/* Its coefficient (of the first site) where that is a number: 1, or one a row. */
static inline double urn__child_coefficient(const urn__child_call *c, int64_t row)
{
    return c->coefficient[0] != NULL ? c->coefficient[0][row * c->coefficient_stride[0]] : 1.0;
}

/* A line of a rule: the child's family and the word through which x enters it, with the form of
 * that word in x. Words are looked up twice: the canonical parameter ("scale", so that one line
 * {"normal", "scale", URN__FORM_POWER, -0.5} takes precision = x, precision = 3 * x, scale =
 * 1 / sqrt(x) alike), and the word the model said ("probs" of a bernoulli, whose canonical logits
 * are no power of it). "value" is the child's value. */
typedef struct urn__rule_child {
    const char *family, *word;
    urn__form_kind form;
    double power;       /* POWER: exactly this one; 0: any */
    bool only_identity; /* no coefficient either */
    void (*into)(const urn__child_call *call);
} urn__rule_child;

typedef struct urn__block_kind urn__block_kind;

typedef struct urn__rule {
    const char *name;    /* "gamma", as the plan prints it */
    const char *summary; /* "gamma prior of a precision or a rate" */
    /* Families of the prior, ended by NULL. */
    const char *const *priors;
    const urn__rule_child *children; /* ended by family = NULL */
    int64_t (*accumulator)(int64_t dim);
    int64_t (*scratch)(int64_t dim); /* doubles prior_into, child_into, draw ... may use; or NULL */
    void (*prior_into)(const urn__prior_call *call);
    /* x[k]: the row of each site of the block. False where the parameters describe no distribution
     * (a singular precision, a shape of 0, NaN): *condition is then what the message shows (the
     * condition of a matrix, or the offending number). */
    bool (*draw)(const double *acc, int64_t dim, urn_rng *rng, double *const x[2], double *scratch,
                 double *condition);
    /* False where there is no mode. NULL: none ever. */
    bool (*mode)(const double *acc, int64_t dim, double *const x[2], double *scratch);
    /* Up to a constant that depends on acc only. */
    double (*log_density)(const double *acc, int64_t dim, const double *const x[2],
                          double *scratch);
    /* NULL: the block is one site whose prior is in `priors` and whose links are all in `children`.
     * Else fills block->n_sites, site[], child[] and n_children (site, rule and link; the index is
     * found by the kind), or returns false with the reason in words, "" where the rule has nothing
     * to do with this site. Sites that are plan->taken belong to other blocks. */
    bool (*match)(urn__gibbs_plan *plan, int site, urn__gibbs_block *block, char *why, size_t size);
    const urn__block_kind *kind; /* NULL: urn__kind_rows */
} urn__rule;

#define URN_RULE(name) extern const urn__rule urn__rule_##name;
#include "rules.def"
#undef URN_RULE
const urn__rule *urn__rule_at(int i); /* NULL past the last */

/* ---- blocks and the plan ---- */

/* A child of a block with what the rule does about it. */
typedef struct urn__block_child {
    int site;
    const urn__rule_child *rule; /* NULL for kinds that do not work by rule_child */
    urn__link link[2];           /* of each site of the block; link[k].word NULL: not by this one */
    int64_t n;                   /* rows of the child's family */
    urn__index *index;           /* row of the child -> row of x; NULL: by place (n / rows each) */
} urn__block_child;

/* Who updates a block. Functions may be NULL where noted. A block's memory comes from its arena. */
struct urn__block_kind {
    const char *name; /* "closed form", "enumerate", "slice", "gradient" */
    bool exact;       /* draws from the conditional itself: `collect` and `log_conditional` exist */
    /* While planning: adds to the graph what it wants evaluated (urn__block_want). What it cannot
     * do it says in block->why, with *able false; the next rule or fallback is tried then. */
    urn_status (*prepare)(urn__gibbs_block *block, bool *able, urn_error *error);
    /* Once evaluations exist: buffers. May be NULL. */
    urn_status (*open)(urn__gibbs_block *block, urn_error *error);
    /* One update from the current state, in place; addressed by the chain's seed, chain and step.
     * Never allocates. */
    urn_status (*update)(urn__gibbs_block *block, urn_error *error);
    /* The same with the conditional's mode. NULL: there is none. */
    urn_status (*mode)(urn__gibbs_block *block, urn_error *error);
    /* Takes in the conditional at the current state without moving; then its log density at the
     * current values of the block's sites, up to a constant. `part` is 0 for blocks that move at
     * once; for sequential ones the row that moves. */
    urn_status (*collect)(urn__gibbs_block *block, int64_t part, urn_error *error);
    double (*log_conditional)(urn__gibbs_block *block, int64_t part);
    void (*close)(urn__gibbs_block *block); /* may be NULL */
};

/* Kinds that serve sites without a rule are listed in kinds.def, one line URN_KIND(name) for
 * `const urn__block_kind urn__kind_<name>`. The plan asks for "enumerate" for a discrete site with
 * few values, "slice" for a number, or numbers that are independent given the rest, and "gradient"
 * for all continuous sites that are left, in one block. Such a block has its sites and, unlike
 * those of rules, no children: urn__block_want_density gives what it needs. */
#define URN_KIND(name) extern const urn__block_kind urn__kind_##name;
#include "kinds.def"
#undef URN_KIND
const urn__block_kind *urn__kind_find(const char *name); /* NULL: not there */
extern const urn__block_kind urn__kind_rows, urn__kind_gaussian;
/* As urn__kind_rows, for rules whose `draw` is a step from the current value that leaves the
 * conditional as it is, rather than a draw from it. */
extern const urn__block_kind urn__kind_row_steps;

enum { URN__BLOCK_SITES = 64, URN__BLOCK_CHILDREN = 32, URN__BLOCK_WANTS = 192 };

struct urn__gibbs_block {
    urn__gibbs *g; /* the chain */
    urn__arena *arena;
    const urn__rule *rule; /* NULL for fallbacks */
    const urn__block_kind *kind;
    int n_sites;
    int site[URN__BLOCK_SITES];
    int n_children;
    urn__block_child child[URN__BLOCK_CHILDREN];
    int64_t rows, dim, event; /* of the family of site[0] */
    bool sequential;          /* rows one after another; else all at once, in parallel */
    const char *why;          /* for the plan: the rule in words, or why there is none */
    int n_want;
    urn__id want[URN__BLOCK_WANTS];
    urn__evaluation *evaluation; /* of what was wanted */
    urn__evaluation *density;    /* of the terms the sites occur in */
    int n_terms;
    bool failed; /* the check against the joint density failed: not used */
    void *own;   /* the kind's */
};

/* Asks for a node's values at the start of each update; the number by which urn__block_got gives
 * them (rows, then elements: the node's own shape), or -1 when the block wants too much. Several
 * askings for one node are one. */
int urn__block_want(urn__gibbs_block *block, urn__id id);
/* Evaluates what was wanted at the state; urn__block_got reads it. */
void urn__block_evaluate(urn__gibbs_block *block);
const double *urn__block_got(const urn__gibbs_block *block, int want);
/* The same for a node that is read family row by family row of a site: broadcast to the site's rows
 * unless it has none. Events of `rank` dims; *stride is 0 or the elements of one. */
int urn__block_want_rows(urn__gibbs_block *block, urn__id id, int site, int rank, int64_t *stride);
/* Current values of site[k] of the block, to be written by updates. */
double *urn__block_value(const urn__gibbs_block *block, int k);
/* The block's stream in this step: rows of the family by urn__rng_at_row. */
urn__stream urn__block_stream(const urn__gibbs_block *block);
/* What fails an update: names site, row and what was found (a condition, a value). */
urn_status urn__block_fail(const urn__gibbs_block *block, int64_t row, double condition,
                           urn_error *error);

/* Sum of the log densities the block's sites occur in (their priors and all their children) at the
 * current values; made on first asking in `prepare` by urn__block_want_density. */
urn_status urn__block_want_density(urn__gibbs_block *block, urn_error *error);
double urn__block_density(urn__gibbs_block *block);
/* For kinds: a reason in words, in the block's arena. */
const char *urn__block_say(urn__gibbs_block *block, const char *format, ...) URN_PRINTF(2, 3);

/* ---- one chain ---- */

struct urn__gibbs {
    const urn_allocator *allocator;
    urn__arena *arena;
    const urn_model *m;
    urn__nodes *nodes;
    int threads, most_threads;
    uint64_t seed, chain; /* chain as urn__chain_for made it */
    int64_t step;
    int64_t n_warmup; /* sweeps in which blocks may adapt; set before _open */
    /* The first sweeps, in which the noise of what is observed stands still: rows that do not fit
     * the data yet would take all of it for noise, and chains stay there for a long time. */
    int64_t n_settling;
    double **value; /* by site: natural values of the latent ones, NULL for others */
    int n_blocks;
    urn__gibbs_block *block;
    urn__gibbs_plan *plan;  /* forms and links, for kinds that look at them */
    urn__evaluation *joint; /* all terms of the log joint density */
    int n_terms;
    urn__evaluation *bounds; /* of the sites' bijections */
    urn__evaluation *starts; /* prior draws of discrete sites */
    urn_program *values;     /* position -> values */
    urn_replay *replay;
};

/* Forms and links of every latent site, made before the first rule is tried. */
struct urn__gibbs_plan {
    urn__gibbs *g;
    urn__form **form; /* by site; NULL for others than latent ones */
    int *n_links;
    urn__link **link;
    bool *taken; /* by site: has a block */
};

/* URN_ERR_MODEL, naming the site, for models gibbs has nothing to do with. */
urn_status urn__gibbs_accepts(const urn_model *model, urn_error *error);
/* Derives the blocks; `threads`: the most there will be. A block that nobody can update has no
 * kind, which _runnable reports. _open makes the buffers; after that all else can be called. */
urn_status urn__gibbs_new(const urn_model *model, const char *cpu, int threads,
                          const urn_allocator *allocator, urn__gibbs **g, urn_error *error);
urn_status urn__gibbs_runnable(const urn__gibbs *g, urn_error *error);
urn_status urn__gibbs_open(urn__gibbs *g, urn_error *error);
void urn__gibbs_free(urn__gibbs *g); /* takes NULL */
/* From an unconstrained position (urn_model_position_size numbers) to the chain's values; discrete
 * sites are drawn from their priors, addressed by the chain's seed and number. */
urn_status urn__gibbs_set_position(urn__gibbs *g, const double *position, urn_error *error);
/* And back, to a state (urn_model_state_size numbers). */
void urn__gibbs_state(urn__gibbs *g, double *state);
/* Log joint density of sites, data and factors at the values, without log-Jacobians. */
double urn__gibbs_log_joint(urn__gibbs *g);
void urn__gibbs_threads(urn__gibbs *g, int threads);
/* Sets the sites of a block to the mode of their conditional. */
bool urn__block_has_mode(const urn__gibbs_block *block);
urn_status urn__gibbs_mode(urn__gibbs *g, int block, int64_t step, urn_error *error);
/* One sweep: all blocks in order. */
urn_status urn__gibbs_sweep(urn__gibbs *g, int64_t step, urn_error *error);

#endif
