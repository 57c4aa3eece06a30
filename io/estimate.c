/* What a data file will take, going by its size and its first records. */
#include "parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Kinds and types may turn out larger behind the sample, and the distinct texts of a column of text
 * are not counted. */
static urn_status estimate_csv(const char *path, const urn__io_options *options, double size,
                               urn__io_estimate *estimate, urn_error *error)
{
    urn__io_rows rows;
    size_t bytes = 0, a_row = 0;
    const urn_status status = urn__io_csv_sample(path, options, &rows, &bytes, error);
    if (status == URN_OK) {
        for (size_t i = 0; i < rows.n_columns; i++)
            a_row += urn__number_size(rows.columns[i].type);
        const double share = ((double)size - (double)rows.body) / (double)(bytes > 0 ? bytes : 1);
        estimate->rows = (int64_t)((double)rows.n_rows * (share > 1.0 ? share : 1.0));
        estimate->held = (double)estimate->rows * (double)a_row;
        estimate->peak = estimate->held + 4.0 * (double)estimate->rows; /* ids on their way */
    }
    urn__io_rows_clear(&rows);
    return status;
}

/* Three columns, usually of 4 bytes; the text stays until it is read. */
static void estimate_matrix(const char *path, double size, urn__io_estimate *estimate)
{
    char line[256];
    long long rows = 0, columns = 0, entries = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file) &&
           (line[0] == '%' || sscanf(line, "%lld %lld %lld", &rows, &columns, &entries) != 3))
        ;
    if (file)
        fclose(file);
    estimate->rows = entries;
    estimate->held = 12.0 * (double)entries;
    estimate->peak = estimate->held + size;
}

urn_status urn__io_memory(const char *path, const urn__io_options *options,
                          urn__io_estimate *estimate, urn_error *error)
{
    struct stat about;
    urn__io_format format = URN__IO_CSV;
    *estimate = (urn__io_estimate){0};
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return URN_OK; /* reading it will say so, or a pipe cannot be looked at twice */
    const double size = (double)about.st_size;
    URN_TRY(urn__io_format_of(path, &format, error));
    if (format == URN__IO_CSV)
        return estimate_csv(path, options, size, estimate, error);
    if (format == URN__IO_MATRIX_MARKET) {
        estimate_matrix(path, size, estimate);
    } else {
        estimate->held = size / 4.0;        /* numbers of JSON are often long as text */
        estimate->peak = size * 4.0 + size; /* jansson's values, and the text */
    }
    return URN_OK;
}
