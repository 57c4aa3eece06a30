/* Memory of a fit: estimated before it starts, and kept to a limit. What is there already is asked
 * of the system, so that nothing is forgotten; what is to come is computed. */
#include "memory.h"
#include "../io/io.h"
#include "data.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

double cli_memory_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024.0;
}

/* Memory in use now; the peak so far where the system does not say. */
static double resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    const bool known = file != NULL && fscanf(file, "%*s %ld", &pages) == 1;
    if (file != NULL)
        fclose(file);
    return known ? (double)pages * (double)sysconf(_SC_PAGESIZE) : cli_memory_peak();
}

const char *cli_bytes(double bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    int k = 0;
    while (bytes >= 1000.0 && k < 4) { /* as --max-memory counts, but 1000 of one are one more */
        bytes /= 1024.0;
        k++;
    }
    snprintf(text, 32, k == 0 || bytes >= 10.0 ? "%.0f %s" : "%.1f %s", bytes, units[k]);
    return text;
}

/* A number, and K, M, G or T (of 1,024 each), B or nothing. */
static bool parse_size(const char *text, double *bytes)
{
    static const char suffixes[] = "KMGT";
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    *bytes = strtod(text, &end);
    const char *found = *end != '\0' ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
    if (found != NULL) {
        *bytes = ldexp(*bytes, 10 * (int)(found - suffixes + 1));
        end++;
    }
    if (toupper((unsigned char)*end) == 'B')
        end++;
    return *end == '\0' && *bytes >= 1.0 && isfinite(*bytes);
}

/* ---- the hook ---- */

enum { HEADER = 64 }; /* before each block, for its size; keeps the alignment */

static void *allocate(void *context, size_t size)
{
    cli_memory *memory = context;
    if (size > (size_t)PTRDIFF_MAX - 2 * HEADER)
        return NULL;
    const size_t whole = (size + 2 * HEADER - 1) / HEADER * HEADER;
    const long long before =
        __atomic_fetch_add(&memory->in_use, (long long)whole, __ATOMIC_RELAXED);
    const bool over =
        memory->limit > 0.0 && memory->base + (double)before + (double)whole > memory->limit;
    char *block = over ? NULL : urn__alloc(NULL, whole);
    if (block == NULL) {
        __atomic_fetch_sub(&memory->in_use, (long long)whole, __ATOMIC_RELAXED);
        if (over && memory->refused == 0) {
            memory->refused = (long long)whole;
            memory->had = before;
        }
        return NULL;
    }
    memcpy(block, &whole, sizeof whole);
    return block + HEADER;
}

static void release(void *context, void *given)
{
    cli_memory *memory = context;
    char *block = (char *)given - HEADER;
    size_t whole;
    memcpy(&whole, block, sizeof whole);
    __atomic_fetch_sub(&memory->in_use, (long long)whole, __ATOMIC_RELAXED);
    urn__free(NULL, block);
}

static double counted(const cli_memory *memory)
{
    return (double)__atomic_load_n(&memory->in_use, __ATOMIC_RELAXED);
}

urn_status cli_memory_start(const cli_args *args, cli_memory *memory, urn_error *error)
{
    const char *text = cli_text(args, "max-memory");
    *memory = (cli_memory){.args = args, .base = resident()};
    memory->hook = (urn_allocator){allocate, release, memory};
    if (text != NULL && !parse_size(text, &memory->limit))
        return cli_fail(error, URN_ERR_USAGE, NULL,
                        "option --max-memory is \"%s\"; it takes a size of at least a byte, such "
                        "as 500M or 4G",
                        text);
    return URN_OK;
}

/* ---- refusals ---- */

/* Parts of an estimate, for the message. */
typedef struct part {
    const char *name;
    double bytes;
} part;

static void add_parts(urn__text *list, const part *parts, int n)
{
    char text[32];
    bool first = true;
    for (int i = 0; i < n; i++) {
        if (parts[i].bytes < 512.0)
            continue;
        urn__text_add(list, "%s%s %s", first ? "" : ", ", parts[i].name,
                      cli_bytes(parts[i].bytes, text));
        first = false;
    }
}

/* What of the command would need less. */
static void add_ways(urn__text *hint, const cli_memory *memory, bool after)
{
    const cli_args *args = memory->args;
    const char *engine = urn_engine_name(args->engine), *method = cli_text(args, "method");
    const bool lbfgs =
        strcmp(engine, "map") == 0 && (method == NULL || strcmp(method, "lbfgs") == 0);
    urn__text_add(hint, "less memory is needed with ");
    if (after) {
        urn__text_add(hint, "fewer draws kept (--save-budget), or ");
    } else {
        if (lbfgs)
            urn__text_add(hint, "--method adam, ");
        if (strcmp(cli_text(args, "precision"), "single") != 0)
            urn__text_add(hint, "--precision single, ");
        if (!cli_given_at_all(args, "batch"))
            urn__text_add(hint, "mini-batches (--batch PLATE=N), ");
        urn__text_add(hint, "a smaller model (--set dim=N), or ");
    }
    urn__text_add(hint, "fewer rows");
}

static urn_status refuse(const cli_memory *memory, const char *what, double bytes,
                         const part *parts, int n, bool after, urn_error *error)
{
    urn__text list = {0}, hint = {0};
    char needed[32], limit[32];
    add_parts(&list, parts, n);
    add_ways(&hint, memory, after);
    cli_fail(error, URN_ERR_MEMORY, hint.data != NULL ? hint.data : "",
             "%s about %s, and --max-memory allows %s: %s", what, cli_bytes(bytes, needed),
             cli_bytes(memory->limit, limit), list.data != NULL ? list.data : "");
    urn__text_clear(&list);
    urn__text_clear(&hint);
    return URN_ERR_MEMORY;
}

static bool fits(const cli_memory *memory, double bytes)
{
    return !(memory->limit > 0.0) || bytes <= memory->limit;
}

/* ---- step by step ---- */

/* Adds what a file will take once it is read; *peak is the most on the way there. */
static urn_status add_file(const cli_memory *memory, const char *path, double *held, double *peak,
                           urn_error *error)
{
    urn__io_estimate e;
    const urn__io_options options = {.single = cli_is_single(memory->args)};
    URN_TRY(urn__io_memory(path, &options, &e, error));
    *peak = fmax(*peak, *held + e.peak);
    *held += e.held;
    return URN_OK;
}

urn_status cli_memory_files(cli_memory *memory, urn_error *error)
{
    const char *text, *test = cli_text(memory->args, "test");
    double held = 0.0, peak = 0.0;
    if (!(memory->limit > 0.0))
        return URN_OK;
    for (int i = 0; (text = cli_text_at(memory->args, "data", i)) != NULL; i++)
        URN_TRY(add_file(memory, cli_source_of(text).path, &held, &peak, error));
    if (test != NULL)
        URN_TRY(add_file(memory, test, &held, &peak, error));
    if (fits(memory, memory->base + peak))
        return URN_OK;
    const part parts[] = {{"the program itself", memory->base}, {"data, going by its files", peak}};
    return refuse(memory, "reading the data alone takes", memory->base + peak, parts, 2, false,
                  error);
}

void cli_memory_next(cli_memory *memory)
{
    if (memory->now < CLI_MEMORY_RESULTS)
        memory->until[memory->now++] = counted(memory);
}

/* Memory of one part: what has been added since the one before. */
static double of_part(const cli_memory *memory, cli_memory_part p)
{
    const double to = p < memory->now ? memory->until[p] : p > memory->now ? 0.0 : counted(memory);
    return fmax(to - (p > 0 ? memory->until[p - 1] : 0.0), 0.0);
}

urn_status cli_memory_admit(cli_memory *memory, const urn_fit_memory *fit, const cli_after *after,
                            urn_error *error)
{
    const double data = of_part(memory, CLI_MEMORY_DATA), model = of_part(memory, CLI_MEMORY_MODEL);
    const double before = memory->base + data + model;
    const double program = of_part(memory, CLI_MEMORY_FIT) + (double)fit->program;
    const double posterior = (double)fit->posterior, engine = (double)fit->engine;
    const double steps = before + program + engine;
    const double predictions = before + posterior + after->predictions;
    const double files = before + posterior + after->files;
    memory->estimate = fmax(steps, fmax(predictions, files));
    if (fits(memory, memory->estimate))
        return URN_OK;
    const bool late = steps < memory->estimate;
    const bool larger_files = files >= predictions;
    const part parts[] = {
        {"the program itself", memory->base},
        {"data", data},
        {"the model", model},
        {"the compiled model", late ? 0.0 : program},
        {"parameters and optimiser", late ? 0.0 : engine},
        {"the posterior", late ? posterior : 0.0},
        {"predictions", late && !larger_files ? after->predictions : 0.0},
        {"the run's files", late && larger_files ? after->files : 0.0},
    };
    return refuse(memory, "the fit would take", memory->estimate, parts,
                  (int)(sizeof parts / sizeof parts[0]), late, error);
}

urn_status cli_memory_explain(const cli_memory *memory, urn_status status, urn_error *error)
{
    static const char *const names[] = {"data", "the model", "the compiled model and its fit",
                                        "results"};
    part parts[CLI_MEMORY_PARTS + 2] = {{"the program itself", memory->base}};
    if (status != URN_ERR_MEMORY || memory->refused == 0)
        return status;
    double before = 0.0;
    for (int p = 0; p <= (int)memory->now; p++) {
        const double until =
            p < (int)memory->now ? memory->until[p] : (double)memory->had + (double)memory->refused;
        parts[p + 1] = (part){names[p], fmax(until - before, 0.0)};
        before = until;
    }
    const double sum = memory->base + (double)memory->had + (double)memory->refused;
    return refuse(memory, "up to here the fit takes", sum, parts, CLI_MEMORY_PARTS + 1,
                  memory->now == CLI_MEMORY_RESULTS, error);
}
