#!/bin/sh
# Runs a crowd of tasks that fail and are cancelled (tests/it/crowd.rs), and the tests of locks and of the budget, under
# valgrind (memcheck): no error, and nothing that was allocated and is out of reach.
#
#     tests/ci/valgrind.sh
#
# A missing valgrind is a failure, not a silent success.

set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
command -v valgrind >/dev/null || {
    echo "valgrind: it is missing: install it, for example: apt-get install valgrind" >&2
    exit 2
}
program=$(cargo test -p corio-tests --test it --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/it-[^"]*\)".*/\1/p' | tail -n 1)
[ -n "$program" ] || {
    echo "valgrind: cargo built no test program" >&2
    exit 2
}
# Stacks are switched in steps larger than valgrind takes for one stack's. What is still reachable in the end is the test
# harness's own.
export CORIO_CROWD="${CORIO_CROWD:-300}" RUST_BACKTRACE=0
exec valgrind --error-exitcode=9 --max-stackframe=300000 --leak-check=full \
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    "$program" --test-threads=1 crowd:: locks:: budget::
