#!/bin/bash
# The documents say what the code says:
# - a C block of docs/tutorial.md stands word for word in the file named above it;
# - a command "urn fit examples/..." of the documents is one that examples/run.sh runs (at the head of its
#   model), apart from --out;
# - the model in README.md compiles and passes urn check;
# - the options in docs/engines.md are those of urn fit --help (scripts/check_tutorial.sh --update writes them);
# - the table of families in include/urn/families.h has the words each family takes;
# - links to files lead to files.
set -euo pipefail

root=${URN_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${URN_BUILDDIR:-$root}
urn=$build/urn
cd "$root"
[ -x "$urn" ] || { echo "tutorial: no program $urn" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=$scratch/cache
bad=0
complain() {
    echo "tutorial: $1" >&2
    bad=1
}

# ---- C blocks: $scratch/blocks/N.c, the file each belongs to in N.file ----
mkdir "$scratch/blocks"
awk -v to="$scratch/blocks/" '
    /`examples\/[a-z_\/]+\.c`:$/ { file = $0; gsub(/^.*`examples/, "examples", file); sub(/`:$/, "", file) }
    /^```c$/ { n++; print file >(to n ".file"); inside = 1; next }
    /^```/ { inside = 0 }
    inside { print >(to n ".c") }' docs/tutorial.md
count=0
for block in "$scratch"/blocks/*.c; do
    file=$(cat "${block%.c}.file")
    [ -e "$file" ] || { complain "docs/tutorial.md: a C block names no file that exists (\"$file\")"; continue; }
    if ! awk '
        NR == FNR { want[++n] = $0; next }
        { line[++m] = $0 }
        END {
            for (at = 0; at + n <= m; at++) {
                for (k = 1; k <= n && line[at + k] == want[k]; k++);
                if (k > n) exit 0
            }
            exit 1
        }' "$block" "$file"; then
        complain "docs/tutorial.md: this block is not in $file:
$(cat "$block")"
    fi
    count=$((count + 1))
done
[ "$count" -ge 5 ] || complain "docs/tutorial.md: only $count C blocks were found"

# ---- commands ----
known=$(for model in examples/models/*.c; do
    awk '/^ \* *urn fit / { inside = 1 }
        inside { more = sub(/ *\\$/, ""); sub(/^ \* */, ""); printf "%s%s", gap, $0; gap = " "; if (!more) exit }' "$model"
    echo
done)
while read -r command; do
    grep -qxF -- "$command" <<<"$known" || complain "no model's head has this command: $command"
done < <(sed -nE 's/^ *\$? *(urn fit examples\/.*)$/\1/p' README.md docs/*.md | sed -E 's/ --out [^ ]+//')

# ---- the model of the README ----
{
    echo '#include <urn/urn.h>'
    awk '/^```c$/ { inside = 1; next } /^```/ && inside { exit } inside' README.md
} >"$scratch/readme.c"
"$urn" check "$scratch/readme.c" --plate user=30,item=20 --rows 200 >"$scratch/text" 2>&1 ||
    complain "the model of README.md does not pass urn check:
$(cat "$scratch/text")"

# ---- options ----
"$urn" fit --help | sed -n '/^Options of --engine/,$p' >"$scratch/options"
[ -s "$scratch/options" ] || complain "urn fit --help lists no options of engines"
if [ "${1:-}" = --update ]; then
    awk -v options="$scratch/options" '
        /^<!-- urn fit --help -->$/ { print; print "```text"; while ((getline line <options) > 0) print line; print "```"; skip = 1; next }
        /^<!-- end -->$/ { skip = 0 }
        !skip' docs/engines.md >"$scratch/engines.md"
    cp "$scratch/engines.md" docs/engines.md
fi
awk '/^<!-- urn fit --help -->$/ { inside = 1; next } /^<!-- end -->$/ { inside = 0 } inside && !/^```/' docs/engines.md >"$scratch/written"
diff "$scratch/written" "$scratch/options" >"$scratch/text" ||
    complain "docs/engines.md is not what urn fit --help says (scripts/check_tutorial.sh --update):
$(cat "$scratch/text")"

# ---- families: a model that gives each a word it does not take, so that the message lists those it does ----
families=$(sed -n '/define URN_FAMILY_LIST/,/^$/p' include/urn/families.h | grep -oE 'X\([a-z_0-9]+\)' | sed 's/X(\(.*\))/\1/')
{
    printf '#include <urn/urn.h>\nstatic void words(urn_model *m)\n{\n'
    printf 'switch (urn_option_choice(m, "family", "%s", "")) {\n' "$(tr '\n' '|' <<<"$families" | sed 's/|$//')"
    n=0
    for family in $families; do
        word=total # which these two take
        case $family in binomial | multinomial) word=low ;; esac
        printf 'case %d: (void)urn_sample(m, "x", %s, .%s = urn_real(m, 1.0)); break;\n' $n "$family" $word
        n=$((n + 1))
    done
    printf '}\n}\nURN_MODEL(words, "");\n'
} >"$scratch/words.c"
for family in $families; do
    takes=$({ "$urn" describe "$scratch/words.c" --set family="$family" --rows 1 2>&1 || true; } | sed -nE "s/.*; $family takes //p" | grep -oE '[a-z_0-9]+' | sort | tr '\n' ' ')
    table=$(sed -nE "/^ \*   $family /,/^ \*   [a-z]/p" include/urn/families.h | awk -v family="$family" 'NR == 1 || $2 !~ /^[a-z]/ || substr($0, 6, 1) == " "')
    for word in ${takes/or /}; do
        grep -qwE -- "$word" <<<"$table" || complain "include/urn/families.h: the table says nothing of $word for $family"
    done
    [ -n "$takes" ] || complain "no message says what $family takes"
done

# ---- links ----
for document in README.md CONTRIBUTING.md docs/*.md; do
    while read -r target; do
        [ -e "$(dirname "$document")/$target" ] || complain "$document: a link to $target, which does not exist"
    done < <(grep -oE '\]\([^)#:]+\)' "$document" | sed 's/^](//; s/)$//' || true)
done

[ $bad -eq 0 ] && echo "tutorial: fine ($count blocks)"
exit $bad
