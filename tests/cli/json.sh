#!/bin/bash
# --json: one object with a schema version on stdout, from every command, also when it fails.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
have_python || exit 77
small_data
sizes="--plate user=10,item=5 --rows 20"
parses() {
    json out 'j["schema_version"] == 1 and list(j)[0] == "schema_version"'
}
run 0 models --json
parses
json out '[m["name"] for m in j["models"]] == ["bpmf", "hpmf", "pmf", "pmf_sigmoid"]'
run 0 engines --json
parses
json out '{"svi", "map"} <= {e["name"] for e in j["engines"]}'
json out 'any(o["name"] == "steps" for e in j["engines"] for o in e["options"])'
# shellcheck disable=SC2086
{
    run 0 describe hpmf $sizes --json
    parses
    json out '[s["name"] for s in j["sites"]] == ["loc_u", "tril_u", "obs_scale", "U", "V", "R"]'
    json out 'j["sites"][3]["plates"] == ["user"] and j["sites"][3]["dims"] == [10, 5]'
    json out '{"name": "rating", "kind": "column", "table": "ratings", "observed": "R"} in j["data"]'
    run 0 check pmf $sizes --json
    parses
    json out 'all(s["ok"] for s in j["steps"]) and len(j["steps"]) == 6'
    run 0 simulate hpmf $sizes --out s --json
    parses
    run 0 fit hpmf --data small/data.csv --set dim=2 $quick --holdout 0.2 --out run --json
    parses
}
run 0 summary run --json
parses
run 0 predict run --test small/data.csv --json
parses
json out 'len(j["predictions"]) == 300'
run 0 recommend run --new-user --json
parses
run 0 new mine --json
parses
run 0 build mine.c --json
parses
run 3 fit hpmf --data small/data.csv --map rating=item,item=rating --json
parses
json out 'j["error"]["exit_code"] == 3 and j["error"]["status"] == "bad data" and j["error"]["message"]'
run 2 fit hpfm --json
parses
json out 'j["error"]["exit_code"] == 2 and "hpmf" in j["error"]["hint"]'
finish
