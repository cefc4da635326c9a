"""What the documents say is true of the code."""

import re
import runpy
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from dsar.cli import COMMANDS
from dsar.declaration import parse_declaration

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("connectors/*.md")])

#: Places on the machine of whoever wrote a line; a project must not know them.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|farm|root|tmp|Users)/|[.]library/|/home/(?!dsar)\w+/")


def project_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_state_diagram_is_drawn_from_todays_table() -> None:
    """`make docs` draws it anew."""
    redrawn = runpy.run_path(str(ROOT / "docs" / "draw_states.py"))["redrawn"]
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")

    assert page == redrawn(page)
    assert "received --> identity: sorted" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_documented(command: str) -> None:
    assert [page.name for page in PAGES if re.search(rf"\bdsar {command}\b", page.read_text("utf-8"))] != []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_mentions_only_commands_that_exist(page: Path) -> None:
    """In code spans and console blocks, `dsar WORD` is a command."""
    code = re.findall(r"```console\n.*?```|`[^`\n]+`", page.read_text("utf-8"), re.DOTALL)
    named = set(re.findall(r"(?:[`$ ]|bin/)dsar (?!dsar\b)([a-z]+)\b", "\n".join(code)))

    assert named - set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_requests_of_the_connecting_page_are_valid() -> None:
    page = (ROOT / "docs" / "connecting.md").read_text("utf-8")
    _, _, example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    label = 'label = {sv = "x", en = "x"}'
    head = f'name = "crm"\nkind = "rest"\n{label}\n'
    fields = ", ".join(f'{{column = "{each}", {label}, category = "contact"}}' for each in ("id", "email"))

    parse_declaration(
        f'{head}{example}\n{label}\nkey = "id"\nactivities = ["A1"]\nfields = [{fields}]\n', source="page"
    )


def test_declaration_of_the_connecting_page_is_valid() -> None:
    page = (ROOT / "docs" / "connecting.md").read_text("utf-8")
    example, documents, _ = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    example = example.replace(
        'action = "anonymise", set = {name = "", email = "", customer_no = ""}', 'action = "delete"'
    )

    assert parse_declaration(example, source="docs/connecting.md").name == "shop"
    assert parse_declaration(example + documents, source="docs/connecting.md").objects[0].documents


def test_pages_that_the_code_refers_to_exist() -> None:
    code = [path for path in project_files() if path.suffix in {".py", ".toml", ".ini"}]
    named = {name for path in code for name in re.findall(r"[\w./-]+\.md\b(?!\.)", path.read_text("utf-8"))}
    pages = {page.name for page in PAGES} | {"RESULTS.md"}  # which `make bench` writes

    assert {name for name in named if Path(name).name not in pages} == set()


def test_law_map_names_modules_and_tests_that_exist() -> None:
    page = (ROOT / "docs" / "law-map.md").read_text("utf-8")
    modules = set(re.findall(r"\| `([\w.]+)` \|", page))
    tests = re.findall(r"`(tests/[\w./]+)::(\w+)`", page)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| Article")]

    assert len(tests) == len(rows) > 10
    assert [module for module in modules if find_spec(module) is None] == []
    assert [test for path, test in tests if f"def {test}(" not in (ROOT / path).read_text("utf-8")] == []


def test_tests_that_the_connecting_page_names_exist() -> None:
    page = (ROOT / "docs" / "connecting.md").read_text("utf-8")
    tests = re.findall(r"`(tests/[\w./]+)::(\w+)`", page)

    assert len(tests) > 10
    assert [test for path, test in tests if f"def {test}(" not in (ROOT / path).read_text("utf-8")] == []


def test_modules_of_the_architecture_page_are_the_modules_there_are() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE)
    described = set(re.findall(r"`(\w+)`", " ".join(rows)))
    present = {
        path.stem for path in (ROOT / "dsar").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert described == present - {"__init__", "__main__"}


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    found = []
    for path in project_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE_PATHS.finditer(text)]

    assert found == []
