"""The documentation: code on its pages runs, and every public name and formula has its place."""

import dataclasses
import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import ferroprop as fp
import pytest
from ferroprop.cli.card import Card, History, Layer, Score, Trial
from ferroprop.cli.reading.column import Column
from ferroprop.cli.reading.dates import DateFormat
from ferroprop.cli.reading.missing import MissingWords
from ferroprop.cli.reading.numbers import NumberFormat
from test_rprop import TRACES

DOCS = Path(__file__).parent.parent / "docs"
# Code, and what it prints where the page shows it.
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "page",
    [
        *("index.md", "guide.md", "rprop.md", "shipping.md", "tabular.md"),
        *(f"tutorials/{path.name}" for path in sorted((DOCS / "tutorials").glob("[!i]*.md"))),
    ],
)
def test_the_code_on_a_page_runs(page, capsys):
    if page in ("shipping.md", "tutorials/ship-it.md"):
        pytest.importorskip("onnxruntime", reason="the page runs an ONNX file")
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    names = {}
    for block, output in blocks:
        exec(block, names)
        printed = capsys.readouterr().out
        assert not output or printed == output


def test_the_reference_has_every_public_name():
    reference = (DOCS / "reference.md").read_text(encoding="utf-8")
    listed, module = [], ""
    for current, name in re.findall(r"^(?:\.\. currentmodule:: (\S+)|   (\w+))$", reference, re.MULTILINE):
        module = current or module
        if name:
            listed.append(f"{module}.{name}")
    assert len(listed) == len(set(listed))
    assert set(fp.__all__) - {"__version__"} <= {name.rsplit(".", 1)[1] for name in listed}


def test_the_page_on_rprop_shows_the_golden_trace():
    page = (DOCS / "rprop.md").read_text(encoding="utf-8").replace("−", "-")
    rows = re.findall(r"^\| (\d+) \| (\(.+\)) \|$", page, re.MULTILINE)
    assert [int(step) for step, _ in rows] == [4, 5, 6, 7, 8, 12]
    for step, cells in rows:
        shown = [tuple(map(float, cell.strip("() ").split(","))) for cell in cells.split("|")]
        assert shown == [TRACES[variant][int(step)] for variant in ("rprop-", "rprop+", "irprop-", "irprop+")]


def test_the_page_on_files_has_every_field_of_a_card():
    page = (DOCS / "file-format.md").read_text(encoding="utf-8")
    table = page.split("| field of the card |")[1].split("\n\n")[0]
    named = re.findall(r"`(\w+)`", table)
    kinds = (Card, Layer, History, Score, Trial, Column, NumberFormat, DateFormat, MissingWords)
    fields = {field.name for kind in kinds for field in dataclasses.fields(kind)} - {"format"}
    assert fields <= set(named)


def sections(title):
    page = (DOCS / "mathematics.md").read_text(encoding="utf-8")
    chapter = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^### (.+)$", chapter, re.MULTILINE)


def test_everything_in_the_catalogue_has_its_formula():
    assert set(fp.ACTIVATIONS) <= set(sections("Activations"))
    assert set(fp.STOCHASTIC_ACTIVATIONS) <= set(sections("Stochastic units"))
    assert set(fp.LOSSES) <= set(sections("Losses"))
    classes = {entry.cls.__name__ for entry in fp.OPTIMIZERS.values()}
    assert classes <= set(sections("Optimizers"))


def test_the_font_of_the_pages_has_every_character_of_their_formulas():
    convert = pytest.importorskip("latex2mathml.converter").convert
    fonts = pytest.importorskip("fontTools.ttLib")
    font = fonts.TTFont(DOCS / "_static" / "math.woff")
    assert {"MATH", "cmap"} <= set(font.keys())
    shown = set()
    for page in (*DOCS.glob("*.md"), *DOCS.glob("*/*.md")):
        text = re.sub(
            r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
        )
        for display, inline in re.findall(r"\$\$(.+?)\$\$|(?<!\$)\$([^$\s][^$]*)\$", text, re.DOTALL):
            formula = ElementTree.fromstring(convert(display or inline))
            shown |= set("".join(formula.itertext()))
            # A browser shows a letter that stands alone in italics.
            single = (element.text or "" for element in formula.iter() if element.tag.endswith("}mi"))
            shown |= {
                italic(letter)
                for letter in single
                if len(letter) == 1 and letter.isascii() and letter.isalpha()
            }
    assert len(shown) > 100
    invisible = {"\N{FUNCTION APPLICATION}"}
    assert {letter for letter in shown if ord(letter) not in font.getBestCmap()} <= invisible


def italic(letter: str) -> str:
    """Return the mathematical italic of an ASCII letter."""
    first = 0x1D434 + ord(letter) - ord("A") if letter.isupper() else 0x1D44E + ord(letter) - ord("a")
    return "\N{PLANCK CONSTANT}" if letter == "h" else chr(first)


def test_definitions_on_pages_are_lists_of_definitions():
    """Without its extension, a paragraph that begins with a colon is text."""
    used = any(
        re.search(r"^: ", page.read_text(encoding="utf-8"), re.MULTILINE) for page in DOCS.glob("*.md")
    )
    extensions = re.search(
        r"myst_enable_extensions = \[(.*)\]", (DOCS / "conf.py").read_text(encoding="utf-8")
    )
    assert not used or '"deflist"' in extensions[1]


def test_sums_in_brackets_have_their_limits_below():
    convert = pytest.importorskip("latex2mathml.converter").convert
    spec = importlib.util.spec_from_file_location("mathml", DOCS / "mathml.py")
    mathml = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mathml)
    formula = mathml.with_limits_below(
        convert(r"\left( \sum_i w_i + \sum_{k=1}^n x_k \right)", display="block")
    )
    assert formula.count("<munder><mo>∑</mo><mi>i</mi></munder>") == 1
    assert formula.count("<munderover><mo>∑</mo>") == 1
    assert formula.count("<msub>") == 2  # w and x keep theirs
