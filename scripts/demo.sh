#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows a migration: installs what is missing, builds in build-demo/, moves the
# memory of a guest from one wherry process to another and on to a stock QEMU
# if there is one, and checks every byte.  Then a running guest moves and goes on.
# The exit status is 0 only when all memory has arrived.  Arguments are those of scripts/demo.py; see --help.

set -euo pipefail
cd "$(dirname "$0")/.."

build=build-demo
log=$build/demo-build.log

run_logged()
{
    if ! "$@" >>"$log" 2>&1; then
        echo "demo: $1 failed; the end of $log:" >&2
        tail -n 20 "$log" >&2
        exit 1
    fi
}

for arg in "$@"; do
    case "$arg" in
    -h|--help) exec python3 scripts/demo.py --help ;;
    esac
done

scripts/install-deps.sh --build-only
mkdir -p "$build"
: >"$log"
echo "Building in $build ..."
if [ ! -f "$build/build.ninja" ]; then
    run_logged meson setup "$build" -Dbuildtype=release
fi
targets=system/wherry
program=tests/guest/pattern.bin
if ninja -C "$build" -t query "$program" >/dev/null 2>&1; then
    targets="$targets $program"
fi
run_logged ninja -C "$build" $targets
python3 scripts/demo.py --wherry "$build/system/wherry" "$@"
echo
exec python3 scripts/demo-guest.py --wherry "$build/system/wherry" \
    --program "$build/$program"
