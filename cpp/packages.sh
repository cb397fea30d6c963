#!/bin/sh
# Debian's packages that cpp/ needs: installed if this is root and apt-get is there, else named.
set -eu

packages="g++ cmake make pkg-config libopencv-dev libavformat-dev libavcodec-dev libavutil-dev libswscale-dev
nlohmann-json3-dev doctest-dev"

if ! command -v dpkg-query >/dev/null; then
    exit 0 # not Debian or its kin: CMake says what it misses
fi
missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
        *" installed") ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "error: the C++ player cannot be built: packages are missing" >&2
    echo "  why:$missing" >&2
    echo "  fix: sudo apt-get install$missing" >&2
    exit 2
fi
echo "installing$missing"
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -q -y --no-install-recommends $missing; } </dev/null >"$log" 2>&1; then
    echo "error: the C++ player cannot be built: apt-get could not install$missing" >&2
    echo "  why: $(grep -E '^(E|Err|W):?' "$log" | tail -n 3 | tr '\n' ' ')" >&2
    echo "  fix: make the package source reachable, or install them by hand; the whole log is $log" >&2
    exit 2
fi
rm -f "$log"
