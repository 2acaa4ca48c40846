"""The check of links within the built pages, on pages that are made here."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "check_links.py"
if not SCRIPT.exists():
    pytest.skip("the check of the pages is in the repository only", allow_module_level=True)


def broken_links(folder: Path) -> list[str]:
    spec = importlib.util.spec_from_file_location("check_links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.broken_links(folder)


def test_links_that_lead_nowhere_are_named(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "picture one.png").touch()
    (tmp_path / "sub" / "b.html").write_text(
        '<h1 id="top">B</h1><a name="old">x</a><a href="../index.html#ä">y</a>'
    )
    (tmp_path / "index.html").write_text(
        '<p id="ä"><a href="#ä">1</a><a href="#no">2</a><a href="sub/b.html#top">3</a>'
        '<a href="sub/b.html#gone">4</a>'
        '<a href="sub/b.html#old">5</a><a href="c.html">6</a><a href="https://example.org/x#y">7</a>'
        '<a href="mailto:a@example.org">8</a><img src="picture%20one.png"><script src="no.js?v=1"></script>'
        '<a href="sub/">9</a><a href="picture%20one.png#page=2">10</a><a href="?q=1#%C3%A4">11</a>'
        '<img src="data:image/png;base64,AAAA"><link rel="canonical" href="https://example.org/">'
        '<link rel="stylesheet" href="https://example.org/a.css"><script src="//example.org/b.js"></script>',
        encoding="utf-8",
    )
    assert broken_links(tmp_path) == [
        "index.html: https://example.org/a.css: loaded from another host",
        "index.html: //example.org/b.js: loaded from another host",
        "index.html: #no: no such place on the page",
        "index.html: sub/b.html#gone: no such place on the page",
        "index.html: c.html: no such file",
        "index.html: no.js?v=1: no such file",
    ]
