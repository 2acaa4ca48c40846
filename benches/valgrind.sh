#!/usr/bin/env bash
# valgrind memcheck over the core's own tests, and over a few of the Python ones: invalid reads and writes, use of
# memory that was never written, and what is leaked. Needs valgrind; AVX-512 is not known to it and not reported by
# the processor that it plays, so the AVX2 and the portable path run. Takes a quarter of an hour.
#
#     benches/valgrind.sh          the core
#     benches/valgrind.sh python   the Python package too, as built by `maturin develop --release`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export FERROPROP_ISA=avx2
memcheck=(valgrind --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite)

binary=$(cargo test --lib --no-run 2>&1 | sed -n 's/.*(\(target\/.*\))$/\1/p')
# All values of a float would take days, a network of millions of parameters hours. The second panic of a round is
# forgotten on purpose, which is a leak.
"${memcheck[@]}" "$binary" --test-threads=1 --skip math:: --skip large_sum --skip panic

if [ "${1:-}" = python ]; then
    # CPython's own allocator would hide what is read beyond the end of an object. CPython and its string functions
    # give hundreds of reports of their own; what counts is whether one has a function of ours in it.
    log=$(mktemp)
    memcheck_python() { PYTHONMALLOC=malloc valgrind --log-file="$log" python "$@"; }
    memcheck_python -m pytest -q -p no:cacheprovider tests/test_training.py \
        -k "not ctrl_c and not seconds and not any_number_of_rows"
    if grep -n -B 12 ferroprop:: "$log"; then exit 1; fi
    # Networks of every kind, estimators, train_many, checkpoints and the readers; no copy of itself as the soak is.
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 memcheck_python benches/soak.py --once
    if grep -n -B 12 ferroprop:: "$log"; then exit 1; fi
    echo "no report has a function of ferroprop in it"
fi
