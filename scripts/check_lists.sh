#!/bin/bash
# The tables and what they name agree: families, ops, engines, models; and every source is in a module.am.
set -euo pipefail
cd "$(dirname "$0")/.."

bad=0
# same NAME LEFT RIGHT: two sorted lists must be equal
same() {
    local difference
    difference=$(diff <(sort <<<"$2") <(sort <<<"$3") | grep '^[<>]' || true)
    if [ -n "$difference" ]; then
        printf 'lists: %s:\n%s\n' "$1" "$difference" >&2
        bad=1
    fi
}

# Sources a fragment lists, one a line.
listed() {
    sed 's/#.*//' "$@" | grep -oE '[a-zA-Z0-9_./-]+\.[ch]\b' | sort -u
}

# Each name is defined in FOLDER/<name>.c, in a line that begins with BEFORE<name>AFTER.
in_own_file() { # WHAT NAMES BEFORE AFTER FOLDER
    local name
    for name in $2; do
        if ! grep -qs "^$3$name$4" "$5/$name.c"; then
            echo "lists: $1 $name is not defined in $5/$name.c" >&2
            bad=1
        fi
    done
}

# Families: the list of the header, a file each that defines that family, and the fragment.
families=$(sed -n '/define URN_FAMILY_LIST/,/^$/p' include/urn/families.h | grep -oE 'X\([a-z_0-9]+\)' | sed 's/X(\(.*\))/\1/')
defined=$(grep -hoE '^URN__FAMILY_DEFINE\([a-z_0-9]+' runtime/family/*.c | sed 's/.*(//')
same "families.h (<) and URN__FAMILY_DEFINE in runtime/family (>)" "$families" "$defined"
in_own_file family "$families" 'URN__FAMILY_DEFINE(' , runtime/family

# Single precision: the list of table.c, the densities so compiled, and the fragment.
singles=$(sed -n '/define SINGLE_LIST/,/^$/p' runtime/family/table.c | grep -oE 'X\([a-z_0-9]+\)' | sed 's/X(\(.*\))/\1/')
defined=$(grep -hoE '^URN__DENSITY_DEFINE\([a-z_0-9]+' runtime/family/*.c | sed 's/.*(//')
compiled=$(sed -n '/^cpu_single_sources/,/^$/p' runtime/family/module.am | grep -oE 'family/[a-z_0-9]+\.c' | sed 's,family/\(.*\)\.c,\1,')
same "SINGLE_LIST of table.c (<) and URN__DENSITY_DEFINE in runtime/family (>)" "$singles" "$defined"
same "SINGLE_LIST of table.c (<) and cpu_single_sources of runtime/family (>)" "$singles" "$compiled"

# Ops: a row names a descriptor urn__op_<name> (one that is missing does not link; one without a row is
# found here).
ops=$(grep -oE '^URN_OP\([a-z_0-9]+' runtime/graph/ops.def | sed 's/.*(//')
while read -r op; do
    if ! grep -qx "$op" <<<"$ops"; then
        echo "lists: urn__op_$op has no row in runtime/graph/ops.def" >&2
        bad=1
    fi
done < <(grep -rhoE --include='*.c' '^const urn__op URN__OP\([a-z_0-9]+\)' runtime/graph | sed 's/.*URN__OP(//; s/)//')
defined=$(grep -rlE --include='*.c' 'const urn__op URN__OP\(' runtime/graph | sort)
compiled=$(sed -n '/^single_sources/,/^$/p' runtime/graph/module.am | grep -oE 'runtime/graph/[a-z_/0-9]+\.c' | sort)
while read -r file; do
    if ! grep -qx "$file" <<<"$compiled"; then
        echo "lists: $file defines ops and is not in single_sources of runtime/graph/module.am" >&2
        bad=1
    fi
done <<<"$defined"

# Engines: a row names a descriptor urn__engine_<name>.
if [ -e inference/engines.def ]; then
    engines=$(grep -oE '^URN_ENGINE\([a-z_0-9]+' inference/engines.def | sed 's/.*(//')
    defined=$(grep -rhoE --include='*.c' '^const [a-z_]+ urn__engine_[a-z_0-9]+' inference | sed 's/.*urn__engine_//' | sort -u)
    same "inference/engines.def (<) and the urn__engine_ descriptors (>)" "$engines" "$defined"
fi

# Guides and conjugacy rules: a row names FOLDER/<name>.c, which has the descriptor "const TYPE PREFIX<name>".
described() { # WHAT ROW LIST TYPE PREFIX FOLDER
    local rows defined
    rows=$(grep -oE "^$2\([a-z_0-9]+" "$3" | sed 's/.*(//')
    defined=$(grep -rhoE --include='*.c' "^const $4 $5[a-z_0-9]+" "$(dirname "$3")" | sed "s/.*$5//")
    same "$3 (<) and the $5 descriptors (>)" "$rows" "$defined"
    in_own_file "$1" "$rows" "const $4 $5" '\b' "$6"
}
described guide URN_GUIDE inference/guides/guides.def urn__guide_kind urn__guide_ inference/guides
described rule URN_RULE inference/gibbs/rules.def urn__rule urn__rule_ inference/gibbs/rules

# Models: a row names models/<name>.c with URN_MODEL(<name>, ...).
if [ -e models/models.def ]; then
    models=$(grep -oE '^URN_BUILTIN\([a-z_0-9]+' models/models.def | sed 's/.*(//')
    defined=$(grep -lE '^URN_MODEL\(' models/*.c | sed 's|.*/\(.*\)\.c|\1|')
    same "models/models.def (<) and the files of models/ (>)" "$models" "$defined"
    in_own_file model "$models" 'URN_MODEL(' , models
fi

# Every source is built and distributed, and every listed one exists.
sources=$(find runtime inference io bridge models cli examples bench tests -name '*.[ch]' | sort -u)
fragments=$(find runtime inference io bridge models cli examples bench tests docs scripts -name '*.am')
# shellcheck disable=SC2086
in_fragments=$(listed $fragments | sed 's|^%D%/||')
same "sources in the tree (<) and in the module.am fragments (>)" "$sources" "$in_fragments"
same "public headers (<) and Makefile.am (>)" "$(ls include/urn/*.h)" "$(listed Makefile.am | grep '^include/urn/')"

# The recipes name files that are there.
while read -r path; do
    if [ ! -e "$path" ]; then
        echo "lists: CONTRIBUTING.md names $path, which does not exist" >&2
        bad=1
    fi
done < <(grep -oE '`[a-z_]+/[a-z_./]+`' CONTRIBUTING.md | tr -d '`' | sort -u)

[ $bad -eq 0 ] && echo "lists: fine"
exit $bad
