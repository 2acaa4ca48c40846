"""Make the README's links absolute, for the package's page: ``python .ci/absolute_links.py v1.2.3``.

Beside the repository relative links are right; a package index shows the README without the files they name.
The repository's address is `repository` in Cargo.toml.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!\w+:|#)([^)\s]+)\)")


def absolute(text: str, repository: str, tag: str) -> str:
    """Return Markdown whose links lead to the files of a tag.

    Parameters
    ----------
    text : str
        Markdown with relative links.
    repository : str
        The address of the repository.
    tag : str
        The tag of the release.

    Examples
    --------
    >>> absolute("[a](docs/a.md#b) ![c](c.png)", "https://example.org/x", "v1.0.0")
    '[a](https://example.org/x/blob/v1.0.0/docs/a.md#b) ![c](https://example.org/x/raw/v1.0.0/c.png)'
    """

    def lead(link: re.Match[str]) -> str:
        picture, title, target = link.groups()
        return f"{picture}{title}({repository}/{'raw' if picture else 'blob'}/{tag}/{target})"

    return LINK.sub(lead, text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument, the tag, such as v1.2.3")
    readme = ROOT / "README.md"
    address = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["repository"]
    text = absolute(readme.read_text(encoding="utf-8"), address, sys.argv[1])
    readme.write_text(text, encoding="utf-8", newline="\n")
