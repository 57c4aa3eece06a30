#!/bin/bash
# Bad models: exit code 4, and a message with the place in the model file.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
printf 'user,item,rating\n1,2,3\n2,2,4.5\n1,3,5\n2,3,1\n3,2,2\n' >data.csv
cp "$here"/models/*.c .

rejects() { # rejects MODEL TEXT...
    local model=$1
    shift
    # shellcheck disable=SC2086
    run 4 fit ./"$model" --data data.csv --out run $quick
    for text in "$@"; do in_err "$text"; done
    absent run run.*
}

rejects wrong_plate.c 'wrong_plate.c:14: site "r": gather of item[2]' \
    'the index points into plate "user", but the value has another plate'
rejects mixed_plates.c 'mixed_plates.c:' 'user' 'item'
rejects two_scales.c 'two_scales.c:9: site "r": (normal): scale and precision are two parameterisations'
rejects same_name.c 'same_name.c:9: site "a"' 'the name is taken by the site at' 'same_name.c:8'
run 3 fit ./counts.c --data data.csv
in_err 'data.csv:3: site "r": (poisson): row 1 is outside the support (count): found 4.5'

# A file that does not compile: the compiler's own message, then the command.
rejects misspelt.c 'normall' 'misspelt.c does not compile; the command was: ' '-std=c17' '-Werror'
if "${CC:-cc}" --version 2>/dev/null | grep -qi 'free software foundation'; then
    rejects positional.c 'positional.c:6' 'positional.c does not compile; the command was: '
fi
run 4 build misspelt.c -o misspelt.so
in_err 'misspelt.c does not compile'
absent misspelt.so misspelt.so.*
CC=no-such-compiler run 4 fit ./good.c --data data.csv
in_err 'the compiler "no-such-compiler" cannot be run'
in_err 'install a C compiler, or set CC to yours'

# A good one fits, from the file, and built; the second time the compiler is not needed.
# shellcheck disable=SC2086
run 0 fit ./good.c --data data.csv $quick --out good
in_out 'good by svi: 5 training rows'
cached=$(ls cache/urn/*.so | wc -l) # the bad models of before compiled well
check test "$cached" -ge 1
touch good.c # the same content
# shellcheck disable=SC2086
run 0 fit ./good.c --data data.csv $quick
check test "$(ls cache/urn/*.so | wc -l)" = "$cached"
sed -i 's/10\.0/11.0/' good.c
# shellcheck disable=SC2086
run 0 fit ./good.c --data data.csv $quick
check test "$(ls cache/urn/*.so | wc -l)" = $((cached + 1))
run 0 build good.c
in_out 'good.so: model good (the mean of a column)'
# shellcheck disable=SC2086
run 0 fit ./good.so --data data.csv $quick
check test "$(ls cache/urn | wc -l)" = $((cached + 1)) # nothing half-written is left

# Not a model at all.
printf 'int nothing;\nint nothing;\n' >plain.c
${CC:-cc} -shared -fPIC plain.c -o plain.so
rejects plain.so 'plain.so is not a model: it has no urn_model_entry' 'end the file with URN_MODEL'
echo text >text.so
rejects text.so 'text.so cannot be loaded'

# Headers of another age. An older one knows fewer words: its struct is smaller, and it works.
mkdir -p older newer
cp -r "$URN_SRCDIR/include/urn" older/urn
cp -r "$URN_SRCDIR/include/urn" newer/urn
sed -i '/urn_var mask;/d' older/urn/model.h
check test "$(grep -c 'urn_var mask;' older/urn/model.h)" = 0
URN_INCLUDE=$work/older run 0 build good.c -o older.so
# shellcheck disable=SC2086
run 0 fit ./older.so --data data.csv $quick --seed 3 --out older-run
# shellcheck disable=SC2086
run 0 fit ./good.so --data data.csv $quick --seed 3 --out good-run
check cmp older-run/log.csv good-run/log.csv
# A newer one is refused.
sed -i 's/#define URN_ABI_VERSION 1/#define URN_ABI_VERSION 2/' newer/urn/model.h
check grep -q 'URN_ABI_VERSION 2' newer/urn/model.h
URN_INCLUDE=$work/newer run 4 build good.c -o newer.so
in_err 'newer.so was built against a newer Urn header (model ABI 2,'
in_err 'than this program (ABI 1,'
in_err 'update urn'
absent newer.so
# So is one that knows a word this library does not.
cp "$URN_SRCDIR/include/urn/model.h" newer/urn/model.h
sed -i 's/^    urn_var mask; .*/&\n    urn_var skew;/' newer/urn/model.h
check grep -q 'urn_var skew;' newer/urn/model.h
URN_INCLUDE=$work/newer run 0 build good.c -o newer.so
rejects newer.so 'was compiled against a newer Urn header'
# ---- models that say their mode is not worth finding ----
run 0 simulate bpmf --plate user=20,item=30 --rows 200 --set dim=2 --seed 1 --out rated
for engine in "--engine map" "--engine map --method adam" "--engine svi --guide delta"; do
    # shellcheck disable=SC2086
    run 4 fit bpmf --data rated/data.csv --set dim=2 $engine --steps 3
    in_err 'site "lam_u": engine'
    in_err "while this site is free there is no mode worth finding: the factors of one side may grow"
    # shellcheck disable=SC2086
    run 4 fit pmf_sigmoid --data rated/data.csv --set dim=2 --set scales=free $engine --steps 3
    in_err "there is no mode worth finding: it is where a scale and all it scales are 0"
done
run 0 fit pmf_sigmoid --data rated/data.csv --set dim=2 --engine map --steps 3 --quiet
# few rows, equal ratings, more factors than users: no reason to fail
printf 'user,item,rating\n1,1,3\n1,2,3\n2,1,3\n' >equal.csv
run 0 fit bpmf --data equal.csv --set dim=5 --set noise=free --steps 20 --quiet
run 0 fit bpmf --data equal.csv --set dim=5 --set noise=free --set biases=yes --engine gibbs --warmup 20 --draws 50 --quiet
for word in nan inf; do
    checks=$((checks + 1))
    ! grep -qiw "$word" out || fail "a posterior with $word"
done
run 4 fit bpmf --data equal.csv --set alpha=0
in_err 'option "alpha" must be positive: it is a precision, 1 / variance'
cat >no_site.c <<'C'
#include <urn/urn.h>
static void no_site(urn_model *m)
{
    urn_var a = urn_sample(m, "a", half_normal, .scale = urn_real(m, 1.0));
    urn_no_mode(m, urn_exp(a), "it runs away");
}
URN_MODEL(no_site, "a test");
C
run 4 describe no_site.c
in_err "urn_no_mode was given a value that is no site's; pass what urn_sample returned"
finish
