#!/bin/sh
# Installs Debian packages that are missing: sh apps/debian_packages.sh PACKAGE...
# Says what it installs. Without apt-get it does nothing: the build then names what it misses.
set -eu

command -v apt-get > /dev/null 2>&1 || exit 0
missing=
for package in "$@"; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2> /dev/null || true)
    case $status in
    *' installed') ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null 2>&1; then
        echo "These packages are missing; install them as root and run this again:" >&2
        echo "  apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# The package lists may be absent (fresh container) or old; then a second try with new ones.
# shellcheck disable=SC2086 # a list of words
if ! $as_root apt-get install -y --no-install-recommends $missing > /dev/null 2>&1; then
    $as_root apt-get update > /dev/null || echo "apt-get update failed: is there a network?" >&2
    $as_root apt-get install -y --no-install-recommends $missing > /dev/null || {
        echo "Could not install$missing; see the messages above." >&2
        exit 1
    }
fi
