#!/bin/bash
# Wrong usage: exit code 2, the known names are listed and the nearest is suggested.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
small_data
data=small/data.csv

run 2
in_err "Commands:"
run 2 fitt
in_err 'unknown command "fitt"; known: fit, models, engines'
in_err 'did you mean "fit"?'
run 2 fit
in_err 'urn fit needs MODEL; see "urn fit --help"'
run 2 fit hpmf extra --data $data
in_err 'urn fit does not take "extra" besides MODEL'
run 2 fit hpfm --data $data
in_err 'unknown model "hpfm"; known: bpmf, hpmf, pmf'
in_err 'did you mean "hpmf"?'
run 2 fit no/such/model --data $data
in_err '"no/such/model" is no model: a model is a built-in name, a .c or a .so file'
run 6 fit nowhere.c --data $data
in_err 'nowhere.c: no such file'
run 2 fit hpmf --engine svu --data $data
in_err 'unknown engine "svu"; known: svi, map'
in_err 'did you mean "svi"?'
run 2 fit hpmf --data $data --stpes 3
in_err 'unknown option "--stpes"; urn fit takes --data'
in_err 'did you mean "--steps"?'
run 2 fit hpmf --data $data -z
in_err 'unknown option "-z"'
run 2 fit hpmf --data $data --guide normal --engine map
in_err "option --guide belongs to the engine svi, and this run uses map"
run 2 fit hpmf --data $data --steps
in_err "option --steps needs a value"
run 2 fit hpmf --data $data --steps 3 --steps 4
in_err "option --steps is given twice"
run 2 fit hpmf --data $data --steps many
in_err 'option --steps is "many", which is not a whole number'
run 2 fit hpmf --data $data --steps 0
in_err "option --steps is 0; it takes 1 to"
run 2 fit hpmf --data $data --lr fast
in_err 'option --lr is "fast", which is not a number'
run 2 fit hpmf --data $data --guide wide
in_err 'option --guide is "wide"; it takes normal|delta'
run 2 fit hpmf --data $data --force=yes
in_err "option --force takes no value"
run 2 fit hpmf --data $data --holdout 1.5
in_err "option --holdout is 1.5; it takes 0 to 0.99"
run 2 fit hpmf --data $data --precision half
in_err 'option --precision is "half"; it takes double|single'
run 2 fit hpmf --data $data --engine map --precision single
in_err 'engine "map": L-BFGS works in double precision only'
in_err 'add --method adam, or leave --precision single out'
run 2 fit hpmf --data nowhere.csv --cpu v9 --out run
in_err 'there is no CPU path "v9" on this machine; it has base'
in_err 'leave it out to take the fastest'
absent run run.*
run 2 fit hpmf --data $data --set dmi=3
in_err 'model hpmf has no option "dmi"; it has dim, prior, center; did you mean "dim"?'
run 2 fit hpmf --data $data --set dim
in_err 'option --set is "dim"; it takes name=value'
run 2 fit hpmf --data $data --set dim=two
in_err 'option dim: "two" is not a whole number'
run 2 fit hpmf --data $data --set prior=flat
in_err 'option prior: "flat" is not one of hierarchical|notebook'
run 4 fit hpmf --data $data --set dim=0
in_err 'option "dim" must be at least 1'
run 4 fit pmf --data $data --set dim=0
in_err 'option "dim" must be at least 1'
run 4 fit pmf --data $data --set noise_scale=-1
in_err 'options noise_scale, scale_u, scale_v and scale_b must be positive'
run 2 fit hpmf --data $data --batch-updates touched
in_err 'option --batch-updates was given, but no mini-batches are taken'
in_err 'add --batch PLATE=N'
run 2 fit hpmf --data $data --batch movies=10
in_err 'no rows plate is called "movies"; mini-batches can be of: ratings'
run 2 fit hpmf --data $data --batch 10
in_err 'option --batch is "10"; it takes PLATE=N, N at least 1'

# simulate
run 2 simulate hpmf --plate user=5,item=4 --rows 10 --fix obs_scal=1 --out s
in_err 'unknown latent site "obs_scal"; known: loc_u, tril_u, obs_scale, U, V'
run 2 simulate hpmf --plate user=5,item=4 --rows 10 --fix loc_u=1,2 --out s
in_err "--fix loc_u gives 2 numbers; the site takes 1 or 5"
run 2 simulate hpmf --plate user=5,item=0 --rows 10 --out s
in_err 'option --plate gives item the size "0"; a size is a whole number of at least 1'
run 2 simulate hpmf --plate user=5,item=4 --rows 21 --out s
in_err "21 rows of distinct ids do not fit: there are 20 combinations"
run 3 simulate hpmf --out s
in_err "or sizes: --rows N for tables, --plate NAME=N for ids"
absent s/data.csv
run 2 simulate hpmf --plate user=40,item=15 --rows 300 --out small
in_err "exists; --force replaces it"

# runs
# shellcheck disable=SC2086
run 0 fit hpmf --data $data --set dim=2 $quick --out run
run 2 predict run
in_err "urn predict needs --test FILE"
run 6 predict nowhere --test $data
in_err "nowhere: no such run directory"
run 6 summary small
in_err "small is not a run: it has no fit.json"
run 2 summary run --sites obs_scale,VV
in_err 'unknown site "VV"; known: loc_u, tril_u, obs_scale, U, V'
run 2 recommend run
in_err "urn recommend needs either --user ID or --new-user"
run 2 recommend run --user 1 --new-user
in_err "urn recommend needs either --user ID or --new-user"
run 3 recommend run --user 4000
in_err 'the fit knows no user "4000"'
run 2 recommend run --new-user --items movie
in_err 'unknown plate of ids "movie"; known: user, item'
run 2 fit hpmf --data $data --init-from run --init x.json
in_err "--init and --init-from exclude each other"
run 6 fit hpmf --data $data --init x.json
in_err "x.json"
echo '{"obs_scal": 1}' >init.json
run 3 fit hpmf --data $data --init init.json
in_err 'unknown site "obs_scal"'
in_err 'did you mean "obs_scale"?'
echo '{"obs_scale": [1, 2]}' >init.json
run 3 fit hpmf --data $data --init init.json
in_err 'site "obs_scale" has 2 numbers, and takes 1 (scalar)'
echo '{"obs_scale": -1}' >init.json
run 3 fit hpmf --data $data --init init.json
in_err 'outside the support (positive)'

# new, build
run 2 new 9lives
in_err '"9lives" is not a model name'
run 0 new mine
run 2 new mine
in_err "mine.c exists; --force replaces it"
run 6 build gone.c
in_err "gone.c: no such file"
finish
