#!/bin/sh
# Runs the test program `panic_abort` built with panic = "abort".
#
#     crates/coroutine/ci/panic_abort.sh          in debug and release
#     crates/coroutine/ci/panic_abort.sh dev      in one profile

set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
export RUSTFLAGS="-C panic=abort"

for profile in ${*:-dev release}; do
    out=$(cargo test -p corio-coroutine --test panic_abort --profile "$profile" --target-dir "$target/abort")
    echo "$out"
    case $out in
    *"built to abort"*"test result: ok"*) ;;
    *)
        echo "panic_abort: the program was not built to abort, or failed" >&2
        exit 1
        ;;
    esac
done
