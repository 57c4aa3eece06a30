/* The held-out split, and the hash of a file. */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

urn_status urn__io_split(urn_dataset *data, const char *table, double fraction, urn_error *error)
{
    const int64_t n = urn_dataset_rows(data, table);
    if (!(fraction >= 0 && fraction < 1))
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a share of %g of the rows cannot be held out, expected 0 <= share < 1",
                         fraction);
    if (n < 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "there is no table \"%s\"",
                         table ? table : "");
    if (urn__dataset_held_out_count(data, urn__dataset_table(data, table)) > 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "give either --holdout or --test",
                         "rows of a test file are held out already");
    if (fraction == 0)
        return URN_OK;
    URN_TRY(urn__dataset_hold_out_share(data, table, fraction, error));
    const int index = urn__dataset_table(data, table);
    if (urn__dataset_held_out_count(data, index) < n)
        return URN_OK;
    return urn__fail(error, URN_ERR_DATA, urn_dataset_source(data, table), NULL,
                     "hold out a smaller share",
                     "all %" PRId64 " rows are held out, none is left to train on", n);
}

enum { BLOCK = 1 << 20 };

/* Fills the block as far as the file goes; -1 on failure. */
static ssize_t read_block(int file, char *block)
{
    size_t n = 0;
    while (n < BLOCK) {
        const ssize_t got = read(file, block + n, BLOCK - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

urn_status urn__io_hash_file(const char *path, char hash[33], urn_error *error)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return urn__io_fail_errno(error, path, "read this file", errno);
    char *block = urn__alloc(NULL, BLOCK);
    uint64_t a = UINT64_C(0x75726E2D64617461), b = UINT64_C(0x66696C652D686173), length = 0;
    ssize_t n = block ? read_block(file, block) : 0;
    for (; n > 0; n = read_block(file, block)) {
        a = urn__hash_bytes(a, block, (size_t)n);
        b = urn__hash_bytes(b, block, (size_t)n);
        length += (uint64_t)n;
    }
    const int failure = errno;
    close(file);
    snprintf(hash, 33, "%016" PRIx64 "%016" PRIx64, urn__hash_u64(a, length),
             urn__hash_u64(b, length));
    urn__free(NULL, block);
    if (!block)
        return urn__fail_memory(error, path, BLOCK);
    return n < 0 ? urn__io_fail_errno(error, path, "read this file", failure) : URN_OK;
}
