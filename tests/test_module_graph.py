"""The Rust modules form floors: arrows between files go down, and nowhere in a circle.

An arrow is an import: from the file that has the ``use`` to the file that defines the item, whatever it is
re-exported by, for a list of re-exports (`mod.rs`, `lib.rs`) is a map and no part of the house. What tests
import does not count.
"""

import re
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
PACKAGE = SRC.parent / "python" / "ferroprop"

# From the ground up; a room may import from those in lines before its own.
FLOORS = [
    "error number",
    "check memory",
    "kernel",
    "once schedule random",
    "catalogue",
    "activation parallel",
    "loss optimizer layer",
    "pass",
    "network durable",
    "builder tensor_file",
    "model_file serde_form",
    "training",
    "sampling",
    "python",
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}

DEFINITION = re.compile(
    r"^\s*(?:pub(?:\([a-z]+\))? )?(?:unsafe )?(?:const )?"
    r"(?:fn|struct|enum|trait|type|const|static|union) (\w+)",
    re.M,
)


def without_tests_and_comments(text):
    """Return Rust code up to its tests, without comments."""
    text = re.split(r"^#\[cfg\(test\)\]\s*\n(?:#\[[^\n]*\n)*\s*mod tests", text, maxsplit=1, flags=re.M)[0]
    return re.sub(r"//[^\n]*", "", text)


def leaves(tree):
    """Return the paths of a `use` tree, each as a list of names: `a::{b, c as d}` has `a::b` and `a::c`."""
    paths, depth, start = [], 0, None
    if "{" not in tree:
        return [re.split(r"\s+as\s+", tree.strip())[0].split("::")]
    start = tree.index("{")
    prefix = [name for name in tree[:start].strip().split("::") if name]
    inner, piece = tree[start + 1 : tree.rindex("}")], ""
    for letter in [*inner, ","]:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if piece.strip():
                paths += [prefix + path for path in leaves(piece)]
            piece = ""
        else:
            piece += letter
    return paths


class Crate:
    """The modules of a crate, by their path from its root."""

    def __init__(self):
        self.files, self.code = {}, {}
        for path in sorted(SRC.rglob("*.rs")):
            parts = path.relative_to(SRC).with_suffix("").parts
            module = () if parts == ("lib",) else parts[:-1] if parts[-1] == "mod" else parts
            self.files[module] = path.relative_to(SRC).as_posix()
            self.code[module] = without_tests_and_comments(path.read_text(encoding="utf-8"))
        self.defined = {
            module: set(DEFINITION.findall(code)) | set(re.findall(r"macro_rules! (\w+)", code))
            for module, code in self.code.items()
        }
        self.uses = {module: list(self._uses(module, code)) for module, code in self.code.items()}

    def _uses(self, module, code):
        for public, tree in re.findall(r"^\s*(pub(?:\([a-z: ]+\))? )?use ([^;]+);", code, re.M):
            for path in leaves(tree):
                yield bool(public), self._absolute(module, path)
        # Paths in the code itself.
        body = re.sub(r"^\s*(?:pub(?:\([a-z: ]+\))? )?use [^;]+;", "", code, flags=re.M)
        for path in re.findall(r"\b((?:crate|super)(?:::\w+)+)", body):
            yield False, self._absolute(module, path.split("::"))

    def _absolute(self, module, path):
        place = list(module)
        if path[0] == "crate":
            place, path = [], path[1:]
        elif path[0] == "self":
            path = path[1:]
        elif path[0] != "super" and (*module, path[0]) not in self.files:
            return None
        while path and path[0] == "super":
            place, path = place[:-1], path[1:]
        return tuple(place + path)

    def file_of(self, path):
        """Return the module that defines what a path names, through re-exports; None if it is not ours."""
        if path is None:
            return None
        for length in range(len(path), -1, -1):
            module, rest = path[:length], path[length:]
            if module not in self.files:
                continue
            if not rest or rest[0] in self.defined[module]:
                return module
            for public, target in self.uses[module]:
                if public and target and target[-1] in (rest[0], "*") and target != path:
                    return self.file_of(target)
            return module
        return None

    def arrows(self):
        """Yield pairs of modules: the one that imports, the one that defines."""
        for module, uses in self.uses.items():
            for public, path in uses:
                target = self.file_of(path)
                reexport = public and self.files[module].endswith(("mod.rs", "lib.rs"))
                if target is not None and target != module and not reexport:
                    yield module, target


@pytest.fixture(scope="module")
def crate():
    return Crate()


@pytest.fixture(scope="module")
def arrows(crate):
    found = sorted(set(crate.arrows()))
    assert len(found) > 200
    return found


def test_a_tree_of_imports_is_read():
    assert leaves("crate::a::{b, c::{d, e as f}, g}") == [
        ["crate", "a", "b"],
        ["crate", "a", "c", "d"],
        ["crate", "a", "c", "e"],
        ["crate", "a", "g"],
    ]


def test_an_item_is_found_through_its_re_exports(crate):
    assert crate.file_of(("kernel", "Product")) == ("kernel", "product")
    assert crate.file_of(("training", "Epoch")) == ("training", "history")
    assert crate.file_of(("Network",)) == ("network",)


def test_every_room_has_its_floor(crate):
    assert {module[0] for module in crate.files if module} == set(FLOOR)


def test_arrows_between_rooms_go_down(crate, arrows):
    up = [
        f"{crate.files[start]} -> {crate.files[end]}"
        for start, end in arrows
        if start and end and start[0] != end[0] and FLOOR[end[0]] >= FLOOR[start[0]]
    ]
    assert not up


def test_no_file_is_in_a_circle(crate, arrows):
    """Files that nothing is left below are taken away until none is left."""
    below = {module: {end for start, end in arrows if start == module} for module in crate.files}
    while True:
        ground = {module for module, others in below.items() if not others & set(below)}
        if not ground:
            break
        below = {module: others for module, others in below.items() if module not in ground}
    # What is left is circles and those who stand on them: show the circles alone.
    while True:
        roofs = set(below) - set().union(*below.values()) if below else set()
        if not roofs:
            break
        below = {module: others for module, others in below.items() if module not in roofs}
    circles = {
        crate.files[module]: [crate.files[end] for end in others if end in below]
        for module, others in below.items()
    }
    assert not circles


def test_the_native_module_imports_nothing_of_the_package():
    """Its stub names result types of methods that the package adds: from files that do not import it."""
    sources = (SRC / "python").rglob("*.rs")
    assert [
        file for file in sources if re.search(r'import\("ferroprop', file.read_text(encoding="utf-8"))
    ] == []
    stub = (PACKAGE / "_core.pyi").read_text(encoding="utf-8")
    named = re.findall(r"^\s*(?:from|import) ferroprop\.?([\w.]*)", stub, re.MULTILINE)
    for module in named:
        text = (PACKAGE / module.replace(".", "/")).with_suffix(".py").read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:from|import) ferroprop\b", text, re.MULTILINE), module
