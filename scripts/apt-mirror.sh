# SPDX-License-Identifier: GPL-2.0-or-later
#
# For scripts that need another suite than the host's own: where its mirror is.
# To be sourced; needs apt.

# The host's release, such as "bookworm"; empty where it says none.
host_release()
{
    . /etc/os-release && echo "${VERSION_CODENAME:-}"
}

# The mirror that serves a release's main component, as apt itself has
# understood its configuration, whichever of its file formats that is in.
mirror_of()
{
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
        'Created-By: Packages' 2>/dev/null |
        awk -v r="$1" '$1 == r && $2 == "main" { print $3; exit }'
}

# source_line deb|deb-src MIRROR SUITE: a line for a sources.list.
source_line()
{
    local key=/usr/share/keyrings/debian-archive-keyring.gpg signed=

    [ ! -r "$key" ] || signed="[signed-by=$key] "
    echo "$1 $signed$2 $3 main"
}
