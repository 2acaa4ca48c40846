"""How Sphinx builds these pages: ``python -m sphinx -W --keep-going docs docs/_build/html``."""

import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import ferroprop

sys.path.insert(0, str(Path(__file__).parent))  # where follow/, mathml.py and reading_order.py are

project = "ferroprop"
author = "the ferroprop developers"
copyright = author
version = release = ferroprop.__version__

extensions = [
    "follow",
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "follow", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip"]
templates_path = ["_templates"]
default_role = "py:obj"
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "groupwise"
autodoc_typehints = "none"  # the docstrings have them
numpydoc_show_class_members = False

linkcheck_retries = 3  # a host that is down for a moment is no broken link

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "ferroprop"
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_static_path = ["_static"]
html_css_files = ["look.css"]
html_favicon = "_static/favicon.svg"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
# Pages without pages below them need no column for these.
html_sidebars = {
    page: []
    for page in (
        "try-it",
        "guide",
        "follow-a-step",
        "glossary",
        "tabular",
        "rprop",
        "mathematics",
        "architecture",
        "coming-*",
        "performance",
        "reliability",
        "file-format",
        "results",
        "roadmap",
        "versions",
    )
}
html_theme_options = {
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": {
        "gallery/*": [],  # code needs the width
        "index": [],
        "[!gi]*": ["page-toc"],
        "g[!a]*": ["page-toc"],
    },
    "header_links_before_dropdown": 6,
}

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "reading_order.ReadingOrder",
    "abort_on_example_error": True,
    "parallel": True,  # as many at a time as `-j` says
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "matplotlib_animations": (True, "jshtml"),
}


def skip_what_is_inherited(
    app: object, what: str, name: str, member: Any, skip: bool, options: object
) -> bool | None:
    """Leave out what an estimator has from scikit-learn, which documents it."""
    function = member.fget if isinstance(member, property) else inspect.unwrap(member)
    module = getattr(function, "__module__", None) or ""
    return True if module.startswith("sklearn") else None


def write_for_sphinx(
    app: object, what: str, name: str, member: object, options: object, lines: list[str]
) -> None:
    """Say in Sphinx's terms what scikit-learn's conventions put otherwise.

    A name that ends in an underscore, in the line that gives a type, is no link; scikit-learn's glossary is
    not here.
    """
    for place, line in enumerate(lines):
        declared, colon, kind = line.partition(" : ")
        if colon and declared.strip().isidentifier():
            kind = re.sub(r"(?<![\w`])([a-zA-Z]\w*_)(?![\w`])", r"``\1``", kind)
        lines[place] = re.sub(r":term:`(\w+)`", r"``\1``", f"{declared}{colon}{kind}")


def keep_deviations_together(app: object, name: str, source: list[str]) -> None:
    """Let a number and its deviation, such as 1.39 ± 0.21, stay on one line of a narrow table."""
    source[0] = source[0].replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


def without_foreign_styles(
    app: object, page: str, template: str, context: dict[str, Any], tree: object
) -> None:
    """Let animations have the icons of the theme: matplotlib links those of a foreign host.

    On the page, because the examples may run in processes of their own.
    """
    context["body"] = re.sub(r"<link[^>]*https?://[^>]*>\s*", "", context.get("body") or "")


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("html-page-context", without_foreign_styles)
    app.connect("source-read", keep_deviations_together)
    app.connect("autodoc-skip-member", skip_what_is_inherited)
    app.connect("autodoc-process-docstring", write_for_sphinx, priority=100)  # before numpydoc
