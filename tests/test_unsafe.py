"""Unsafe code is in the kernels alone, and no block of it comes or goes unnoticed."""

import re
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"

# Blocks, functions and implementations. A number that changes is looked at, with the reason that its comment
# gives, and then written here.
COUNTS = {
    "kernel/add_up.rs": 2,
    "kernel/affinity.rs": 1,
    "kernel/avx2.rs": 39,
    "kernel/avx512.rs": 25,
    "kernel/dispatch.rs": 8,
    "kernel/gradient.rs": 12,
    "kernel/handoff.rs": 4,
    "kernel/huge_pages.rs": 1,
    "kernel/mode.rs": 4,
    "kernel/narrow.rs": 16,
    "kernel/panels.rs": 3,
    "kernel/product.rs": 7,
    "kernel/scalar.rs": 5,
    "kernel/simd.rs": 9,
    "kernel/turned.rs": 5,
}


def code_of(path):
    """Return a Rust file without comments and strings."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r'"(\\.|[^"\\])*"', '""', text)


def test_unsafe_code_is_in_the_kernels_alone():
    counts = {}
    for path in sorted(SRC.rglob("*.rs")):
        count = len(re.findall(r"\bunsafe\b(?!_)", code_of(path)))
        if count:
            counts[path.relative_to(SRC).as_posix()] = count
    assert counts == COUNTS


def test_the_compiler_refuses_it_elsewhere():
    """lib.rs denies it, and the kernel module alone allows it again."""
    lib = (SRC / "lib.rs").read_text(encoding="utf-8")
    assert "#![deny(unsafe_code)]" in lib
    allowed = [path for path in SRC.rglob("*.rs") if "allow(unsafe_code)" in path.read_text(encoding="utf-8")]
    assert allowed == [SRC / "kernel" / "mod.rs"]


@pytest.mark.parametrize("name", COUNTS)
def test_the_reasons_are_given(name):
    assert re.search(r"// Safety\b|# Safety\b", (SRC / name).read_text(encoding="utf-8"))
