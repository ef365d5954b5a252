# SPDX-License-Identifier: EUPL-1.2
# What every script here shares: where the project is, how to speak, how to fail. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
me=$(basename "$0")
cd "$root"

say() { printf '%s: %s\n' "$me" "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

# usage: prints the comment at the top of the calling script, without its marks.
usage() { sed -n '3,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# value_of OPTION ARGUMENTS-LEFT VALUE: the value, or an error that names the option.
value_of() {
    [ "$2" -ge 2 ] || die "$1 needs a value"
    printf '%s' "$3"
}

# as_root COMMAND...: directly for root, through sudo for everyone else.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this step needs root and there is no sudo: run as root once: $*"
    fi
}
