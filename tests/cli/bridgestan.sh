#!/bin/bash
# Models for the samplers of others: urn build --bridgestan, and who can run what it makes.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
examples=$URN_SRCDIR/examples/posteriordb
name=eight_schools_noncentered

# ---- what is built ----
run 0 build --bridgestan "$examples/$name.c"
in_out "${name}_model.so: model $name"
check test -s ${name}_model.so
run 0 fit ./${name}_model.so --data "$examples/data/$name.json" $quick # it is a model like others
run 2 build --set dim=3 "$examples/$name.c"
in_err "--set is for --bridgestan"
URN_LIB=$work/nowhere run 4 build --bridgestan "$examples/$name.c" -o other.so
in_err "liburn.so is not found"
in_err "set URN_LIB"
absent other.so
echo 'int x = 1' >broken.c
run 4 build --bridgestan broken.c
in_err "broken.c does not compile; the command was: "
in_err "-include urn/bridgestan.h"

# ---- BridgeStan's client and nutpie ----
python=${URN_PYTHON:-python3}
reference=$URN_SHARED/posteriordb/eight_schools-$name/reference.json
[ -f "$reference" ] || reference=
if [ -n "${ASAN_OPTIONS:-}${TSAN_OPTIONS:-}" ] || ldd "$work/${name}_model.so" | grep -q 'lib[at]san'; then
    echo "SKIP: a library with a sanitizer cannot be loaded into Python" >&2
elif "$python" -W ignore -c 'import bridgestan' 2>/dev/null; then
    checks=$((checks + 1))
    "$python" "$here/../bridge/check_bridge.py" ./${name}_model.so "$examples/data/$name.json" $reference >read 2>&1 ||
        fail "check_bridge.py: $(tail -n 5 read)"
    cat read >&2
else
    echo "SKIP: $python has no bridgestan (URN_PYTHON names another)" >&2
fi
finish
