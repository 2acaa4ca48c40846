"""What a release still lacks: ``python .ci/release_check.py v1.2.3``.

The version stands in Cargo.toml, its date in the changelog, the repository's address in three files. This
compares them, and exits with 1 if one is missing or differs.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lacks(root: Path, tag: str) -> list[str]:
    """Return what is missing or contradicts itself, one sentence each.

    Parameters
    ----------
    root : path
        The repository.
    tag : str
        The tag of the release, ``v`` and the version.
    """
    crate = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))["package"]
    package = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    version, address = crate["version"], crate.get("repository")
    found = []
    if tag != f"v{version}":
        found.append(f"the tag is {tag}, but the version in Cargo.toml is {version}; expected v{version}")
    dated = re.search(rf"^## \[{re.escape(version)}\] - (\d{{4}}-\d\d-\d\d)$", changelog, re.MULTILINE)
    if dated is None:
        found.append(f"CHANGELOG.md has no line '## [{version}] - YYYY-MM-DD'")
    if not address:
        found.append("Cargo.toml has no `repository`")
    elif package.get("urls", {}).get("Repository") != address:
        found.append(f'pyproject.toml has no `Repository = "{address}"` in [project.urls], as in Cargo.toml')
    expected = {"version": version, "date-released": dated and dated[1], "repository-code": address}
    for key, value in expected.items():
        given = re.search(rf"^{key}: \"?([^\"\n]*)\"?$", citation, re.MULTILINE)
        if value and (given is None or given[1] != value):
            found.append(f"CITATION.cff has not `{key}: {value}`")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument, the tag, such as v1.2.3")
    missing = lacks(ROOT, sys.argv[1])
    print("\n".join(missing) or f"{sys.argv[1]} lacks nothing")
    sys.exit(bool(missing))
