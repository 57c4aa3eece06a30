#!/bin/bash
# Bad data: the message names the place and the remedy, the exit code is 3 (6 for files), no run is left.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"

rejects() { # rejects CODE FILE TEXT...
    local code=$1 file=$2
    shift 2
    # shellcheck disable=SC2086
    run "$code" fit hpmf --data "$file" --out run $quick
    for text in "$@"; do in_err "$text"; done
    absent run run.* # no run, and nothing half-written beside it
}

rejects 6 missing.csv "missing.csv: cannot read this file: No such file or directory"

: >empty.csv
rejects 3 empty.csv "empty.csv: the file is empty"

echo user,item,rating >header.csv
rejects 3 header.csv "header.csv: the file has a header and no rows"

printf 'user,item,stars\n1,2,3\n' >columns.csv
rejects 3 columns.csv 'columns.csv: there is no column "rating"; the columns are: user, item, stars' \
    "--map rating="

printf 'user,item,rating\n1,2,3\n2,2,good\n' >text.csv
rejects 3 text.csv 'text.csv:3: column "rating": found "good", expected a number'

printf 'user,item,rating\n1,2,3\n1,3,3\n2,2,NaN\n' >nan.csv
rejects 3 nan.csv 'nan.csv:4: column "rating": found NaN, expected a finite number'

printf 'user,item,rating\n1,2,inf\n' >inf.csv
rejects 3 inf.csv 'inf.csv:2: column "rating": found inf, expected a finite number'

printf 'user,item,rating\n1,2,3\n-7,2,4\n' >negative.csv
rejects 3 negative.csv 'negative.csv:3: column "user": found -7, expected an id of at least 0'

printf 'user,item,rating\n1,2,3\n99999999999999999999999,2,4\n' >huge.csv
rejects 3 huge.csv 'huge.csv:3: column "user": found 1e+23, expected an id of at most'

printf 'user,item,rating\n1,2,3\n2,2,4\n1,2,5\n' >twice.csv
rejects 3 twice.csv "twice.csv:4: (user, item) = (1, 2) stands in twice.csv:2 already" \
    "--duplicates mean or --duplicates last"

# Repeated pairs may be merged, when asked.
# shellcheck disable=SC2086
for mode in mean last; do
    run 0 fit hpmf --data twice.csv --duplicates $mode $quick --out merged-$mode
    in_err "1 rows repeated their (user,item) and were merged ($mode)"
    in_out "2 training rows"
done
run 2 fit hpmf --data twice.csv --duplicates first
in_err 'option --duplicates is "first"; it takes error|mean|last'

# A mapped column that is not there, and a map that nothing asks for.
run 2 fit hpmf --data columns.csv --map rating=strs
in_err '--map rating=strs: the data have no "strs"; they have: user, item, stars; did you mean "stars"?'
run 2 fit hpmf --data columns.csv --map rating=stars,raiting=stars
in_err '--map raiting=stars has no effect: the model reads user, item, rating; did you mean "rating"?'
run 0 fit hpmf --data columns.csv --map rating=stars --steps 3 --quiet

# Without any data.
run 3 fit hpmf
in_err 'the model wants the rows of a table "ratings"; the data has nothing; give data with --data FILE'

# A user that training never saw is predicted from the prior, counted and said.
printf 'user,item,rating\n1,2,3\n2,2,4\n1,3,5\n2,3,1\n3,2,2\n' >train.csv
printf 'user,item,rating\n9,2,3\n1,3,2.5\n' >test.csv
# shellcheck disable=SC2086
run 0 fit hpmf --data train.csv --test test.csv $quick --out tested
in_out "2 rows, 1 of them with an id never seen in training (user 1, item 0)"
run 0 predict merged-last --test test.csv
in_err "2 of 2 rows have an id that the fit never saw; it is drawn from the prior"

# Holding out everything, or a test file that lacks a column.
printf 'user,item\n1,2\n' >short.csv
run 3 fit hpmf --data train.csv --test short.csv
in_err 'short.csv'
in_err '"rating"'
run 2 fit hpmf --data train.csv --test test.csv --holdout 0.1
in_err "--holdout and --test exclude each other"
finish
