#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Turns Debian's source package `qemu` into a QEMU with dsa-accel: fetches it,
# applies scripts/qemu-patchset.py, builds qemu-system-x86_64 with a small
# configuration, and has tests/qemu/check.py check it.
# docs/devel/qemu-patchset.rst has more.
#
# The machine's own apt configuration is asked for a mirror and left as it is:
# the one source entry that is needed lies below the build directory.

set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/apt-mirror.sh"

usage()
{
    cat <<'USAGE'
usage: scripts/qemu-build.sh [--dir DIR] [--version 10.0|10.2] [--jobs N]
                             [--stock] [--evidence] [--source-only]
                             [--no-tests] [--install-deps] [--help]

  --dir DIR        where everything goes; default: build-qemu
  --version V      which source package: 10.0 (default) or 10.2
  --jobs N         compile so many files at once; default: all processors
  --stock          also build the same without the changes, to compare with
  --evidence       all checks and benchmarks, up to an hour; builds the
                   stock one, all of QEMU's unit tests, and wherry for it
  --source-only    fetch and change the source, and stop there
  --no-tests       build, and run nothing
  --install-deps   install Debian packages that are missing (as root)

The result is DIR/patched/qemu-system-x86_64.  What is in DIR already is used
again; to begin anew, remove it.
USAGE
}

dir=$root/build-qemu
version=10.0
jobs=$(nproc)
stock=false
source_only=false
steps=(ours migration-test)
evidence=false
install_deps=false
while [ $# -gt 0 ]; do
    case "$1" in
    --dir) dir=$(realpath -m "$2"); shift ;;
    --version) version=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    --stock) stock=true ;;
    --source-only) source_only=true ;;
    --evidence) evidence=true; stock=true ;;
    --no-tests) steps=() ;;
    --install-deps) install_deps=true ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

# Which Debian release has it.  sid's index keeps a version for as long as
# another package was built from it, so 10.2 is asked for by its full name.
case "$version" in
10.0) release=trixie; package=qemu ;;
10.2) release=sid; package=qemu=1:10.2.2+ds-1 ;;
*) usage >&2; exit 2 ;;
esac

say()
{
    echo "qemu-build: $*"
}

die()
{
    say "$*" >&2
    exit 1
}

# --- What is needed -------------------------------------------------------

needs='
dpkg-source  dpkg-dev
gcc          gcc
make         make
ninja        ninja-build
perl         perl
pkg-config   pkg-config
python3      python3
'

check_needs()
{
    local missing=() command name
    command -v apt-get >/dev/null || die "this system has no apt-get, and" \
        "the source comes from a Debian mirror; scripts/qemu-patchset.py" \
        "changes any tree of QEMU 10.0 or 10.2."
    while read -r command name; do
        [ -z "$command" ] || command -v "$command" >/dev/null 2>&1 ||
            missing+=("$name")
    done <<<"$1"
    [ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
    pkg-config --exists 'glib-2.0 >= 2.66' 2>/dev/null ||
        missing+=(libglib2.0-dev)
    pkg-config --exists zlib 2>/dev/null || missing+=(zlib1g-dev)
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        missing+=(python3-venv)
    [ -e /usr/share/seabios/bios-256k.bin ] || missing+=(seabios)
    [ -e /usr/share/qemu/multiboot_dma.bin ] || missing+=(qemu-system-data)
    [ -e /usr/lib/ipxe/qemu/efi-e1000e.rom ] || missing+=(ipxe-qemu)
    [ ${#missing[@]} -gt 0 ] || return 0
    $install_deps || die "missing: ${missing[*]}. Install these, or run this" \
        "script with --install-deps as root."
    say "installing ${missing[*]} (log: $dir/install.log)"
    {
        apt-get -qq update || true
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y install \
            --no-install-recommends "${missing[@]}"
    } >"$dir/install.log" 2>&1 </dev/null ||
        die "installing ${missing[*]} failed, see $dir/install.log"
}

# --- The source package ---------------------------------------------------

# apt with its lists, caches and sources below $dir/apt.
own_apt()
{
    local command=$1
    shift
    "$command" \
        -o Dir::Etc::sourcelist="$dir/apt/sources.list" \
        -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$dir/apt/lists" \
        -o Dir::Cache="$dir/apt/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 \
        -o APT::Sandbox::User=root "$@"
}

fetch()
{
    local here mirror
    here=$(host_release)
    mirror=$(mirror_of "$here")
    [ -n "$mirror" ] || die "apt's configuration names no mirror for" \
        "'$here main'; QEMU $version is in $release of such a mirror."
    mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    {
        source_line deb-src "$mirror" "$release"
        source_line deb "$mirror" "$here-backports"
    } >"$dir/apt/sources.list"
    say "reading the package lists of $release and $here-backports"
    own_apt apt-get -qq update || die "the mirror of this machine's apt" \
        "configuration does not serve $release"
    say "fetching the source package $package from $release"
    (cd "$dir/apt" && own_apt apt-get -qq --download-only source "$package") ||
        die "the mirror does not have $package"
    # Under its name it is whole.
    rm -rf "$dir/source.new"
    dpkg-source --no-check --no-copy \
        -x "$dir"/apt/qemu_"$version".*.dsc "$dir/source.new" \
        >"$dir/unpack.log" 2>&1 || die "unpacking failed, see $dir/unpack.log"
    mv "$dir/source.new" "$dir/source"
    say "QEMU $(cat "$dir/source/VERSION") lies in $dir/source"
}

# --- meson: Debian 12's is too old, and the package brings none ------------

have_meson()
{
    "$1" -c 'import sys
from mesonbuild import coredata
sys.exit(tuple(int(n) for n in coredata.version.split(".")[:2]) < (1, 5))' \
        2>/dev/null
}

# A virtual environment whose python has a meson that is new enough.
make_python()
{
    local site
    python=$dir/python/bin/python3
    if have_meson python3; then
        python=$(command -v python3)
        return
    fi
    if [ -x "$python" ] && have_meson "$python"; then
        return
    fi
    say "fetching meson from the backports of this release"
    python3 -m venv "$dir/python"
    (cd "$dir/apt" && rm -f meson_*.deb && own_apt apt-get -qq download meson)
    rm -rf "$dir/apt/meson"
    dpkg-deb -x "$dir"/apt/meson_*.deb "$dir/apt/meson"
    site=$("$python" -c 'import site; print(site.getsitepackages()[0])')
    cp -r "$dir"/apt/meson/usr/lib/python3/dist-packages/meson* "$site/"
    have_meson "$python" || die "the meson of this release's backports is" \
        "older than 1.5"
}

# --- Building -------------------------------------------------------------

# Both trees are built alike: what is measured differs by the changes only.
# Without default features no vector instructions are used either, so those
# have to be named; 10.2 has no option for them and always uses them.
configure_options=(
    --target-list=x86_64-softmmu
    --without-default-features
    --enable-tcg --enable-kvm
    --disable-docs --disable-download --disable-install-blobs
    --disable-relocatable
    --firmwarepath=/usr/share/qemu:/usr/share/seabios:/usr/lib/ipxe/qemu
)
[ "$version" != 10.0 ] || configure_options+=(--enable-avx2 --enable-avx512bw)

# build NAME SOURCE OPTION
build()
{
    local name=$1 source=$2 option=$3
    mkdir -p "$dir/$name"
    if [ ! -e "$dir/$name/build.ninja" ]; then
        say "configuring $name (log: $dir/$name.configure.log)"
        (cd "$dir/$name" && "$source/configure" --python="$python" \
            --with-pkgversion="$name" $option \
            "${configure_options[@]}") >"$dir/$name.configure.log" 2>&1 ||
            die "configuring failed, see $dir/$name.configure.log"
        # A QEMU in its build directory looks for firmware nowhere else, and
        # the source package has none.
        mkdir -p "$dir/$name"/qemu-bundle/usr/{lib,share}
        ln -sfn /usr/share/qemu /usr/share/seabios \
            "$dir/$name/qemu-bundle/usr/share/"
        ln -sfn /usr/lib/ipxe "$dir/$name/qemu-bundle/usr/lib/"
    fi
    say "building $name (log: $dir/$name.build.log)"
    ninja -C "$dir/$name" -j "$jobs" qemu-system-x86_64 \
        >"$dir/$name.build.log" 2>&1 ||
        die "building failed, see $dir/$name.build.log"
    "$dir/$name/qemu-system-x86_64" --version | head -n 1
}

# What the benchmarks and peers need of our own program.
build_wherry()
{
    say "building wherry (log: $dir/wherry.build.log)"
    ! $install_deps || "$root/scripts/install-deps.sh"
    {
        [ -e "$dir/wherry/build.ninja" ] ||
            meson setup --buildtype=release "$dir/wherry" "$root"
        ninja -C "$dir/wherry" -j "$jobs" system/wherry
    } >"$dir/wherry.build.log" 2>&1 ||
        die "building wherry failed, see $dir/wherry.build.log"
}

# --- The changes ----------------------------------------------------------

# A tree with the changes as they are now.  One with others, be it ours from
# before or somebody's, is built anew, from the package's.
change_source()
{
    local status=0
    if [ -e "$dir/source-patched/VERSION" ]; then
        "$root/scripts/qemu-patchset.py" --check "$dir/source-patched" \
            >/dev/null 2>&1 || status=$?
        [ $status -ne 0 ] || return 0
        say "$dir/source-patched has other changes than these; begins anew"
        rm -rf "$dir/source-patched" "$dir/patched"
    fi
    say "applying the changes (list: $dir/patchset.log)"
    cp -a "$dir/source" "$dir/source-patched"
    "$root/scripts/qemu-patchset.py" "$dir/source-patched" \
        >"$dir/patchset.log" || die "the changes do not apply"
}

mkdir -p "$dir"
check_needs "$needs"
[ -e "$dir/source" ] || fetch
case "$(cat "$dir/source/VERSION")" in
"$version".*) ;;
*) die "$dir has QEMU $(cat "$dir/source/VERSION"); give another --dir" ;;
esac
change_source
if $source_only; then
    say "done: $dir/source-patched"
    exit 0
fi
make_python
build patched "$dir/source-patched" --enable-enqcmd
! $stock || build stock "$dir/source" ""
if $evidence; then
    build_wherry
    steps=(series ours unit migration-test peers bench)
fi
[ ${#steps[@]} -eq 0 ] || "$root/tests/qemu/check.py" "$dir" "${steps[@]}"
say "done: $dir/patched/qemu-system-x86_64"
