"""The page "Follow a step": a training that the reader steps through in the browser.

The directive ``follow-a-step`` puts everything into the page: the records of the trainings as JSON
(records.py), markup, style and scripts. Nothing is loaded afterwards, so the page works from a disk as from
a server.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

from .records import NETWORKS, recorded

HERE = Path(__file__).parent
SCRIPTS = ("formulas.js", "drawing.js", "page.js")


def fragment(networks: list[dict[str, Any]]) -> str:
    """Return the HTML of the page's body for these records."""
    read = {path.name: path.read_text(encoding="utf-8") for path in HERE.iterdir() if path.is_file()}
    data = json.dumps(networks, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    code = "\n".join(read[name] for name in SCRIPTS)
    return (
        f"<style>\n{read['page.css']}</style>\n{read['page.html']}"
        f'<script type="application/json" id="follow-networks">{data}</script>\n'
        f'<script type="module">\n{code}</script>\n'
    )


class FollowAStep(Directive):
    """Put the trainings and what shows them into the page."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes."""
        environment = self.state.document.settings.env
        for path in HERE.iterdir():
            environment.note_dependency(str(path))
        return [nodes.raw("", fragment([recorded(network) for network in NETWORKS]), format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this."""
    app.add_directive("follow-a-step", FollowAStep)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
