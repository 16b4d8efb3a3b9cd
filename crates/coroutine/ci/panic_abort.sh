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

# Has the program fail if it was not built to abort.
export CORIO_COROUTINE_MUST_ABORT=1

for profile in ${*:-dev release}; do
    cargo test -p corio-coroutine --test panic_abort --profile "$profile" --target-dir "$target/abort"
done
