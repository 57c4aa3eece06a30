#!/bin/bash
# Simulation-based calibration of nuts, hmc and gibbs on the built-in models, the zoo of tests/zoo
# and the examples: prints the table of docs/calibration.md. Takes half an hour on one core.
#
#   scripts/calibration.sh [FIRST_WORD_OF_A_LINE ...]
#
# URN is the program (default: urn), TRIALS the number of data sets (default: 200), SEED the seed (default: 1).
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
urn=${URN:-urn} trials=${TRIALS:-200} seed=${SEED:-1}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# What is run: MODEL | ENGINES | OPTIONS. zoo:NAME is a model of tests/zoo/zoo.h. Models whose name
# is followed by "hard" are expected to fail, and say why. Not here, because data cannot be drawn
# from them: the mean of the data in the model (examples/models/ratings.c), flat priors, arrays in place of columns, likelihoods written with urn_factor, a
# parameter without a distribution (with_param), observations computed from a column (matrices,
# centre_and_precision), a density that is never finite (impossible).
models() {
    cat <<'LIST'
zoo:normal_mean | nuts hmc gibbs | --rows 6
zoo:regression | nuts hmc gibbs | --data DESIGN --rows 10
zoo:rate | nuts hmc gibbs | --rows 6
zoo:groups | nuts hmc gibbs | --rows 12 --plate group=4
zoo:supports | nuts hmc gibbs | --rows 2
zoo:noisy_rows | nuts hmc gibbs | --rows 6
zoo:mean_and_precision | nuts hmc gibbs | --rows 6
zoo:variance | nuts hmc gibbs | --rows 6
zoo:proportion | nuts hmc gibbs | --rows 6
zoo:shares | nuts hmc gibbs | --rows 12
zoo:two_kinds | gibbs | --rows 8
zoo:discrete | gibbs | --rows 3
pmf | nuts hmc gibbs | --rows 14 --plate user=5 --plate item=4 --set dim=2
pmf hard: noise=free | nuts hmc gibbs | --rows 14 --plate user=5 --plate item=4 --set dim=2 --set noise=free
pmf_sigmoid | nuts hmc gibbs | --rows 14 --plate user=5 --plate item=4 --set dim=2 --set noise=free
hpmf | nuts hmc gibbs | --rows 14 --plate user=5 --plate item=4 --set dim=2
bpmf | nuts gibbs | --rows 14 --plate user=5 --plate item=4 --set dim=2 --set df=6 --set noise=free --set center=none
examples/models/bayes_regression.c | nuts hmc gibbs | --data DESIGN --rows 10
examples/models/hierarchical.c | nuts hmc gibbs | --rows 20 --plate group=5
examples/models/line.c | nuts hmc gibbs | --rows 10
examples/models/logistic.c | nuts hmc gibbs | --rows 30
examples/models/poisson_rates.c | nuts hmc gibbs | --data MACHINES --rows 10
examples/models/robust.c | nuts hmc gibbs | --rows 20
examples/posteriordb/eight_schools_noncentered.c | nuts hmc gibbs | --data SCHOOLS --rows 8
examples/posteriordb/eight_schools_centered.c hard | nuts hmc gibbs | --data SCHOOLS --rows 8
examples/posteriordb/radon_hierarchical_intercept_noncentered.c | nuts hmc gibbs | --rows 20 --plate county_idx=5
LIST
}

printf 'x0,x1,x2\n1,-2,1\n1,-1,0\n1,0,2\n1,1,-1\n1,2,1\n1,3,0\n1,-3,0\n1,2,1\n1,-1,-2\n1,1,3\n' >"$place/design.csv"
printf 'machine,hours,warm_day\n1,10,0\n1,30,1\n2,20,1\n2,5,0\n3,12,0\n3,40,0\n4,8,1\n4,25,0\n5,16,1\n5,30,0\n' >"$place/machines.csv"
printf 'sigma\n15\n10\n16\n11\n9\n11\n10\n18\n' >"$place/schools.csv"

file_of() {
    case $1 in
    zoo:*)
        printf '%s\n' '#include <urn/urn.h>' '#undef URN_MODEL_ENTRY' '#define URN_MODEL_ENTRY(name)' \
            "#include \"$root/tests/zoo/zoo.h\"" 'URN_API const urn_model_def *urn_model_entry(void);' \
            'const urn_model_def *urn_model_entry(void)' "{ return urn_model_${1#zoo:}(); }" >"$place/${1#zoo:}.c"
        echo "$place/${1#zoo:}.c"
        ;;
    *.c) echo "$root/$1" ;;
    *) echo "$1" ;;
    esac
}

# Chains of gibbs are cheap and correlated; trajectories of hmc are short and vary, so that none closes on itself.
options_of() {
    case $1 in
    nuts) echo "--thin 5" ;;
    hmc) echo "--thin 10 --path 2 --jitter 0.3" ;;
    gibbs) echo "--thin 40" ;;
    esac
}

row='
import json, sys
j = json.load(open(sys.argv[1]))
q = min(j["quantities"], key=lambda q: q["p"])
far = max(j["quantities"], key=lambda q: max(abs(q["shift"]), abs(q["spread"])))
share = min(q["independent"] for q in j["quantities"])
print("| %s | %s | %d | %.2g (%s) | %.2g | %.1f | %.0f %% | %d | %s |" % (sys.argv[2], j["engine"],
      len(j["quantities"]), q["p"], q["name"], j["p"], max(abs(far["shift"]), abs(far["spread"])),
      100 * share, j["diverging"], "uniform" if j["uniform"] else "**not uniform**"))
'
echo "| model | engine | quantities | least p (of) | times quantities | largest score | independent | divergent fits | ranks |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
models | while IFS='|' read -r name engines options; do
    read -r name hard <<<"$name"
    [ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
    model=$(file_of "$name")
    options=${options//DESIGN/$place/design.csv}
    options=${options//MACHINES/$place/machines.csv}
    options=${options//SCHOOLS/$place/schools.csv}
    for engine in $engines; do
        # shellcheck disable=SC2046,SC2086
        if "$urn" sbc "$model" --engine "$engine" $options $(options_of "$engine") --trials "$trials" --seed "$seed" \
            --threads 1 --quiet --json >"$place/out.json" 2>"$place/err"; then
            python3 -c "$row" "$place/out.json" "$(basename "${name#zoo:}" .c)${hard:+ ($hard)}"
        else
            echo "| $name | $engine | $(head -1 "$place/err") |"
        fi
    done
done
