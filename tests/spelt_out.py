"""The catalogue's classes where tools want each name spelt out: imports, type stubs, the reference page.

    python tests/spelt_out.py            says which of these files lack something
    python tests/spelt_out.py --write    writes what they lack

The classes themselves are made from what the core's lists say; whoever adds a function, a loss or a rule with
hyperparameters runs this once.
"""

import subprocess
import sys
from pathlib import Path

from ferroprop.catalogue import (
    ACTIVATIONS,
    COMPLEX_ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    STOCHASTIC_ACTIVATIONS,
)

ROOT = Path(__file__).parent.parent

KINDS = {
    "Activation": {**ACTIVATIONS, **COMPLEX_ACTIVATIONS, **STOCHASTIC_ACTIVATIONS},
    "Loss": LOSSES,
    "Optimizer": OPTIMIZERS,
}


def classes_of(entries):
    return list(dict.fromkeys(entry.cls for entry in entries.values() if entry.cls is not None))


CLASSES = [cls for entries in KINDS.values() for cls in classes_of(entries)]


NAMES = [cls.__name__ for cls in CLASSES]


def formatted(path, text):
    """Return Python code as ruff wants it, names in its order."""
    for command in (["check", "--fix", "--quiet", "--exit-zero"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", path, "-"]
        text = subprocess.run(
            ruff, cwd=ROOT, input=text, capture_output=True, check=True, encoding="utf-8"
        ).stdout
    return text


def type_of(hyperparameter):
    """Return a hyperparameter's type as a stub spells it."""
    match hyperparameter.default:
        case bool():
            return "bool"
        case str():
            return f"Literal[{hyperparameter.domain}]"
        case int():
            return "int"
    if "schedule" in hyperparameter.domain:
        return "_Scheduled"
    return "float | tuple[float, float]" if "tuple" in hyperparameter.domain else "float"


def stub_of(base, cls):
    """Return a class of the catalogue as a type stub."""
    entry = next(entry for entry in KINDS[base].values() if entry.cls is cls)
    arguments = []
    for one in entry.hyperparameters:
        if one.keyword_only and "*" not in arguments:
            arguments.append("*")
        arguments.append(f"{one.name}: {type_of(one)} = {one.default!r}")
    lines = [f"class {cls.__name__}({base}):", "    def __new__(", "        cls,"]
    lines += [f"        {argument}," for argument in arguments]
    lines += ["    ) -> Self: ..."]
    for one in entry.hyperparameters:
        lines += ["    @property", f"    def {one.name}(self) -> {type_of(one)}: ..."]
    return "\n".join(lines)


def listed(names):
    return "".join(f"    {name},\n" for name in names)


def stubs():
    every = [stub_of(base, cls) for base, entries in KINDS.items() for cls in classes_of(entries)]
    return "\n\n".join(every) + f"\n\n__all__ += [\n{listed(map(repr, NAMES))}]\n"


def imports():
    return f"from ferroprop._core import (\n{listed(NAMES)})\n"


def exports():
    return f"__all__ += [\n{listed(map(repr, NAMES))}]\n"


def reference():
    lines = ["", "```{eval-rst}", ".. autosummary::", "   :toctree: generated", ""]
    lines += [f"   {cls.__name__}" for cls in CLASSES]
    return "\n".join([*lines, "```", "", ""])


# The file, the lines between which the part stands, and what makes it.
PARTS = [
    ("python/ferroprop/_core.pyi", "# The catalogue's classes.\n", "# The end of the classes.\n", stubs),
    ("python/ferroprop/__init__.py", "# The catalogue's classes.\n", "# The end of the classes.\n", imports),
    ("python/ferroprop/__init__.py", "# Their names.\n", "# The end of the names.\n", exports),
    ("docs/reference.md", "<!-- the catalogue's classes -->\n", "<!-- end -->\n", reference),
]


def with_parts(path, text):
    """Return a file's text with its parts as they are to be."""
    for file, start, end, make in PARTS:
        if file == path:
            before, rest = text.split(start)
            _, after = rest.split(end)
            text = f"{before}{start}{make()}{end}{after}"
    return text if path.endswith(".md") else formatted(path, text)


FILES = list(dict.fromkeys(file for file, *_ in PARTS))


def main(arguments):
    for path in FILES:
        text = (ROOT / path).read_text(encoding="utf-8")
        if with_parts(path, text) != text:
            print(path)
            if arguments == ["--write"]:
                (ROOT / path).write_text(with_parts(path, text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
