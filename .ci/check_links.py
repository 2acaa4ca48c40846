"""Links of the built pages that lead nowhere: ``python .ci/check_links.py docs/_build/html``.

Follows every ``href`` and ``src`` within the pages: the file must be there, and on an HTML page the element
that a fragment names. Nothing may be loaded from another host: no script, style or picture. Needs no network:
``python -m sphinx -b linkcheck docs docs/_build/links`` asks other hosts. Exits with 1 if something is wrong.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the names that links can end with."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        given = dict(attributes)
        loaded = given.get("href") if given.get("rel") == "stylesheet" else given.get("src")
        if loaded is not None:
            self.loaded.append(loaded)
        for name, value in attributes:
            if name == "id" or (name == "name" and tag == "a"):
                self.names.add(value or "")
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken_links(folder: Path) -> list[str]:
    """Return a sentence for each link within these pages that leads nowhere.

    Parameters
    ----------
    folder : path
        The built pages.
    """
    files = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in files}
    found = []
    for path, page in pages.items():
        for link in dict.fromkeys(page.loaded):
            if urlsplit(link).netloc:
                found.append(f"{path.relative_to(folder.resolve())}: {link}: loaded from another host")
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = f"{path.relative_to(folder.resolve())}: {link}"
            if not target.exists():
                found.append(f"{where}: no such file")
            elif (name := unquote(parts.fragment)) and target in pages and name not in pages[target].names:
                found.append(f"{where}: no such place on the page")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "index.html").is_file():
        sys.exit("expected one argument, the folder of the built pages, such as docs/_build/html")
    wrong = broken_links(Path(sys.argv[1]))
    print(
        "\n".join(wrong) or "all links within the pages lead somewhere, and nothing is loaded from elsewhere"
    )
    sys.exit(bool(wrong))
