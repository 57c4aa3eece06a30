#!/bin/bash
# Compiled models are kept: the same source, compiler, flags and headers are compiled once.
. "${URN_SRCDIR:?}/tests/cli/lib.sh"
printf 'user,item,rating\n1,2,3\n2,2,4.5\n1,3,5\n2,3,1\n3,2,2\n' >data.csv
cp "$here"/models/good.c .

# A compiler that notes what it is asked for.
real=${CC:-cc}
mkdir bin
cat >bin/watched <<C
#!/bin/bash
printf '%s\n' "\$*" >>$work/calls
exec $real "\$@"
C
chmod +x bin/watched
export CC=$work/bin/watched
compiled() { grep -c -- '-shared -o' calls; } # how often an object was made
fit() {
    # shellcheck disable=SC2086
    run 0 fit ./good.c --data data.csv $quick "$@"
}
fit
check test "$(compiled)" = 1
fit
check test "$(compiled)" = 1
touch good.c
fit
check test "$(compiled)" = 1
check test "$(ls cache/urn | wc -l)" = 1
# urn build always compiles, and leaves the cache alone
run 0 build good.c
check test "$(compiled)" = 2
check test "$(ls cache/urn | wc -l)" = 1
# another header, another command, another source: another object
cp -r "$URN_SRCDIR/include" headers
URN_INCLUDE=$work/headers fit
check test "$(compiled)" = 3
sed -i 's/^typedef struct urn_var /struct nothing;\n&/' headers/urn/model.h
check grep -q 'struct nothing' headers/urn/model.h
URN_INCLUDE=$work/headers fit
check test "$(compiled)" = 4
CC="$work/bin/watched -DEXTRA" fit
check test "$(compiled)" = 5
sed -i 's/10\.0/11.0/' good.c
fit
check test "$(compiled)" = 6
fit
check test "$(compiled)" = 6

# Several at once: all work, and one whole object is there.
rm -r cache
for i in 1 2 3 4 5 6; do
    # shellcheck disable=SC2086
    { "$urn" fit ./good.c --data data.csv $quick --out at-once$i >/dev/null 2>&1; echo $? >code$i; } &
done
wait
for i in 1 2 3 4 5 6; do
    check test "$(cat code$i)" = 0
    check cmp at-once1/log.csv at-once$i/log.csv
done
check test "$(ls cache/urn)" = "$(ls cache/urn | grep -E '^[0-9a-f]{32}\.so$')"
check test "$(ls cache/urn | wc -l)" = 1

# No cache: compiled each time, in TMPDIR, and nothing is left there.
mkdir empty
echo "no directory" >file
before=$(compiled)
TMPDIR=$work/empty XDG_CACHE_HOME=$work/file fit
TMPDIR=$work/empty HOME='' XDG_CACHE_HOME='' fit
TMPDIR=$work/empty HOME=$work/file XDG_CACHE_HOME='' fit
check test "$(compiled)" = $((before + 3))
check test -z "$(ls empty)"
grep -- '-shared -o' calls | tail -n 3 >last
check test "$(grep -c -- "-o $work/empty/urn-model-" last)" = 3
# a directory that others may write to is not trusted
mkdir -p loose/urn
chmod 0777 loose/urn
TMPDIR=$work/empty XDG_CACHE_HOME=$work/loose fit
check test "$(compiled)" = $((before + 4))
check test -z "$(ls loose/urn)"
TMPDIR=$work/nowhere XDG_CACHE_HOME=$work/loose run 6 fit ./good.c --data data.csv
in_err "no temporary file can be made in $work/nowhere: "
in_err "set TMPDIR to a directory you may write to"
finish
