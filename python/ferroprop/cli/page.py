"""A page of HTML that needs no other file: words, tables and pictures."""

from collections.abc import Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1d1d1b; --soft: #666; --line: #e2e2e0; --note: #fdf3e7;
  --rust: #b7410e; --blue: #20639b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17181a; --ink: #e8e6e3; --soft: #a09d98; --line: #3a3b3d; --note: #33291c;
    --rust: #e5743f; --blue: #6fb1e6; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
p { max-width: 46rem; margin: 0.5rem 0; }
.soft, figcaption { color: var(--soft); font-size: 0.9rem; }
.notes { background: var(--note); border-left: 4px solid var(--rust); padding: 0.5rem 1rem;
  max-width: 60rem; }
.notes ul { margin: 0.25rem 0; padding-left: 1.2rem; }
.pictures { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0.5rem 0; min-width: 0; }
figure svg { display: block; width: 100%; max-width: 46rem; height: auto; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: 0.25rem 1.25rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: right; }
th { font-weight: 600; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
@media (max-width: 30rem) { th, td { padding-right: 0.6rem; } th { white-space: normal; } }
"""


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def notes(texts: Sequence[str]) -> str:
    """Return a box with notes that a reader must not miss."""
    return f'<div class="notes"><ul>{"".join(f"<li>{escape(text)}</li>" for text in texts)}</ul></div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def picture(svg: str, caption: str) -> str:
    """Return a picture with its caption, which screen readers read in its place."""
    named = svg.replace("<svg", f'<svg role="img" aria-label="{escape(caption)}"', 1)
    return f"<figure>{named}<figcaption>{escape(caption)}</figcaption></figure>"


def pictures(several: Sequence[str]) -> str:
    """Return pictures side by side, as many as there is room for."""
    return f'<div class="pictures">{"".join(several)}</div>'


def page(title: str, lead: Sequence[str], sections: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return the whole page.

    Parameters
    ----------
    title : str
        The title of the page.
    lead : sequence of str
        Pieces of HTML under the title.
    sections : sequence of (str, sequence of str)
        Headings, and the pieces of HTML below each.
    """
    body = "".join(
        f"<section><h2>{escape(name)}</h2>{''.join(pieces)}</section>" for name, pieces in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{''.join(lead)}{body}</body></html>\n"
    )
