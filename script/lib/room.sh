# SPDX-License-Identifier: EUPL-1.2
# A minimal Debian inside a folder, where nothing was installed by hand. Sourced after common.sh; needs root and debootstrap.
# The mirrors, the certificates and the name servers are this machine's.
release=bookworm

need_rooms() {
    [ "$(id -u)" -eq 0 ] || die "making a system inside a folder needs root: sudo script/$me"
    command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
}

# debian_sources: "suite uri" of each place this machine takes Debian's own packages from.
debian_sources() {
    apt-get indextargets --format '$(ORIGIN)|$(SUITE)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)' 'Created-By: Packages' |
        awk -F'|' -v release=$release '$1 == "Debian" && $5 == "main" && index($3, release) == 1 {print $3, $4}' | sort -u
}

# make_room ROOM: anew; what debootstrap says is in ROOM.log.
make_room() {
    local mirror
    mirror=$(debian_sources | awk -v release=$release '$1 == release {print $2; exit}')
    [ "$mirror" ] || die "apt knows no mirror of $release here: run apt-get update, or edit its sources"
    say "a minimal $release in $1"
    rm -rf --one-file-system "$1"
    mkdir -p "$1"
    debootstrap --variant=minbase "$release" "$1" "$mirror" >"$1.log" 2>&1 || die "debootstrap failed; see $1.log"
    debian_sources | sed -E 's/^(\S+) (\S+)$/deb \2 \1 main/' >"$1/etc/apt/sources.list"
}

# equip_room ROOM: what a machine of this network has before anybody works on it. Not its packages.
equip_room() {
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
    if compgen -G '/etc/apt/apt.conf.d/*prox*' >/dev/null; then
        cp /etc/apt/apt.conf.d/*prox* "$1/etc/apt/apt.conf.d/"
    fi
    # Its own certificates come with ca-certificates later; those of this machine's operator are put beside them.
    mkdir -p "$1/usr/local/share/ca-certificates"
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/"
    fi
}
