/* Data of bench/ as Urn takes them. Failures end the program. */
#ifndef URN_BENCH_DATASET_H
#define URN_BENCH_DATASET_H

#include "bench/ratings.h"
#include <urn/urn.h>

/* Prints the error and exits, unless there is none. */
void bench_check(urn_status status, const urn_error *error);
/* A dataset with one unnamed table of n rows and no columns yet. */
urn_dataset *bench_dataset(int64_t n);
/* Columns user, item, rating; a tenth of the rows held out, as in all tables. */
urn_dataset *bench_dataset_of_ratings(const ratings *r);

enum { LOGISTIC_ROWS = 10000, LOGISTIC_COLUMNS = 50 };

/* Data of bench/logistic.h: x is LOGISTIC_COLUMNS columns of LOGISTIC_ROWS sums of twelve uniforms
 * each, about standard normal; y is 0 or 1, with coefficients between -0.3 and 0.3. */
typedef struct logistic_data {
    double *x, *y;
} logistic_data;
logistic_data logistic_data_new(void);
void logistic_data_free(logistic_data *d);
urn_dataset *bench_dataset_of_logistic(const logistic_data *d);

#endif
