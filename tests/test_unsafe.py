"""Unsafe code is in the files listed here alone, and no block of it comes or goes unnoticed.

That each block says why it is sound is clippy's to check (`undocumented_unsafe_blocks`).
"""

import re
from pathlib import Path

SRC = Path(__file__).parent.parent / "src"

# Blocks, functions and implementations. A number that changes is looked at, with the reason that its comment
# gives, and then written here.
COUNTS = {
    "kernel/add_up.rs": 2,
    "kernel/avx2.rs": 41,
    "kernel/avx512.rs": 27,
    "kernel/dispatch.rs": 6,
    "kernel/gradient.rs": 16,
    "kernel/mode.rs": 4,
    "kernel/rows_in_lanes.rs": 16,
    "kernel/panels.rs": 3,
    "kernel/portable.rs": 5,
    "kernel/product.rs": 7,
    "kernel/simd.rs": 9,
    "kernel/single_output.rs": 5,
    "kernel/sparse.rs": 10,
    "memory/huge_pages.rs": 1,
    "memory/read_ahead.rs": 2,
    "once.rs": 4,
    "parallel/affinity.rs": 1,
    "parallel/handoff.rs": 4,
}


def code_of(path):
    """Return a Rust file without comments and strings."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\])*"', '""', text)


def test_unsafe_code_is_in_the_listed_files_alone():
    counts = {}
    for path in sorted(SRC.rglob("*.rs")):
        count = len(re.findall(r"\bunsafe\b(?!_)", code_of(path)))
        if count:
            counts[path.relative_to(SRC).as_posix()] = count
    assert counts == COUNTS


def test_the_compiler_refuses_it_elsewhere():
    """lib.rs denies it, and the listed files alone allow it again."""
    assert "#![deny(unsafe_code)]" in (SRC / "lib.rs").read_text(encoding="utf-8")
    allowed = [path for path in SRC.rglob("*.rs") if "allow(unsafe_code)" in path.read_text(encoding="utf-8")]
    assert sorted(path.relative_to(SRC).as_posix() for path in allowed) == sorted(COUNTS)
