"""What docs/security.md says is so, and what must not be written anywhere in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_docs import project_files

ROOT = Path(__file__).parents[1]
CODE = sorted([*(ROOT / "dsar").rglob("*.py"), *(ROOT / "connectors").rglob("*.py")])

# ---------------------------------------------------------------------------------------------- docs/security.md

PAGE = ROOT / "docs" / "security.md"
#: Every place where bytes from outside come in; the table of the page has a row for each, and for nothing else.
ENTRY_POINTS = {
    "mail",
    "attachments",
    "answers of mail servers",
    "answers to tasks",
    "settings",
    "declarations",
    "letter templates",
    "registers (CSV, XLSX, ODS)",
    "documents in folders",
    "databases",
    "web APIs",
    "token servers",
    "SMS gateways",
    "directories (LDAP)",
    "address books (CardDAV)",
    "employees' mailboxes (IMAP)",
    "DNS",
    "command line",
    "environment",
    "backups",
    "our own database",
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below *heading*."""
    text = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def named_tests(cell: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w./]+)::(\w+)`", cell)


def test_every_entry_point_has_its_row() -> None:
    assert {row[0] for row in rows("Entry points")} == ENTRY_POINTS


@pytest.mark.parametrize("heading", ["Threats", "Entry points"])
def test_every_row_names_a_promise_or_limit_a_module_and_a_test(heading: str) -> None:
    table = rows(heading)

    assert len(table) > 10
    assert [row[0] for row in table if len(row) != len(table[0]) or not all(row) or not named_tests(row[-1])] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = named_tests(PAGE.read_text("utf-8"))

    assert [test for path, test in named if f"def {test}(" not in (ROOT / path).read_text("utf-8")] == []


def test_every_module_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:dsar|connectors)(?:\.\w+)*)`", PAGE.read_text("utf-8"))
    places = [ROOT.joinpath(*name.split(".")) for name in named]

    assert len(named) > 20
    assert [str(place) for place in places if not (place.is_dir() or place.with_suffix(".py").is_file())] == []


# ------------------------------------------------------------------------------------- what the code must not hold

#: What turns data into code or objects; nothing that comes from outside may ever get there, so none of it is there.
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "yaml.load",
    "tempfile.mktemp",
    "ssl.create_default_context",
    "ssl._create_unverified_context",
    "ssl.SSLContext",
    "urllib.request.urlopen",
    "httpx.get",
    "httpx.post",
    "httpx.request",
    "httpx.stream",
}
FORBIDDEN_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "yaml",
    "xmlrpc",
    "telnetlib",
    "ftplib",
    "random",
    "xml.dom",
    "xml.sax",
    "lxml",
}
FORBIDDEN_ARGUMENTS = {("shell", "True"), ("verify", "False"), ("follow_redirects", "True"), ("trust_env", "True")}
#: What a client over HTTP must be told, because by itself it goes by a proxy that the environment names.
REQUIRED_ARGUMENTS = {
    "httpx.Client": {"verify", "timeout", "follow_redirects", "trust_env"},
    "httpx.AsyncClient": {"verify", "timeout", "follow_redirects", "trust_env"},
}
#: (file, what): why it may.
ALLOWED = {
    ("dsar/tls.py", "ssl.create_default_context"): "the one place where it is decided whom TLS believes",
    ("dsar/monthly_statistics/sheet.py", "xml.sax"): "saxutils escapes; nothing is read",
    ("dsar/pdf/file.py", "xml.sax"): "saxutils escapes; nothing is read",
}


def dotted(node: ast.expr) -> str:
    """ "os.system" of what is called; "" for anything but names."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(path: Path) -> Iterator[str]:
    """What *path* holds of all that."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            if (name := dotted(node.func)) in FORBIDDEN_CALLS:
                yield name
            given = {
                (each.arg, repr(each.value.value)) for each in node.keywords if isinstance(each.value, ast.Constant)
            }
            yield from (f"{argument}={value}" for argument, value in given & FORBIDDEN_ARGUMENTS)
            missing = REQUIRED_ARGUMENTS.get(name, set()) - {str(each.arg) for each in node.keywords}
            yield from (f"{name} without {argument}" for argument in sorted(missing))
        for name in imported(node):
            yield from (each for each in FORBIDDEN_MODULES if name == each or name.startswith(f"{each}."))


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_nothing_makes_code_or_objects_of_data_and_nothing_goes_round_tls() -> None:
    found = {(str(path.relative_to(ROOT)), what) for path in CODE for what in faults(path)}

    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("import pickle", "pickle"),
        ("from yaml import load", "yaml"),
        ("eval(text)", "eval"),
        ("subprocess.run(text, shell=True)", "shell=True"),
        ("httpx.Client(verify=False)", "verify=False"),
        ("httpx.Client(follow_redirects=True)", "follow_redirects=True"),
        ("urllib.request.urlopen(url)", "urllib.request.urlopen"),
        ("httpx.Client(verify=ca, timeout=9, follow_redirects=False)", "httpx.Client without trust_env"),
    ],
)
def test_each_of_these_is_seen(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "module.py").write_text(text, "utf-8")

    assert fault in set(faults(tmp_path / "module.py"))


# ------------------------------------------------------------------------------------------------- secrets in files

SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----",
    "AWS": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub": r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{22,}",
    "Slack": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}",
    "Google": r"\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{20,}",
    "Stripe": r"\b[sr]k_live_[A-Za-z0-9]{16,}",
    "PyPI": r"\bpypi-AgE[A-Za-z0-9_-]{20,}",
    "key of 32 bytes": r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])",
    "password in a URL": r"://[\w.%-]+:[^\s/@{}'\"<>]+@",
}
#: What looks like one, and why it is none: words of tests and examples, a key of counting bytes.
HARMLESS = re.compile(
    r"://(?:u:p|a:b|u:hunter2|dsar:secret|dsar_(?:las|skriv):(?:las|skriv)|dsar_service:\.\.\.|\w+:CHANGE-ME)@"
    r"|QUFBQUFB[QUFB]+E=|AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)


#: {file: kinds that it may hold}
OF_THE_LAB = {"tests/lab/settings.ini": ["key of 32 bytes"]}


def secrets_in(text: str) -> list[str]:
    found = [(kind, match[0]) for kind, pattern in SECRETS.items() for match in re.finditer(pattern, text)]
    return [kind for kind, what in found if not HARMLESS.search(what)]


def test_no_file_of_the_project_holds_a_secret() -> None:
    """Mails of tests and their labels are made up, and carry encoded attachments by the thousand."""
    found = {}
    for path in project_files():
        if path.suffix == ".eml" or path.is_relative_to(ROOT / "tests" / "fuzz"):
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if kinds := secrets_in(text):
            found[str(path.relative_to(ROOT))] = kinds

    assert found == OF_THE_LAB


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("private key", "-----BEGIN " + "EC PRIVATE KEY-----"),
        ("GitHub", "ghp_" + "a1B2" * 9),
        ("AWS", "AKIA" + "ABCDEFGH12345678"),
        ("JSON web token", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.x"),
        ("key of 32 bytes", "key = " + "kX" * 21 + "k="),
        ("password in a URL", "postgresql://dsar:" + "Xq7vT2@db.example/dsar"),
    ],
)
def test_each_kind_of_secret_is_seen(kind: str, text: str) -> None:
    assert secrets_in(text) == [kind]
