#!/bin/bash
# urn check: says yes to good models, and no to a density that is not finite.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
for model in "hpmf" "hpmf --set prior=notebook" "hpmf --set center=mean" "pmf" "pmf --set noise=free" \
    "bpmf --set dim=3" "bpmf --set dim=2 --set noise=free --set biases=yes" "bpmf --set dim=2 --set biases=free" "pmf_sigmoid --set scales=free"; do
    # shellcheck disable=SC2086
    run 0 check $model --plate user=12,item=7 --rows 40
    for step in trace compile "prior draws" gradient; do
        check grep -q "^$step *ok " out
    done
done
run 0 check hpmf --plate user=12,item=7 --rows 40
for site in loc_u U V; do
    check grep -q "^gibbs $site *ok *the conditional (rule gaussian) is that of the joint density" out
done
run 0 describe hpmf --plate user=12,item=7 --rows 40
check grep -q '^U *closed form (gaussian) *12 in parallel *R.loc: affine, rows by index of user' out
cat >broken.c <<'C'
#include <urn/urn.h>

/* The logarithm of a number that is negative half of the time. */
static void broken(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var one = urn_real(m, 1.0);
    urn_var a = urn_sample(m, "a", normal, .loc = urn_real(m, 0.0), .scale = one);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = urn_log(a), .scale = one,
                .plate = rows);
}
URN_MODEL(broken, "a test");
C
printf 'y\n1\n2\n' >y.csv
run 4 check broken.c --data y.csv
in_out "prior draws  FAILS the density is not finite at"
in_out '"y"'
in_err 'the check "prior draws" of model broken fails'
run 3 check hpmf
in_err "or sizes: --rows N for tables, --plate NAME=N for ids"

# ---- flat priors have no draws; the rest is checked ----
for model in kidscore_momiq hmm_example; do
    run 0 check "$URN_SRCDIR/examples/posteriordb/$model.c" --data "$URN_SRCDIR/examples/posteriordb/data/$model.json"
    in_out "prior draws  ok    left out: site "
    in_out "equals finite differences at "
done
in_out "cannot be drawn from"
finish
