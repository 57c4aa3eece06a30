#!/bin/bash
# Installs what building, running and testing Urn needs on Debian 12. As root, or through sudo.
# Packages that are there already are left alone; with nothing missing it needs neither root nor network.
set -euo pipefail

packages=(
    autoconf automake libtool pkg-config make gcc libc6-dev binutils
    libgsl-dev libopenblas-dev liblapacke-dev libjansson-dev libnetcdf-dev liblbfgs-dev
)
test_packages=(
    libcmocka-dev netcdf-bin clang clang-format clang-tidy libclang-rt-14-dev libomp-dev valgrind
    mandoc python3 xz-utils
)
case ${1:-run} in
run) ;;
test) packages+=("${test_packages[@]}") ;;
list) printf '%s\n' "${packages[@]}" "${test_packages[@]}"; exit 0 ;;
*) echo "usage: $0 [run|test|list]" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "setup: no apt-get here; please install the equivalents of: ${packages[*]}" >&2
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    echo "setup: everything is installed" >&2
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root or install sudo" >&2; exit 1; }
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
