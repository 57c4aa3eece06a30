/* Data in, results out: the files of the command line. Between cli and runtime; private.
 *
 * Every function returns a status and fills *error (which may be NULL). Memory comes from the
 * allocator given (NULL: the C library); jansson and libnetcdf use their own. Nothing here prints.
 * Writing past RLIMIT_FSIZE raises SIGXFSZ and writing into a closed pipe SIGPIPE: a program that
 * wants the error instead ignores both signals. */
#ifndef URN_IO_IO_H
#define URN_IO_IO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urn/run.h>

/* ---- reading data ---- */

/* Zeros are defaults. */
typedef struct urn__io_options {
    const urn_allocator *allocator; /* for the work of reading; the dataset has its own */
    char delimiter; /* of CSV; 0: the first of , tab ; | that the header has (comma if none) */
    /* --test: a second file, of any format. Its rows are appended to the table and flagged as held
     * out; it must have the table's columns, in any order (others of its own are left out).
     * Messages name the file a row stands in. */
    const char *test_path;
    bool single; /* columns of real numbers, unless whole, are rounded to floats: half the memory */
    size_t window_size; /* bytes of a CSV file in memory at a time; 0: what suits caches */
} urn__io_options;

/* Adds the table `table` ("" for the unnamed one that answers to any name) to `data`, from a file
 * whose format follows from its name: .csv, .tsv .tab, .mtx .mm, .json; for any other ending from
 * its content: a line that starts with %%MatrixMarket, an object in braces, else CSV. `options` may
 * be NULL. URN_ERR_IO: the file cannot be read; URN_ERR_DATA: what is in it (with file:line);
 * `data` may then hold a part of what was read, and is of no further use. */
urn_status urn__io_read(const char *path, const char *table, urn_dataset *data,
                        const urn__io_options *options, urn_error *error);

/* CSV as of RFC 4180, made tolerant: LF, CRLF or CR line ends, last one optional; a UTF-8 byte
 * order mark is skipped; quoted fields may hold delimiters, line ends and doubled quotes; blank
 * lines are skipped. The first record names the columns (an empty name becomes column_<k>, k from
 * 1; duplicate names, or nothing but numbers, are errors). Every record has as many fields as the
 * first.
 *
 * A column is integer when all fields are whole numbers of 64 bits; real when all are numbers (NaN
 * and infinities, in any case, are numbers here, and are refused once a model asks for the column);
 * else text. Quotes and blanks around a number do not matter. Text is kept as it stands. */
urn_status urn__io_read_csv(const char *path, const char *table, urn_dataset *data,
                            const urn__io_options *options, urn_error *error);

/* MatrixMarket, coordinate format: a table with columns row, column (as in the file: from 1) and
 * value (1 for pattern matrices). A symmetric or skew-symmetric matrix gives each entry off the
 * diagonal twice, the mirrored one right after. Dense, complex and hermitian matrices are refused.
 */
urn_status urn__io_read_matrix_market(const char *path, const char *table, urn_dataset *data,
                                      const urn__io_options *options, urn_error *error);

/* JSON: one object. With table "" each member is an entry by its name: a number is a scalar, a
 * nested array of numbers an array (row-major as written, of equal lengths at each level), and an
 * object of equally long arrays, of numbers or of text, a table of that name. This is Stan's data
 * layout plus tables. Arrays as long as a whole number N says are, besides, the columns of a table
 * N (those of a matrix X are X.1, X.2, ...). With another `table` the whole object is that table.
 * The strings "NaN", "Inf", "Infinity", with a sign or without, and the bare tokens NaN and
 * Infinity are numbers; null is refused, with the variable's name. `test_path` needs a `table`, or
 * a file with one table. */
urn_status urn__io_read_json(const char *path, const char *table, urn_dataset *data,
                             const urn__io_options *options, urn_error *error);

/* The same from memory, without a table of its own; messages call it `name`. */
urn_status urn__io_read_json_text(const char *text, const char *name, urn_dataset *data,
                                  urn_error *error);

/* What reading a file will take: its rows, the bytes held afterwards, and the most on the way. For
 * CSV it goes by the first megabyte and the file's size, and is right to a few per cent for files
 * that go on as they begin; texts are not counted. 0 for what can be read once only. */
typedef struct urn__io_estimate {
    int64_t rows; /* 0: not known */
    double held, peak;
} urn__io_estimate;
urn_status urn__io_memory(const char *path, const urn__io_options *options,
                          urn__io_estimate *estimate, urn_error *error);

/* Flags row i (from 0) as held out if ((i * 2654435761) mod 2^32) / 2^32 < fraction, computed in
 * integers. 0 <= fraction < 1; 0 flags nothing. URN_ERR_USAGE: fraction out of range, no such
 * table, rows already held out; URN_ERR_DATA: no row is left for training. */
urn_status urn__io_split(urn_dataset *data, const char *table, double fraction, urn_error *error);

/* Hash of a file's bytes as 32 hexadecimal digits: two 64-bit hashes (urn__hash_bytes) with
 * different seeds, over blocks of 1 MiB, then the length. Tells files apart; not meant against
 * forgery. */
urn_status urn__io_hash_file(const char *path, char hash[33], urn_error *error);

/* ---- numbers as text ---- */

/* Shortest decimal text of 15 to 17 digits that reads back as `value`, the same in any locale;
 * whole numbers below 1e15 without a point; "nan", "inf", "-inf". `text` has room for 32 bytes. */
void urn__io_format_real(double value, char text[32]);

/* The number in all of text[0 .. n), without blanks; false if it is not one, or overflows. The
 * result is correctly rounded. nan, inf and infinity (any case, any sign) are accepted. */
bool urn__io_parse_real(const char *text, size_t n, double *value);

/* ---- writing files, whole or not at all ---- */

/* A file under construction. It is written under a temporary name in the same directory and gets
 * its own name on commit; an error or abort leaves what stood there before. A path that exists and
 * is not a regular file (/dev/stdout, a pipe) is written directly; "-" is the standard output. */
typedef struct urn__io_file urn__io_file;

/* URN_ERR_IO: the directory is missing or not writable. `allocator` is borrowed. */
urn_status urn__io_file_open(const char *path, const urn_allocator *allocator, urn__io_file **file,
                             urn_error *error);
/* Writes are buffered; the first failure is kept, later writes do nothing, and commit reports it.
 */
void urn__io_file_write(urn__io_file *file, const void *bytes, size_t n);
void urn__io_file_print(urn__io_file *file, const char *format, ...) URN_PRINTF(2, 3);
/* Hands what is buffered to the system now (for files that are followed while written). */
void urn__io_file_flush(urn__io_file *file);
bool urn__io_file_failed(const urn__io_file *file);
/* Flush, fsync, rename, fsync of the directory. Frees `file` whatever happens; on failure nothing
 * of it is left on disk. */
urn_status urn__io_file_commit(urn__io_file *file, urn_error *error);
/* Removes what was written and frees. Takes NULL. */
void urn__io_file_abort(urn__io_file *file);

/* CSV into a file under construction: a comma before every field but a record's first, quotes where
 * needed. Failures stay in the file. Real numbers as urn__io_format_real writes them. */
typedef struct urn__io_csv {
    urn__io_file *file;
    bool inside; /* a record is begun */
} urn__io_csv;
void urn__io_csv_text(urn__io_csv *csv, const char *text);
void urn__io_csv_int(urn__io_csv *csv, int64_t value);
void urn__io_csv_real(urn__io_csv *csv, double value);
void urn__io_csv_end(urn__io_csv *csv); /* ends the record */

/* ---- JSON ---- */

/* A number, or null where JSON has none (NaN, infinities). NULL when memory runs out. */
json_t *urn__io_json_real(double value);
/* Text of any JSON value: members in the order they were set, `indent` blanks a level (0: one
 * line), real numbers as urn__io_format_real writes them, with ".0" where they would look like
 * integers. No line end. Release with free(); NULL when memory runs out. */
char *urn__io_json_text(const json_t *json, int indent);
/* Writes it into `path` with a line end, as urn__io_file does. `json` is borrowed; NULL (what
 * jansson gives when memory runs out) is URN_ERR_MEMORY. */
urn_status urn__io_json_write(const json_t *json, const char *path, const urn_allocator *allocator,
                              urn_error *error);
/* Reads a JSON file of any kind, strictly (no bare NaN, no duplicate keys). json_decref it. */
urn_status urn__io_json_read(const char *path, const urn_allocator *allocator, json_t **json,
                             urn_error *error);
/* Member by path, such as "holdout.rmse"; NULL if there is none. */
const json_t *urn__io_json_get(const json_t *json, const char *path);
/* As number or text; the fallback if it is missing or of another kind. Borrowed. */
double urn__io_json_get_real(const json_t *json, const char *path, double fallback);
int64_t urn__io_json_get_int(const json_t *json, const char *path, int64_t fallback);
const char *urn__io_json_get_text(const json_t *json, const char *path, const char *fallback);

/* The first `most` numbers of nested arrays in order; returns how many there are. */
int64_t urn__io_json_flatten(const json_t *json, double *values, int64_t most);
/* A site's elements from JSON: a number, or nested lists, row-major. *values is the caller's, for
 * urn__free(NULL, ..). `where` begins messages. */
urn_status urn__io_json_site_values(const char *where, const urn_model *model, int site,
                                    const json_t *json, double **values, urn_error *error);
/* Coordinates of a latent site from its values as JSON: a number, or nested lists, row-major.
 * `where` begins messages. URN_ERR_DATA: another number of elements, or outside the support. */
urn_status urn__io_json_unconstrain(const char *where, const urn_model *model, int site,
                                    const json_t *json, double *position, urn_error *error);

/* ---- the order of elements ---- */

/* Stan's programs count the elements of arrays with the first index running fastest. Sets the
 * indices (from 0) of the k-th element in that order; returns its place row-major. */
int64_t urn__io_column_major(int rank, const int64_t *dims, int64_t k, int64_t *index);

/* ---- run directories ---- */

/* A run directory under construction: files are written into a sibling directory which gets its
 * name on commit, so that a run is there whole or not at all. */
typedef struct urn__io_run urn__io_run;

/* URN_ERR_USAGE: `dir` exists, and `force` is false or it does not look like a run (a directory
 * that holds plain files only, fit.json among them, or nothing). URN_ERR_IO: the directory it
 * belongs into is missing or not writable. Nothing of an existing run is touched before commit. */
urn_status urn__io_run_open(const char *dir, bool force, const urn_allocator *allocator,
                            urn__io_run **run, urn_error *error);
/* Where to write the file `name` now; borrowed until the next call of it. NULL: out of memory. */
const char *urn__io_run_path(urn__io_run *run, const char *name);
/* Puts the directory in place, replacing an existing run under `force`. Frees `run` whatever
 * happens; on failure nothing of it is left. */
urn_status urn__io_run_commit(urn__io_run *run, urn_error *error);
/* Removes what was written and frees. Takes NULL. */
void urn__io_run_abort(urn__io_run *run);

/* ---- draws.nc: ArviZ InferenceData in netCDF-4 ---- */

/* A netCDF-4 file. It is built in memory, about as much as the file will have. Groups, dims and
 * variables are numbered; group 0 is the root. The same calls give the same bytes: no times are
 * stored. Names follow ArviZ: groups posterior, sample_stats, log_likelihood, posterior_predictive,
 * prior, prior_predictive, observed_data, constant_data, and guide (ours); variables with dims
 * (chain, draw, plates ..., event dims). ArviZ finds coordinate values in a variable's own group
 * only, so define the dims in each group. */
typedef struct urn__io_nc urn__io_nc;

enum { URN__IO_NC_MAX_RANK = 8 };

/* Under construction as urn__io_file is: under another name until urn__io_nc_commit. */
urn_status urn__io_nc_create(const char *path, const urn_allocator *allocator, urn__io_nc **nc,
                             urn_error *error);
urn_status urn__io_nc_group(urn__io_nc *nc, const char *name, int *group, urn_error *error);
/* A dim with its coordinates: `ints`, `texts` (UTF-8), or neither: then 0 .. size - 1. A dim that
 * the group has with the same size is returned as it is. */
urn_status urn__io_nc_dim(urn__io_nc *nc, int group, const char *name, int64_t size,
                          const int64_t *ints, const char *const *texts, int *dim,
                          urn_error *error);

typedef enum urn__io_nc_type { URN__IO_NC_DOUBLE, URN__IO_NC_INT, URN__IO_NC_BOOL } urn__io_nc_type;

/* Defines a variable over dims of its group (rank 0: a scalar). `deflate` (0 to 9) compresses, in
 * chunks of at most about 1 MiB; 0 stores plainly. */
urn_status urn__io_nc_var(urn__io_nc *nc, int group, const char *name, urn__io_nc_type type,
                          int rank, const int *dims, int deflate, int *var, urn_error *error);
/* Writes a block: `start` and `count` per dim, both NULL for all of the variable. BOOL takes int64
 * values too. */
urn_status urn__io_nc_put_double(urn__io_nc *nc, int group, int var, const int64_t *start,
                                 const int64_t *count, const double *values, urn_error *error);
urn_status urn__io_nc_put_int(urn__io_nc *nc, int group, int var, const int64_t *start,
                              const int64_t *count, const int64_t *values, urn_error *error);
/* Attributes of a variable, or of the group with var = -1. */
urn_status urn__io_nc_attr_text(urn__io_nc *nc, int group, int var, const char *name,
                                const char *value, urn_error *error);
urn_status urn__io_nc_attr_real(urn__io_nc *nc, int group, int var, const char *name, double value,
                                urn_error *error);
urn_status urn__io_nc_attr_int(urn__io_nc *nc, int group, int var, const char *name, int64_t value,
                               urn_error *error);

/* Defines a variable for a site of a model, integer for discrete families: dims chain and draw when
 * `draws` > 0 (then block starts {chain, draw, 0, ...}), the site's plates with their labels as
 * coordinates, and event dims <name>_dim_<k>. A plate that repeats gets a suffix: "user", "user_1".
 * `name` NULL: the site's. */
urn_status urn__io_nc_site(urn__io_nc *nc, int group, const urn_model *model, int site,
                           const char *name, int64_t chains, int64_t draws, int deflate, int *var,
                           urn_error *error);

/* The same for a real number a row of the site: over its plates alone. */
urn_status urn__io_nc_site_rows(urn__io_nc *nc, int group, const urn_model *model, int site,
                                int64_t chains, int64_t draws, int *var, urn_error *error);

/* The dim of a model's plate as the variables of its sites have it. */
urn_status urn__io_nc_plate(urn__io_nc *nc, int group, const urn_model *model, const char *plate,
                            int64_t size, int *dim, urn_error *error);

/* Closes the file, syncs it and gives it its name. Frees `nc` whatever happens. */
urn_status urn__io_nc_commit(urn__io_nc *nc, urn_error *error);
/* Closes; removes a file under construction; frees. Takes NULL. */
void urn__io_nc_close(urn__io_nc *nc);

/* Reading. Names and labels returned live until urn__io_nc_close. */
urn_status urn__io_nc_open(const char *path, const urn_allocator *allocator, urn__io_nc **nc,
                           urn_error *error);
/* -1 if there is none. */
int urn__io_nc_find_group(urn__io_nc *nc, const char *name);
int urn__io_nc_find_var(urn__io_nc *nc, int group, const char *name);
/* The i-th variable that is not a coordinate, in file order: its number, or -1 past the last. */
int urn__io_nc_var_at(urn__io_nc *nc, int group, int i, const char **name);

typedef struct urn__io_nc_shape {
    const char *name;
    int rank;
    int64_t dims[URN__IO_NC_MAX_RANK];
    const char *dim_names[URN__IO_NC_MAX_RANK];
    int64_t size; /* product of dims */
} urn__io_nc_shape;
urn_status urn__io_nc_shape_of(urn__io_nc *nc, int group, int var, urn__io_nc_shape *shape,
                               urn_error *error);
/* Blocks as for put; numeric types are converted. */
urn_status urn__io_nc_get_double(urn__io_nc *nc, int group, int var, const int64_t *start,
                                 const int64_t *count, double *values, urn_error *error);
urn_status urn__io_nc_get_int(urn__io_nc *nc, int group, int var, const int64_t *start,
                              const int64_t *count, int64_t *values, urn_error *error);
/* Coordinates of a dim: exactly one of *ints and *texts is set, or neither for a dim without. */
urn_status urn__io_nc_labels(urn__io_nc *nc, int group, const char *dim, int64_t *n,
                             const int64_t **ints, const char *const **texts, urn_error *error);
/* *value is NULL if there is no such text attribute. */
urn_status urn__io_nc_get_text(urn__io_nc *nc, int group, int var, const char *name,
                               const char **value, urn_error *error);
/* The fallback if there is no such number. */
double urn__io_nc_get_real(urn__io_nc *nc, int group, int var, const char *name, double fallback);

#endif
