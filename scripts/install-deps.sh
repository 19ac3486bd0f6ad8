#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs what building and testing Wherry needs and this machine lacks.
#
# Each need is probed first (a command, a pkg-config module, a header), so
# tools that came from elsewhere than the package manager count.  With nothing
# missing the script says nothing, and needs neither root nor a network.
# Written for Debian 12; on another system it names what is missing and stops.
# No address of a package mirror stands here: the machine's own apt
# configuration is asked.

set -euo pipefail
. "$(dirname "$0")/apt-mirror.sh"

usage()
{
    cat <<'USAGE'
usage: scripts/install-deps.sh [--build-only] [--interop] [--check]

  --build-only  only what building and running needs: no clang, no sanitizers
  --interop     also QEMU 10.0 or newer, the peer of the interop suite
  --check       install nothing; name what is missing, exit 1 if anything is
USAGE
}

# Needs, one a line: probe, argument, Debian package, what for.
build_needs='
cmd    gcc              gcc                compiler
header stdlib.h         libc6-dev          C library headers
cmd    meson            meson              build system
cmd    ninja            ninja-build        build system
cmd    pkg-config       pkg-config         finds the libraries
cmd    python3          python3            schema generator
pc     glib-2.0>=2.74   libglib2.0-dev     base library
pc     json-c>=0.16     libjson-c-dev      JSON for QMP
pc     libedit>=3       libedit-dev        line editing in the monitor
header sys/sdt.h        systemtap-sdt-dev  USDT probes
cmd    rst2man          python3-docutils   man page
pc     zlib>=1.2        zlib1g-dev         compression zlib
pc     libzstd>=1.4     libzstd-dev        compression zstd
pc     libdeflate>=1.7  libdeflate-dev     compression qpl
pc     gnutls>=3.7      libgnutls28-dev    TLS
pc     liburing>=2.1    liburing-dev       batched file access
x86pc  libaccel-config>=3 libaccel-config-dev lists DSA queues
'
test_needs='
cmd    git              git                     revision in reports
cmd    clang            clang                   second compiler
clangrt tsan            libclang-rt-14-dev      sanitizers of clang
cmd    llvm-symbolizer  llvm                    readable sanitizer reports
cmd    valgrind         valgrind                counts instructions
py     pygal            python3-pygal           charts of measurements
'

build_only=false
interop=false
check_only=false
for arg in "$@"; do
    case "$arg" in
    --build-only) build_only=true ;;
    --interop) interop=true ;;
    --check) check_only=true ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
done

say()
{
    echo "install-deps: $*"
}

die()
{
    say "$*" >&2
    exit 1
}

have_cmd()
{
    command -v "$1" >/dev/null 2>&1
}

have_header()
{
    have_cmd gcc && echo "#include <$1>" | gcc -fsyntax-only -xc - 2>/dev/null
}

have_pc()
{
    have_cmd pkg-config &&
        pkg-config --atleast-version="${1#*>=}" "${1%%>=*}" 2>/dev/null
}

# Only there is such a device, and the package.
have_x86pc()
{
    [ "$(uname -m)" != x86_64 ] || have_pc "$1"
}

# tests/lib/wherrytest/chart.py finds Debian's modules from any python3.
have_py()
{
    python3 -c "import $1" 2>/dev/null ||
        [ -d "/usr/lib/python3/dist-packages/$1" ]
}

# The run-time libraries of clang are a package of their own, and clang links
# without a word of where to look when they are missing.
have_clangrt()
{
    local dir
    have_cmd clang || return 1
    dir=$(clang -print-runtime-dir 2>/dev/null || true)
    [ -n "$(find "$dir" "$(clang -print-resource-dir)" \
            -name "libclang_rt.$1*.a" 2>/dev/null | head -n 1)" ]
}

# QEMU before 10.0 speaks an older dialect (no SWITCHOVER_START).
have_qemu()
{
    local version
    have_cmd qemu-system-x86_64 || return 1
    version=$(qemu-system-x86_64 --version 2>/dev/null |
              sed -n '1s/.*version \([0-9]*\).*/\1/p')
    [ -n "$version" ] && [ "$version" -ge 10 ]
}

missing=()
reasons=()

collect()
{
    local probe arg package what
    while read -r probe arg package what; do
        [ -n "$probe" ] || continue
        if ! "have_$probe" "$arg"; then
            missing+=("$package")
            reasons+=("$package ($what)")
        fi
    done <<<"$1"
}

collect "$build_needs"
$build_only || collect "$test_needs"
want_qemu=false
if $interop && ! have_qemu; then
    want_qemu=true
    reasons+=("qemu-system-x86 10.0 or newer (peer of the interop suite)")
fi

[ ${#reasons[@]} -gt 0 ] || exit 0

list=$(printf ', %s' "${reasons[@]}")
list=${list:2}
if $check_only; then
    die "missing: $list"
fi
have_cmd apt-get || die "missing: $list. This system has no apt-get; please" \
    "install these with its own package manager."
[ "$(id -u)" = 0 ] || die "missing: $list. Installing needs root: run" \
    "'sudo scripts/install-deps.sh'."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

apt()
{
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1 </dev/null
}

apt_or_die()
{
    local what=$1
    shift
    if ! apt "$@"; then
        tail -n 15 "$log" >&2
        die "$what failed (apt-get's last lines are above). Is the package" \
            "mirror reachable from this machine?"
    fi
}

install()
{
    say "installing ${*#-t}"
    apt_or_die "installing $*" install --no-install-recommends "$@"
}

# An update that fails for one source of several is no reason to stop: what
# is needed may well be in the others, and the install says so if it is not.
say "reading package lists"
apt update || true

if [ ${#missing[@]} -gt 0 ]; then
    install "${missing[@]}"
fi

qemu_candidate()
{
    apt-cache policy qemu-system-x86 2>/dev/null |
        sed -n 's/^ *Candidate: \([0-9]*:\)\?\([0-9]*\).*/\2/p'
}

add_backports()
{
    local release=$1 mirror file
    [ -z "$(mirror_of "$release-backports")" ] || return 0
    mirror=$(mirror_of "$release")
    [ -n "$mirror" ] || die "apt's configuration names no mirror for" \
        "'$release main'; QEMU 10.0 is in $release-backports of such a mirror."
    file=/etc/apt/sources.list.d/wherry-backports.list
    say "adding $release-backports of this machine's mirror: $file"
    source_line deb "$mirror" "$release-backports" >"$file"
    apt_or_die "reading the package list of $release-backports" update
}

if $want_qemu; then
    candidate=$(qemu_candidate)
    if [ -n "$candidate" ] && [ "$candidate" -ge 10 ]; then
        install qemu-system-x86
    else
        release=$(host_release)
        [ -n "$release" ] || die "/etc/os-release names no VERSION_CODENAME;" \
            "please install QEMU 10.0 or newer by hand."
        add_backports "$release"
        install -t "$release-backports" qemu-system-x86
    fi
    have_qemu || die "the qemu-system-x86 of this mirror is older than 10.0."
fi
