# For checks that need an environment of their own: `environment NAME LOCK [synth]` makes .venv-NAME of a lock of names, versions and
# hashes, with synth itself if said, and sets BIN. Where that cannot be had, `skip` says so in one line and the check passes.

skip() {
    echo "$CHECK: skipped: $1"
    exit 0
}

# These torch builds are for one Python, system and kind of processor.
fitting() {
    PYTHON=$(command -v python3.11) || skip "no python3.11 here, for which alone this torch is built"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || skip "python3.11 is no Python 3.11"
    [ "$(uname -sm)" = "Linux x86_64" ] || skip "this torch for processors is built for Linux on x86_64"
    grep -qw avx2 /proc/cpuinfo || skip "the processor has neither AVX2 nor AVX-512"
}

environment() {
    BIN=.venv-$1/bin
    ready=.venv-$1/.ready
    [ -e "$ready" ] && [ -z "$(find "$2" pyproject.toml -newer "$ready")" ] && return
    # uv, since it takes seconds where pip takes minutes. It does not read pip's settings, so it is told them.
    setting() { "$BIN/pip" config get "global.$1" 2>/dev/null || true; }
    rm -rf ".venv-$1"
    "$PYTHON" -m venv ".venv-$1"
    "$BIN/pip" install --disable-pip-version-check --quiet --require-hashes -r .ci/uv.txt || skip "uv cannot be installed"
    UV_FIND_LINKS=${PIP_FIND_LINKS:-$(setting find-links)} \
    UV_DEFAULT_INDEX=${PIP_INDEX_URL:-$(setting index-url)} \
        "$BIN/uv" pip install --quiet --python "$BIN/python" --index-strategy unsafe-best-match \
        --require-hashes --no-deps -r "$2" || skip "the packages in $2 cannot be installed (above: why)"
    if [ "${3:-}" = synth ]; then
        "$BIN/uv" pip install --quiet --python "$BIN/python" --no-deps --no-build-isolation --offline -e .
    fi
    touch "$ready"
}
