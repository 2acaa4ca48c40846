"""What a release needs: one version everywhere, addresses, links that work on the package's page."""

import importlib.util
import re
import shutil
from pathlib import Path

import ferroprop as fp
import pytest

ROOT = Path(__file__).parent.parent
if not (ROOT / ".ci").exists():
    pytest.skip("the scripts of a release are in the repository only", allow_module_level=True)

ADDRESS = "https://example.org/ferroprop"
FILES = ["Cargo.toml", "pyproject.toml", "CHANGELOG.md", "CITATION.cff"]


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lacks = script("release_check").lacks
absolute = script("absolute_links").absolute


def replace(path: Path, pattern: str, by: str, *, times: int | None = 1) -> None:
    text, found = re.subn(pattern, by, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert times in (None, found), (path, pattern)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """Return a folder with the files that a release is checked by, filled in."""
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    crate, package, changelog, citation = (tmp_path / name for name in FILES)
    for path in (crate, package, citation):  # what may be there already
        replace(path, r"^(repository|Repository|repository-code|date-released)( =|:) .*\n", "", times=None)
    replace(package, r"^\[project.urls\]\n", "", times=None)
    replace(crate, r"^\[package\]$", f'[package]\nrepository = "{ADDRESS}"')
    replace(
        package, r"^\[project.scripts\]$", f'[project.urls]\nRepository = "{ADDRESS}"\n\n[project.scripts]'
    )
    replace(citation, r"\Z", f"repository-code: {ADDRESS}\ndate-released: 2030-01-31\n")
    version = re.escape(fp.__version__)
    replace(changelog, rf"^(## \[{version}\]) - .*$", r"\1 - 2030-01-31")
    return tmp_path


def test_nothing_is_missing_from_a_complete_release(ready: Path):
    assert lacks(ready, f"v{fp.__version__}") == []


@pytest.mark.parametrize(
    ("file", "pattern", "by", "said"),
    [
        ("Cargo.toml", r'^version = ".*"$', 'version = "9.9.9"', "the version in Cargo.toml is 9.9.9"),
        ("Cargo.toml", r"^repository = .*\n", "", "Cargo.toml has no `repository`"),
        ("pyproject.toml", r"^Repository = .*\n", "", "pyproject.toml has no `Repository = "),
        ("pyproject.toml", r"^Repository = .*\n", 'Repository = "x"\n', "pyproject.toml has no"),
        ("CHANGELOG.md", r"^(## \[.*\]) - 2030-01-31$", r"\1 - unreleased", "CHANGELOG.md has no line"),
        ("CITATION.cff", r"^version: .*$", 'version: "0.0.1"', "CITATION.cff has not `version: "),
        ("CITATION.cff", r"^date-released: .*\n", "", "CITATION.cff has not `date-released: 2030-01-31`"),
        ("CITATION.cff", r"^repository-code: .*\n", "", "CITATION.cff has not `repository-code: "),
    ],
)
def test_what_is_missing_is_named(ready: Path, file: str, pattern: str, by: str, said: str):
    replace(ready / file, pattern, by)
    assert any(said in sentence for sentence in lacks(ready, f"v{fp.__version__}"))


def test_a_tag_of_another_version_is_named(ready: Path):
    assert lacks(ready, "1.2") == [
        f"the tag is 1.2, but the version in Cargo.toml is {fp.__version__}; expected v{fp.__version__}"
    ]


def test_the_citation_has_the_version():
    assert f'version: "{fp.__version__}"' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_readmes_links_lead_somewhere_from_the_packages_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = absolute(readme, ADDRESS, "v1.0.0")
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    assert len(targets) == len(re.findall(r"\]\(([^)\s]+)\)", readme)) > 10
    ours = [target.removeprefix(ADDRESS) for target in targets if target.startswith(ADDRESS)]
    assert all(target.startswith(("https://", "#")) for target in targets)
    for target in ours:
        _, kind, tag, path = target.split("/", 3)
        assert tag == "v1.0.0"
        assert (ROOT / path.split("#")[0]).exists()
        assert (kind == "raw") == path.endswith((".png", ".svg"))
    assert absolute(text, ADDRESS, "v1.0.0") == text


def test_the_wheels_tests_exist():
    tests = re.findall(r"tests/\w+\.py", (ROOT / ".ci" / "test_wheel").read_text(encoding="utf-8"))
    assert len(tests) > 5
    assert all((ROOT / name).exists() for name in tests)


def test_the_workflows_keep_to_one_set_of_rules():
    versions: dict[str, set[str]] = {}
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert {path.name for path in workflows} >= {"ci.yml", "links.yml", "release.yml"}
    for path in workflows:
        text = path.read_text(encoding="utf-8")
        jobs = re.findall(r"^    runs-on: ", text, re.MULTILINE)
        assert "\npermissions:\n  contents: read\n\nconcurrency:\n" in text, path
        assert len(re.findall(r"^    timeout-minutes: \d+$", text, re.MULTILINE)) == len(jobs) > 0, path
        assert text.count("actions/checkout@") == text.count("persist-credentials: false"), path
        for action, version in re.findall(r"uses: (\S+)@(\S+)", text):
            versions.setdefault(action, set()).add(version)
    assert all(len(found) == 1 for found in versions.values()), versions
