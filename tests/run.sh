#!/bin/sh
# Builds libfp4 with warnings as errors and runs its tests; installs what is missing first (Debian, with apt-get).
# The last line is "N passed, N failed, N skipped"; the exit status is 0 if none failed.
set -u

usage() {
    cat << 'END'
Usage: sh tests/run.sh [--sanitize] [--no-install] [MESON TEST ARGUMENTS]

  --sanitize    build with AddressSanitizer and UndefinedBehaviorSanitizer in build-sanitize, run the unit tests
  --no-install  install nothing

Everything else goes to 'meson test', for example: sh tests/run.sh --suite unit
END
}

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
sanitize=no
install=yes
while [ $# -gt 0 ]; do
    case $1 in
    --sanitize) sanitize=yes ;;
    --no-install) install=no ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) break ;;
    esac
    shift
done

stop() {
    echo "run.sh: $1" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

if [ $install = yes ]; then
    sh "$root/apps/debian_packages.sh" meson ninja-build g++ pkg-config doctest-dev libzstd-dev libpcre2-dev \
        libutf8proc-dev libxxhash-dev libeigen3-dev nlohmann-json3-dev libcli11-dev libedit-dev luajit \
        libluajit-5.1-dev lua-busted lua-check libsdl2-dev love xvfb mono-mcs mono-runtime python3 python3-venv ||
        stop "packages are missing"
fi

# Options are set at every run, so that a build folder made otherwise tests the same thing. Meson uses ccache by
# itself where it is installed.
set_up() {
    if [ -f "$build/build.ninja" ]; then
        meson configure "$build" "$@"
    else
        meson setup "$build" "$root" "$@"
    fi
}

# One test reads a .fp4 file with the Python package safetensors. Where Python lacks it, a virtual environment of the
# build folder gets it; without a network that test says "skipped" and why.
provide_safetensors() {
    python3 -c 'import numpy, safetensors' 2> /dev/null && return
    python=$build/python
    if ! "$python/bin/python3" -c 'import numpy, safetensors' 2> /dev/null; then
        echo "Installing the Python packages safetensors and numpy in $python"
        # shellcheck disable=SC2015 # either step may fail
        python3 -m venv "$python" && timeout 300 "$python/bin/python3" -m pip install --quiet --disable-pip-version-check \
            --retries 1 --timeout 20 'safetensors>=0.6' numpy || {
            echo "run.sh: they could not be installed; the test io-python will be skipped" >&2
            return
        }
    fi
    PATH=$python/bin:$PATH
}
cd "$root" || stop "cannot enter $root"
if [ $sanitize = yes ]; then
    build=$root/build-sanitize
    # The sanitizers' own calls are resolved when a program starts: no check for undefined symbols in libraries.
    # Little optimization and line numbers only: that halves the time of the build. GCC's manual warns of false
    # -Wmaybe-uninitialized under sanitizers; the other build has that warning on.
    set_up -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Ddebug=false \
        -Dcpp_args='-g1 -Wno-maybe-uninitialized' || stop "the build could not be configured"
    [ $install = no ] || provide_safetensors
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1}"
    meson test -C "$build" --print-errorlogs --timeout-multiplier 5 --suite unit "$@"
else
    set_up -Dwerror=true || stop "the build could not be configured"
    ninja -C "$build" || stop "the build failed"
    [ $install = no ] || provide_safetensors
    meson test -C "$build" --print-errorlogs "$@"
fi
tests_status=$?

log=$build/meson-logs/testlog.json
[ -f "$log" ] || stop "no test ran"
python3 - "$log" $tests_status << 'END'
import json, sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding="utf-8"):
    result = json.loads(line)["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        passed += 1
    elif result == "SKIP":
        skipped += 1
    else:
        failed += 1
if failed == 0 and sys.argv[2] != "0":  # for example the build that 'meson test' starts failed
    failed = 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed or passed == 0 else 0)
END
