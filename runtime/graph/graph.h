/* The static graph: hash-consed nodes over op descriptors, their shapes, and what is built from
 * them: adjoints (graph to graph), fused nodes, a plan of buffers, and a machine that replays it.
 * Private to the library. */
#ifndef URN_GRAPH_GRAPH_H
#define URN_GRAPH_GRAPH_H

#include "../base/base.h"
#include "../base/numbers.h"
#include "../tensor/real.h"
#include <urn/run.h>

#define URN__MAX_DIMS 4
#define URN__MAX_IN 12
#define URN__MAX_OUT 8

/* Plate dims, then event dims. Plate ids are small positive integers of one model. */
typedef struct urn__shape {
    int32_t n_plates, n_event;
    int32_t plate[URN__MAX_DIMS];
    int64_t dim[URN__MAX_DIMS];
} urn__shape;

/* ---- shapes (shape.c) ---- */
urn__shape urn__shape_scalar(void);
urn__shape urn__shape_vector(int64_t size);
urn__shape urn__shape_matrix(int64_t rows, int64_t columns);
int64_t urn__shape_size(const urn__shape *s);  /* all elements */
int64_t urn__shape_rows(const urn__shape *s);  /* product of plate dims */
int64_t urn__shape_event(const urn__shape *s); /* product of event dims */
int64_t urn__shape_last(const urn__shape *s);  /* last event dim, 1 without */
bool urn__shape_equal(const urn__shape *a, const urn__shape *b);
bool urn__shape_same_plates(const urn__shape *a, const urn__shape *b);
urn__shape urn__shape_plates_of(const urn__shape *s); /* without the event dims */
/* `s` with its event dims replaced. */
urn__shape urn__shape_with_event(const urn__shape *s, int n_event, const int64_t *dims);
/* `s` without its last `n` event dims: rows of vectors (1), a batch of matrices (2). */
urn__shape urn__shape_drop_event(const urn__shape *s, int n);
/* Elements of an event of side `dim`: 1, dim or dim * dim for rank 0, 1, 2. */
int64_t urn__event_elements(int64_t dim, int rank);
bool urn__shape_drop_plate(const urn__shape *s, int32_t plate, urn__shape *out);
/* The plates of `small` are among those of `large`, in the same order. */
bool urn__shape_plates_within(const urn__shape *small, const urn__shape *large);
/* The shape both fit into; false when the plates mix or the event dims disagree. */
bool urn__shape_broadcast(const urn__shape *a, const urn__shape *b, urn__shape *out);

/* How elements of one shape are found from positions in a shape it broadcasts to. */
typedef enum urn__walk_kind { URN__WALK_FULL, URN__WALK_SCALAR, URN__WALK_GENERAL } urn__walk_kind;
typedef struct urn__walk {
    urn__walk_kind kind;
    int rank;
    int64_t dim[URN__MAX_DIMS];    /* of the large shape */
    int64_t stride[URN__MAX_DIMS]; /* in the small one; 0 where it is constant */
} urn__walk;
urn__walk urn__walk_of(const urn__shape *small, const urn__shape *large);
int64_t urn__walk_offset(const urn__walk *w, int64_t position);
/* The two below in the precision of the including file (walk.c). */
/* dst[i] = src[element of position from + i] for i < n. */
void URN__REAL(walk_expand)(const urn__walk *w, const urn__real *src, int64_t from, int64_t n,
                            urn__real *dst);
/* dst[element of position from + i] += src[i]. */
void URN__REAL(walk_reduce)(const urn__walk *w, const urn__real *src, int64_t from, int64_t n,
                            double *dst);

/* ---- nodes ---- */

typedef uint32_t urn__id; /* 0: none */
typedef struct urn__graph urn__graph;
typedef struct urn__op urn__op;

typedef struct urn__node {
    const urn__op *op;
    const void *attr; /* interned by content */
    int32_t n_in, n_out;
    urn__id in[URN__MAX_IN];
    const urn__shape *shape; /* n_out shapes, interned */
    bool constant;           /* does not depend on coordinates, inputs, draws or mini-batches */
} urn__node;

typedef struct urn__index_own urn__index_own;

/* Rows of one index column: row r refers to target row[r]. Rows by target in CSR form, for kernels
 * that go by target: made before such an op runs, see URN__OP_ROWS_ONLY. */
typedef struct urn__index {
    int64_t n, n_targets;
    int32_t *row;   /* n; may be NULL where start tells, until urn__index_need_rows */
    int64_t *start; /* n_targets + 1 */
    int32_t *order; /* n: rows sorted by target, in row order within one; may be NULL if they are */
    bool sorted;    /* the rows are in that order themselves */
    urn__index_own *own;
} urn__index;
/* Fills start and order, both there, from row. */
void urn__index_sort(urn__index *ix);
/* An index that makes start and order when they are needed. `row` is borrowed. NULL: out of memory.
 */
urn__index *urn__index_new(const urn_allocator *allocator, int64_t n, int64_t n_targets,
                           int32_t *row);
/* The index that rows have once they are sorted by target, without `row`. NULL: out of memory. */
urn__index *urn__index_in_order(const urn__index *from, const urn_allocator *allocator);
void urn__index_free(urn__index *ix); /* takes NULL */
/* Makes start and order if they are not there; may be called from several threads. false: out of
 * memory. */
bool urn__index_need(urn__index *ix);
bool urn__index_need_rows(urn__index *ix); /* the same for `row` */
/* The order of an index, for a while: to be freed. NULL: out of memory. */
int32_t *urn__index_order(const urn__index *ix, const urn_allocator *allocator);
size_t urn__index_bytes(urn__index *ix); /* held for start and order by an index of its own */

/* What a kernel gets. Pointers of index inputs are in `index`, not in `in`. */
typedef struct urn__exec urn__exec;
typedef struct urn__call {
    void (*run)(const struct urn__call *call);
    const urn__node *node;
    const void *attr;
    int32_t n_in, n_out;
    const void *in[URN__MAX_IN]; /* numbers of the plan's precision */
    const urn__index *index[URN__MAX_IN];
    const urn__shape *in_shape[URN__MAX_IN];
    void *out[URN__MAX_OUT]; /* NULL: not wanted */
    const urn__shape *out_shape;
    urn__exec *exec;
    /* The input op->column, where `in` has nothing in its place. */
    const struct urn__values_attr *column;
    void *state;    /* what the op prepared from the shapes */
    uint32_t fixed; /* bit k: input k never changes */
} urn__call;

struct urn__exec {
    const urn__kernels *kernels;
    const urn__kernels_single *kernels_single;
    int threads;
    double *scratch; /* as many doubles as the plan's ops asked for */
    uint64_t seed, chain, step;
};

/* urn__parallel, with a plain call where there is one chunk. */
static inline void urn__each_chunk(const urn__exec *exec, int64_t n_chunks,
                                   void (*body)(void *context, int64_t chunk, int thread),
                                   void *context)
{
    if (n_chunks == 1)
        body(context, 0, 0);
    else
        urn__parallel(exec->threads, n_chunks, body, context);
}

/* The kernels in the precision of the including file (real.h). */
static inline const urn__kernels_real *urn__exec_kernels(const urn__exec *exec)
{
#ifdef URN_SINGLE
    return exec->kernels_single;
#else
    return exec->kernels;
#endif
}

/* What a shape rule gets and fills. It writes what is wrong into `why` and returns false. */
typedef struct urn__shape_query {
    const urn__graph *graph;
    const void *attr;
    int n_in;
    const urn__id *id;
    const urn__shape *in[URN__MAX_IN];
    urn__shape out[URN__MAX_OUT];
    int n_out; /* 1 unless set */
    char *why;
    size_t why_size;
} urn__shape_query;

/* Helps to make example inputs for the generic test of an op. */
typedef struct urn__example urn__example;

enum {
    URN__OP_LEAF = 1,        /* no kernel: its buffer comes from outside */
    URN__OP_ELEMENTWISE = 2, /* out[i] depends on in[i] (broadcast) only: can be fused */
    URN__OP_ALIAS = 4,       /* output 0 is input 0's buffer */
    URN__OP_VARIES = 8,      /* never constant, even without inputs that vary */
    URN__OP_NOT_DIFFERENTIABLE = 16,
    URN__OP_ROWS_ONLY = 32 /* reads only `row` of its index inputs, not start and order */
};

struct urn__op {
    const char *name;
    int arity; /* -1: any number */
    unsigned flags;
    unsigned linear; /* bit k: linear in input k with the others fixed */
    int map;         /* elementwise: urn__map1 or urn__map2 by arity */
    bool (*shape)(urn__shape_query *query);
    void (*run)(const urn__call *call);
    /* What only depends on shapes is worked out once: `prepare` fills call->state (state_size
     * zeroed bytes and state_extra(...) more), everything but the pointers being set; `bind` is
     * called whenever pointers have been set. Small programs live on this. */
    size_t state_size;
    size_t (*state_extra)(const urn__graph *graph, const urn__node *node);
    void (*prepare)(const urn__call *call);
    void (*bind)(const urn__call *call);
    /* k > 0: where input k is a column of data in another type than the plan's, and no other node
     * reads it, the kernel reads it as it is stored (call->column), so that no copy is made. */
    int column;
    /* Index inputs (bit k: input k) of a node that are gone through by target, and those whose
     * rows' targets are asked for; NULL: all. */
    unsigned (*by_target)(const urn__graph *graph, const urn__node *node);
    unsigned (*by_row)(const urn__graph *graph, const urn__node *node);
    /* doubles of scratch the kernel needs */
    int64_t (*scratch)(const urn__graph *graph, const urn__node *node, int threads);
    /* Is output k a double in either precision, as sums that make a log density are? Only roots
     * and the op `narrow` read such an output. NULL: none is. */
    bool (*wide)(const urn__node *node, int k);
    /* Adds nodes for the adjoints of the inputs: d_out[k] is the adjoint of output k (0: none),
     * d_in[k] is set where wanted[k]. */
    void (*vjp)(urn__graph *graph, urn__id node, const urn__id *d_out, const bool *wanted,
                urn__id *d_in);
    /* Builds a node of this op on fresh inputs (urn__example_input); returns 0 past the last
     * variant. */
    urn__id (*example)(urn__example *example, int variant);
};

/* Files of ops/ are compiled once per precision and define `const urn__op URN__OP(name)`. Nodes
 * always hold the double one, urn__op_<name>; of the single one only kernels, prepared state and
 * scratch are used. */
#define URN_OP(name) extern const urn__op urn__op_##name, urn__op_##name##__single;
#include "ops.def"
#undef URN_OP
#ifdef URN_SINGLE
#define URN__OP(name) urn__op_##name##__single
#else
#define URN__OP(name) urn__op_##name
#endif

/* Ops by number, NULL past the last. */
const urn__op *urn__op_at(int i);
/* The single-precision build of an op. */
const urn__op *urn__op_in_single(const urn__op *op);
bool urn__is_wide(const urn__node *node, int k);

enum { URN__EXAMPLE_INPUTS = 8 };
struct urn__example {
    urn__graph *graph;
    int64_t size;       /* about how long inputs should be */
    int64_t n_position; /* coordinates so far */
    int n_inputs;
    urn__id input[URN__EXAMPLE_INPUTS]; /* coordinate nodes, one after another in the position */
    urn_domain domain[URN__EXAMPLE_INPUTS];
};
urn__id urn__example_input(urn__example *example, urn__shape shape, urn_domain domain);
/* An index column into plate `plate` with n_targets rows; its own rows are plate 1. */
urn__id urn__example_index(urn__example *example, int32_t plate, int64_t n, int64_t n_targets);
urn__graph *urn__example_graph(urn__example *example);
int64_t urn__example_size(const urn__example *example);

/* ---- building (graph.c) ---- */

urn__graph *urn__graph_new(urn__arena *arena); /* lives in the arena; NULL on failure */
urn__arena *urn__graph_arena(const urn__graph *g);
uint32_t urn__graph_count(const urn__graph *g); /* ids are 1 .. count */
const urn__node *urn__graph_node(const urn__graph *g, urn__id id);
const urn__shape *urn__graph_shape(const urn__graph *g, urn__id id);
void urn__graph_name_plate(urn__graph *g, int32_t plate, const char *name); /* borrowed */
const char *urn__graph_plate_name(const urn__graph *g, int32_t plate);
/* Shape as text, e.g. "users[12628] x 5", "scalar". Returns `text`. */
const char *urn__shape_text(const urn__graph *g, const urn__shape *s, char *text, size_t size);

/* The node of `op` on `in` with `attr` (copied and interned; zero its padding). 0 on error: see
 * urn__graph_error. Any 0 among `in` gives 0. */
urn__id urn__emit(urn__graph *g, const urn__op *op, int n_in, const urn__id *in, const void *attr,
                  size_t attr_size);
/* First error message, "" if none. */
const char *urn__graph_error(const urn__graph *g);
void urn__graph_clear_error(urn__graph *g);
const void *urn__graph_intern(urn__graph *g, const void *bytes, size_t size);
size_t urn__interned_size(const void *interned); /* 0 for NULL */

/* Values of output k of a constant node (of a leaf: converted), kept for later plans with the same
 * kernels and precision; NULL: none. */
const void *urn__graph_kept(const urn__graph *g, urn__id id, int k, const urn__kernels *kernels,
                            urn_precision precision);
bool urn__graph_keep(urn__graph *g, urn__id id, int k, const urn__kernels *kernels,
                     urn_precision precision, const void *values);

/* Shorthands. */
urn__id urn__emit1(urn__graph *g, const urn__op *op, urn__id x);
urn__id urn__emit2(urn__graph *g, const urn__op *op, urn__id a, urn__id b);
urn__id urn__constant(urn__graph *g, const urn__shape *shape, const double *values); /* copies */
urn__id urn__number(urn__graph *g, double value);
urn__id urn__output(urn__graph *g, urn__id node, int k); /* output k of a node with several */
bool urn__number_of(const urn__graph *g, urn__id id, double *value); /* of a constant scalar */
bool urn__is_number(const urn__graph *g, urn__id id, double value);
urn__id urn__sum_to(urn__graph *g, urn__id x, const urn__shape *shape);
urn__id urn__broadcast(urn__graph *g, urn__id x, const urn__shape *shape);
urn__id urn__reshape_event(urn__graph *g, urn__id x, int n_event, const int64_t *dims);
urn__id urn__times(urn__graph *g, urn__id a, urn__id b); /* drops factors of 1, idle broadcasts */
urn__id urn__negate(urn__graph *g, urn__id x);           /* beneath a broadcast */
urn__id urn__plus(urn__graph *g, urn__id a, urn__id b);  /* 0 ids count as nothing */

/* ---- attributes of ops ---- */

typedef struct urn__values_attr { /* constant, data */
    const double *values;         /* NULL where numbers are given */
    urn__numbers *numbers; /* data of width 1: a column, whose numbers from `first` on are meant */
    int64_t first;
    int64_t width; /* data: elements a row */
    int64_t batch; /* data: 1 when rows are picked by the mini-batch */
    urn__shape shape;
} urn__values_attr;
/* All values of a constant or data node (also those outside a mini-batch), in the type asked for;
 * NULL when memory runs out. A column's singles are at hand; values are never given as singles
 * (NULL): whoever needs them converts. */
const double *urn__values_doubles(const urn__values_attr *attr);
const float *urn__values_singles(const urn__values_attr *attr);
/* Copies elements from .. from + n - 1, without making doubles of all. */
void urn__values_read(const urn__values_attr *attr, int64_t from, int64_t n, double *to);
typedef struct urn__index_attr {
    urn__index *index;
    int32_t rows_plate, target_plate;
    int64_t n; /* rows seen by kernels: index->n, or the batch size */
    int64_t batch;
    int64_t n_targets;
} urn__index_attr;              /* index NULL: the rows of the mini-batch themselves */
typedef struct urn__slot_attr { /* coordinate: offset in the position; input, site: number */
    int64_t slot;
    urn__shape shape;
} urn__slot_attr;
typedef struct urn__shape_attr { /* sum_to, broadcast, reshape */
    urn__shape shape;
} urn__shape_attr;
typedef struct urn__total_attr {
    double factor;
} urn__total_attr;
typedef struct urn__ints_attr {
    int64_t a, b, c;
} urn__ints_attr;

/* A density node: inputs are x, the given parameters in family order, then the mask if any. With
 * `producer` >= 0 that parameter is gather_dot of four inputs standing in its place: U, V, iu, iv.
 */
typedef struct urn__density_attr {
    const urn_family *family;
    int64_t dim, event; /* of the site */
    double weight;      /* factor of the sum and of the partials */
    int32_t n_given;
    int32_t given[URN_FAMILY_PARAMS]; /* parameter of input k + 1 */
    int32_t has_mask;
    int32_t rowwise;  /* one log density a row in place of their weighted sum */
    int32_t wanted;   /* density_all: bit 0 x, bit k + 1 parameter k */
    int32_t producer; /* parameter number, or -1 */
    int32_t padding;
} urn__density_attr;

/* factor_density: the density of rows whose parameter `density.producer` is gain *
 * link(U[iu] . V[iv] + offset) + shift, with the partials of U and V summed in CSR order, on top of
 * `base` where one is given. Inputs: U, V, iu, iv, x, the other parameters in family order, then
 * offset, base of U, base of V, as far as there are any. Outputs: the sum of the log densities,
 * then what is wanted, in the order U, V, offset, parameters (density.wanted, bit k + 1 parameter
 * k). */
enum { URN__FACTOR_LONG = 16 }; /* rows from this length on may be summed in one pass for both */
typedef struct urn__factor_attr {
    urn__density_attr density;
    double gain, shift;
    int32_t link; /* urn__map1; -1: none */
    int32_t has_offset;
    int32_t wanted_u, wanted_v, wanted_offset;
    int32_t base_u, base_v;
    int32_t padding;
} urn__factor_attr;

/* A draw: inputs are the given parameters. Rows below `known` are taken from a last input. */
typedef struct urn__draw_attr {
    const urn_family *family;
    const char *site; /* names the stream */
    int64_t dim, event;
    int64_t known; /* rows taken from the last input, 0: none (no such input) */
    urn__shape shape;
    int32_t n_given;
    int32_t given[URN_FAMILY_PARAMS];
    int32_t what; /* urn__draw_what */
} urn__draw_attr;
typedef enum urn__draw_what {
    URN__DRAW_RANDOM,
    URN__DRAW_CENTRE,
    URN__DRAW_MEAN,
    URN__DRAW_CDF /* one more input after the parameters: the value */
} urn__draw_what;

typedef struct urn__constrain_attr {
    const urn_support *support;
    int64_t dim, value_size, free_size; /* a row */
    int32_t has_low, has_high;
    int32_t has_d_value, has_d_jacobian; /* constrain_vjp */
    urn__shape value_shape, free_shape;
    int64_t rows;
} urn__constrain_attr;

/* A chain of elementwise ops run block by block. Registers 0 .. n_in - 1 are the inputs;
 * instruction i writes register n_in + i. */
#define URN__FUSED_MAX 32
typedef enum urn__fused_kind {
    URN__FUSED_VALUE, /* the register's elements */
    URN__FUSED_SUM,   /* their sum, a scalar */
    URN__FUSED_TOTAL  /* their sum times the factor, wide */
} urn__fused_kind;
typedef struct urn__fused_attr {
    urn__shape shape; /* of the registers */
    int32_t n_instr, n_out;
    struct {
        int32_t arity, map; /* arity 0: a copy (broadcast) */
        int32_t a, b;
    } instr[URN__FUSED_MAX];
    int32_t out[URN__MAX_OUT];  /* register of each output */
    int32_t kind[URN__MAX_OUT]; /* urn__fused_kind */
    double factor[URN__MAX_OUT];
} urn__fused_attr;

/* ---- passes ---- */

/* Adjoints of the scalar node `root` with respect to wrt[k]; grad[k] = 0 where it does not depend
 * on it. */
urn_status urn__backward(urn__graph *g, urn__id root, int n, const urn__id *wrt, urn__id *grad,
                         urn_error *error);
/* Rewrites row_dot(gather, gather) to gather_dot; root[k] are replaced. */
urn_status urn__fuse_gather(urn__graph *g, int n, urn__id *root, urn_error *error);
/* After the backward pass: density nodes become output 0 of the matching density_all; gather_dot is
 * computed inside the density that alone needs it; elementwise chains become one node. */
urn_status urn__fuse_density(urn__graph *g, int n, urn__id *root, urn_error *error);
/* Before the backward pass: densities over link(gather_dot + offset) become factor_density nodes.
 * After it: their value comes from the node that has the partials, too, and what is added to the
 * partials of U and V becomes their base. */
urn_status urn__fuse_factor(urn__graph *g, int n, urn__id *root, urn_error *error);
urn_status urn__fuse_factor_adjoint(urn__graph *g, int n, urn__id *root, urn_error *error);
urn_status urn__fuse_elementwise(urn__graph *g, int n, urn__id *root, urn_error *error);
/* For plans in single precision: values that are wide (see urn__op) and not just roots go through
 * `narrow` nodes. */
urn_status urn__narrow(urn__graph *g, int n, urn__id *root, urn_error *error);
/* Copies what the roots need, in order. `rewrite` (may be NULL) may give another node for one (0:
 * copy it); it sees the new inputs and, by old id, the new nodes so far. */
typedef urn__id urn__rewrite(void *context, urn__graph *to, const urn__graph *from, urn__id id,
                             const urn__id *new_inputs, const urn__id *new_id);
urn_status urn__graph_rewrite(const urn__graph *from, urn__graph *to, int n, urn__id *root,
                              urn__rewrite *rewrite, void *context, urn_error *error);
/* The same, with the nodes marked in `late` (by id; NULL: none) copied after all others, so that
 * they may be given any of those as inputs. Whatever reads a late node must be late, too. */
urn_status urn__graph_rewrite_late(const urn__graph *from, urn__graph *to, int n, urn__id *root,
                                   const bool *late, urn__rewrite *rewrite, void *context,
                                   urn_error *error);
/* needed[id] for ids 0 .. count: is the node, or one that needs it, among the roots? */
void urn__mark_needed(const urn__graph *g, int n, const urn__id *root, bool *needed);
/* Is the graph legal? (ids in order, shapes as the rules give, arities) */
urn_status urn__verify(const urn__graph *g, urn_error *error);
/* One line a node that `roots` need. */
void urn__dump(const urn__graph *g, int n, const urn__id *root, urn__text *text);

/* ---- plan and machine ---- */

typedef struct urn__plan urn__plan;
/* Order, buffers and constants for computing `root` (n of them; ids of 0 are skipped) in a
 * precision. Constants are computed now, in double, and kept in the graph's arena. A graph for
 * single precision has been through urn__narrow. */
urn_status urn__plan_new(urn__graph *g, int n, const urn__id *root, const urn__kernels *kernels,
                         urn_precision precision, urn__plan **plan, urn_error *error);
int64_t urn__plan_slab(const urn__plan *plan);             /* bytes a machine needs */
int urn__plan_length(const urn__plan *plan);               /* instructions */
bool urn__plan_root_is_wide(const urn__plan *plan, int k); /* doubles in either precision */
/* Size, then one line an instruction with where it reads and writes. */
void urn__plan_dump(const urn__plan *plan, urn__text *text);

typedef struct urn__machine urn__machine;
/* Most of the memory of a machine for this plan, before it is made. */
size_t urn__machine_bytes(const urn__plan *plan, int threads);
/* Where `lender` is given, the machine works in that machine's memory as far as it is large enough:
 * the two are not run at once, the lender is freed last, and either one's run spoils the other's
 * roots. */
urn_status urn__machine_new(const urn__plan *plan, const urn_allocator *allocator, int threads,
                            const urn__machine *lender, urn__machine **machine, urn_error *error);
void urn__machine_free(urn__machine *machine);
urn__exec *urn__machine_exec(urn__machine *machine);
/* Where coordinates are read (position + offset), and where root k is written if it can be (else it
 * has a buffer of its own). All of these are arrays of the plan's precision, except wide roots. */
void urn__machine_position(urn__machine *machine, const void *position);
void urn__machine_bind_input(urn__machine *machine, int64_t slot, const void *values);
bool urn__machine_bind_root(urn__machine *machine, int k, void *out);
/* The index columns of the mini-batch that a plan reads: how many, and column k. */
int urn__plan_batch_indices(const urn__plan *plan);
const urn__index_attr *urn__plan_batch_index(const urn__plan *plan, int k);
/* Mini-batches: rows of the batch plate for the coming runs. `place` (NULL: none), by number of the
 * target plate: where each of its rows stands among those the program sees; NULL: it sees all. */
urn_status urn__machine_batch(urn__machine *machine, int64_t n, const int32_t *rows,
                              const int32_t *const *place);
void urn__machine_run(urn__machine *machine);
/* From now on runs time each instruction, in memory taken here. */
urn_status urn__machine_profile(urn__machine *machine, urn_error *error);
/* Instruction i of a profiled machine: its node, runs and seconds; false past the last. */
bool urn__machine_profile_at(const urn__machine *machine, int i, urn__id *node, int64_t *runs,
                             double *seconds);
const void *urn__machine_root(const urn__machine *machine, int k);
/* The sum of roots 0 .. n - 1, which are doubles. */
double urn__machine_sum(const urn__machine *machine, int n);

#endif
