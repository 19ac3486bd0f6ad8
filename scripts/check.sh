#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The one gate: installs what is missing, builds every variant ("leg") and runs
# its tests.  Prints one line per leg and ends with the sum over all of them:
#
#     N passed, N failed, N skipped
#
# The exit status is 0 only when nothing failed.  With CI=true a skipped interop
# test is a failure.  Builds are kept in build-check/ for the next run.

set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

all_legs='safety minimal release tsan asan'
usage()
{
    cat <<'USAGE'
usage: scripts/check.sh [--quick] [--leg NAME]... [--help]

  --quick     only the release leg, without interop: what to run before a commit
  --leg NAME  only this leg; may be given several times

  safety      clang -Wthread-safety, all warnings are errors; build only
  minimal     no optional dependency, no pause points: unit, a short qtest
  release     gcc, all warnings are errors: every suite, and meson install
  tsan        clang, ThreadSanitizer: unit, most of qtest
  asan        gcc, AddressSanitizer and UBSan: unit, fuzz, qtest
USAGE
}

legs=''
quick=false
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) quick=true; legs=release ;;
    --leg)
        shift
        case " $all_legs " in
        *" ${1:-} "*) legs="$legs $1" ;;
        *) echo "check: no leg '${1:-}'; there are: $all_legs" >&2; exit 2 ;;
        esac ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done
legs=${legs:-$all_legs}

jobs=$(nproc)
top=build-check
passed=0
failed=0
skipped=0
no_skip=''
if [ "${CI:-}" = true ] && ! $quick; then
    no_skip='--no-skip interop'
    export WHERRY_REQUIRE_INTEROP=1
fi

# A sanitizer's finding has to fail the test, whatever the program exits with.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:exitcode=66

finish()
{
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
    exit
}

install_needs()
{
    local options=''
    $quick && options=--build-only
    if ! scripts/install-deps.sh $options; then
        failed=1
        finish
    fi
    $quick && return
    case " $legs " in *' release '*) ;; *) return ;; esac
    if ! scripts/install-deps.sh --interop && [ -n "$no_skip" ]; then
        failed=1
        finish
    fi
}

# configure_and_build LEG OPTION...: in build-check/LEG, log beside it.
configure_and_build()
{
    local leg=$1 dir=$top/$1 log=$top/$1.log
    shift
    mkdir -p "$top"
    if [ -f "$dir/build.ninja" ]; then
        meson setup --reconfigure "$dir" "$@" >"$log" 2>&1 || rm -rf "$dir"
    fi
    if [ ! -f "$dir/build.ninja" ]; then
        rm -rf "$dir"
        meson setup "$dir" "$@" >"$log" 2>&1 || return 1
    fi
    ninja -C "$dir" -j "$jobs" >>"$log" 2>&1
}

# run_tests LEG LOGNAME ARGUMENT...: `meson test`; its log is counted later.
run_tests()
{
    local leg=$1 name=$2
    shift 2
    $test_prefix meson test -C "$top/$leg" --no-rebuild --logbase "$name" \
        --num-processes "$jobs" "$@" >>"$top/$leg.log" 2>&1
    logs+=("$top/$leg/meson-logs/$name.json")
}

# names LEG SUITE PATTERN: the tests of a suite whose name matches.
names()
{
    meson test -C "$top/$1" --no-rebuild --suite "$2" --list 2>/dev/null |
        sed -n 's/^.* \/ //p' | grep -E "$3"
}

# Some kernels spread addresses so widely that ThreadSanitizer refuses to
# start; without randomisation it does.
tsan_prefix()
{
    local probe
    probe=$(mktemp)
    echo 'int main(void) { return 0; }' |
        clang -fsanitize=thread -xc - -o "$probe" 2>/dev/null
    if ! "$probe" >/dev/null 2>&1 && setarch -R "$probe" >/dev/null 2>&1; then
        echo 'setarch -R'
    fi
    rm -f "$probe"
}

leg_safety()
{
    export CC=clang
    configure_and_build safety -Dwerror=true -Dc_args=-Wthread-safety
}

leg_minimal()
{
    configure_and_build minimal -Dauto_features=disabled \
        -Dpause_points=false || return 1
    run_tests minimal unit --suite unit
    local short
    short=$(names minimal qtest 'hmp|qmp|precopy|dsa')
    [ -z "$short" ] || run_tests minimal qtest --suite qtest $short
}

leg_release()
{
    configure_and_build release -Dbuildtype=release -Dwerror=true || return 1
    run_tests release style --suite style
    run_tests release quick --suite unit --suite qapi-schema --suite fuzz
    run_tests release qtest --suite qtest
    $quick || run_tests release interop --suite interop
    local root
    root=$(mktemp -d)
    DESTDIR=$root meson install -C $top/release --no-rebuild \
        >>$top/release.log 2>&1 &&
        "$root/usr/local/bin/wherry" --version >>$top/release.log 2>&1
    leg_install=$?
    rm -rf "$root"
}

leg_tsan()
{
    export CC=clang
    configure_and_build tsan -Dbuildtype=debug -Doptimization=1 \
        -Db_sanitize=thread -Db_lundef=false || return 1
    test_prefix=$(tsan_prefix)
    # GLib's own allocator hands memory from thread to thread out of its sight.
    export G_SLICE=always-malloc
    run_tests tsan unit --suite unit --timeout-multiplier 4
    local multifd
    multifd=$(names tsan qtest 'multifd|hostile|precopy|dsa|stress|converge|kill')
    [ -z "$multifd" ] || run_tests tsan qtest --suite qtest \
        --timeout-multiplier 4 $multifd
}

leg_asan()
{
    configure_and_build asan -Dbuildtype=debug -Doptimization=1 \
        -Db_sanitize=address,undefined || return 1
    run_tests asan quick --suite unit --suite fuzz --timeout-multiplier 4
    run_tests asan qtest --suite qtest --timeout-multiplier 4
}

# Runs one leg in this shell's place, so that its exports stay its own, and
# leaves the three counts on the last line of its report.
run_leg()
{
    local leg=$1
    logs=()
    test_prefix=''
    leg_install=''
    if ! leg_"$leg"; then
        echo "---- the $leg leg does not build; the end of $top/$leg.log:"
        tail -n 30 "$top/$leg.log"
        echo "0 1 0"
        return
    fi
    # A leg that only builds counts as one case.
    local counts='1 0 0'
    if [ ${#logs[@]} -gt 0 ]; then
        scripts/testlog.py $no_skip "${logs[@]}" >"$top/$leg.report" 2>&1 ||
            echo "0 1 0" >>"$top/$leg.report"
        sed '$d' "$top/$leg.report"
        counts=$(tail -n 1 "$top/$leg.report")
    fi
    local p f s
    read -r p f s <<<"$counts"
    if [ "$leg_install" = 0 ]; then
        p=$((p + 1))
    elif [ -n "$leg_install" ]; then
        echo "---- meson install: failed; the end of $top/$leg.log:"
        tail -n 10 "$top/$leg.log"
        f=$((f + 1))
    fi
    echo "$p $f $s"
}

install_needs
for leg in $legs; do
    begin=$SECONDS
    output=$(run_leg "$leg")
    read -r p f s <<<"$(tail -n 1 <<<"$output")"
    sed '$d' <<<"$output"
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    verdict=ok
    [ "$f" = 0 ] || verdict=FAILED
    printf '%-8s %-6s %4d s  %d passed, %d failed, %d skipped\n' \
        "$leg" "$verdict" $((SECONDS - begin)) "$p" "$f" "$s"
done
finish
