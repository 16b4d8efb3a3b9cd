#!/bin/sh
# Runs the tests of corio-coroutine under valgrind (memcheck) and under AddressSanitizer (nightly).
#
#     crates/coroutine/ci/sanitize.sh            both
#     crates/coroutine/ci/sanitize.sh valgrind   one of them
#     crates/coroutine/ci/sanitize.sh asan
#
# A tool that is missing is a failure, not a silent success: status 2, where other failures have 1. Tests that are about
# the process's death or its limits are left out: they run again as children, which the tools would have to follow, and
# they end by a signal on purpose.

set -eu

which=${1:-both}
root=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
export CORIO_SCRIPTS="${CORIO_SCRIPTS:-300}"
export RUST_BACKTRACE=0

# Tests of overflows, of limits, and of what is resident, which the tools change.
skip='--skip overflow:: --skip out_of_ --skip ends_the_process --skip high_water --skip trim_gives --skip gradually'
skip="$skip --skip kept_resident --skip locked_memory"

missing() {
    echo "sanitize: $1 is missing: $2" >&2
    exit 2
}

# Runs "$@", shows its last lines, and fails unless at least 50 tests passed.
run() {
    name=$1
    shift
    log=$(mktemp)
    status=0
    "$@" >"$log" 2>&1 || status=$?
    tail -n 25 "$log"
    passed=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$log" | sort -n | tail -n 1)
    rm -f "$log"
    if [ "$status" -ne 0 ] || [ "${passed:-0}" -lt 50 ]; then
        echo "sanitize: $name failed (status $status, ${passed:-0} tests passed)" >&2
        exit 1
    fi
    echo "sanitize: $name is clean, $passed tests"
}

valgrind_() {
    command -v valgrind >/dev/null || missing valgrind "install it, for example: apt-get install valgrind"
    program=$(cargo test -p corio-coroutine --features proptest --test it --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\/it-[^"]*\)".*/\1/p' | tail -n 1)
    if [ -z "$program" ]; then
        echo "sanitize: cargo built no test program" >&2
        exit 1
    fi
    # shellcheck disable=SC2086
    run valgrind valgrind --error-exitcode=9 --leak-check=no --max-stackframe=300000 \
        "$program" --test-threads=1 $skip
}

asan() {
    RUSTUP_AUTO_INSTALL=0 cargo +nightly --version >/dev/null 2>&1 || missing "the nightly toolchain" "rustup toolchain install nightly"
    host=$(rustc -vV | sed -n 's/^host: //p')
    # Locals that may be used after return are not on the stack then, so the test of ranges is left out.
    # shellcheck disable=SC2086
    RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=0 \
        run AddressSanitizer cargo +nightly test -p corio-coroutine --features proptest,corosensei/sanitizer \
        --test it --target "$host" --target-dir "$target/asan" -- $skip --skip ranges_hold
}

case $which in
both)
    valgrind_
    asan
    ;;
valgrind) valgrind_ ;;
asan) asan ;;
*)
    echo "sanitize: unknown tool $which: valgrind, asan or nothing" >&2
    exit 1
    ;;
esac
