"""Hostile values in every field of every kind of system: shown as text, nothing opened or executed, CSV neutral."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import sqlalchemy as sa
from builders import facts
from servers.web import Asked, Reply, serve

from connectors import conformance, open_connector
from dsar.declaration import Declaration, parse_declaration
from dsar.letters import compose, compose_export, export_csv, export_json
from dsar.model import Annex, IdentifierType, Letter, LetterFacts, LetterKind, Record
from dsar.pdf import protect, render

pytestmark = pytest.mark.usefixtures("poppler")

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

#: One of each in one value; the first character makes a spreadsheet take it for a formula.
HOSTILE = (
    '=HYPERLINK("http://evil.example","x") <img src="/etc/passwd"> {{7*7}}{% include "/etc/passwd" %} </para><para> '
    "../../../../etc/passwd [x](javascript:alert(1)) ![y](file:///etc/passwd) a|b\r\nBcc: b@evil.example "
    "\x1b[2J\x1b]0;x\x07 abc\u202egnp.exe"
)
#: What of it must be read in the PDF as it stands.
SHOWN = (
    '=HYPERLINK("http://evil.example","x")',
    '<img src="/etc/passwd">',
    "{{7*7}}",
    "</para><para>",
    "../../../../etc/passwd",
    "[x](javascript:alert(1))",
    "![y](file:///etc/passwd)",
    "a|b",
    "Bcc: b@evil.example",
)

COLUMNS = ("name", "phone", "street", "title", "status", "note", "log")
FIELDS = "".join(
    f'  {{column = "{column}", label = {{sv = "{column}", en = "{column}"}}, category = "{category}"'
    f"{', free_text = true' if column == 'note' else ''}}},\n"
    for column, category in zip(
        COLUMNS, ("identity", "contact", "contact", "organisation", "technical", "note", "log"), strict=True
    )
)
DECLARATION = """
name = "crm"
kind = "{kind}"
label = {{sv = "Registret", en = "The register"}}
{http}
[[object]]
name = "person"
label = {{sv = "Person", en = "Person"}}
{place}
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [{{by = "email", columns = ["mail"]{request}}}]
fields = [
  {{column = "no", label = {{sv = "Nr", en = "No"}}, category = "identity", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
{fields}]
"""
ROW = {"no": "K1", "mail": "asa@example.se", **dict.fromkeys(COLUMNS, HOSTILE)}


def declared(kind: str, place: str = "", *, http: str = "", request: str = "") -> Declaration:
    text = DECLARATION.format(kind=kind, place=place, http=http, request=request, fields=FIELDS)
    return parse_declaration(text, source=f"{kind}.toml")


@contextmanager
def sql(folder: Path) -> Iterator[Any]:
    url = f"sqlite:///{folder}/crm.db"
    engine = sa.create_engine(url)
    table = sa.Table("people", sa.MetaData(), *(sa.Column(name, sa.Text, primary_key=name == "no") for name in ROW))
    table.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(table), [ROW])
    engine.dispose()
    yield open_connector("sql", name="crm", declaration=declared("sql", 'table = "people"'), options={"url": url})


@contextmanager
def files(folder: Path) -> Iterator[Any]:
    (folder / "register").mkdir()
    with (folder / "register" / "people.csv").open("w", encoding="utf-8", newline="") as place:
        writer = csv.DictWriter(place, list(ROW), delimiter=";")
        writer.writeheader()
        writer.writerow(ROW)
    options = {"folder": str(folder / "register")}
    yield open_connector("files", name="crm", declaration=declared("files", 'file = "*.csv"'), options=options)


@contextmanager
def memory(folder: Path) -> Iterator[Any]:
    rows = folder / "rows.json"
    rows.write_text(json.dumps({"person": [ROW]}), "utf-8")
    options = {"rows_file": str(rows)}
    yield open_connector("memory", name="crm", declaration=declared("memory"), options=options)


@contextmanager
def rest(folder: Path) -> Iterator[Any]:  # noqa: ARG001  # called like the others
    def answer(_: Asked) -> Reply:
        return Reply(body=[ROW])

    asks = ', request = {path = "/people", query = {mail = "{value}"}}'
    declaration = declared("rest", http="http = {rate = {calls = 5000, at_once = 8}}", request=asks)
    with serve(answer) as web:
        yield open_connector("rest", name="crm", declaration=declaration, options={"url": web.url})


def record_of(connector: Any) -> Record:
    (record,) = conformance.search(connector, IdentifierType.EMAIL, "asa@example.se")
    return record


KINDS = {"sql": sql, "files": files, "memory": memory, "rest": rest}


@pytest.fixture(params=KINDS)
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Record:
    """What a search of each kind of system gives about a person whose every field is hostile."""
    with KINDS[request.param](tmp_path) as connector:
        return record_of(connector)


def answer_of(record: Record) -> tuple[LetterFacts, Letter, bytes]:
    """Facts, letter and PDF of an answer that is all made of *record*."""
    given = facts(records=(record,), system_labels=(("crm", record.object_label),), person_name=record.person_name)
    data = export_json(given, "sv")
    document = render(
        compose_export("sv", given),
        title="D-2026-00042",
        language="sv",
        footer="D-2026-00042",
        created_at=NOW,
        attachments={"D-2026-00042.json": ("application/json", data)},
    )
    annexes = (Annex(filename="D-2026-00042.pdf", content_type="application/pdf", content=document),)
    return given, compose(LetterKind.ACCESS_ANSWER, "sv", given, annexes=annexes), document


def test_every_field_arrives_hostile(held: Record) -> None:
    """Else the tests below would show nothing; a connector may cut off what ends a line."""
    values = {value.path: value.value for value in held.values}
    assert set(COLUMNS) <= set(values)
    assert all(values[column].startswith("=HYPERLINK") and "\x1b[2J" in values[column] for column in COLUMNS)


def test_it_is_shown_as_text_once_for_each_field(held: Record, tmp_path: Path) -> None:
    _, _, document = answer_of(held)
    place = tmp_path / "answer.pdf"
    place.write_bytes(document)
    done = subprocess.run(["pdftotext", place, "-"], capture_output=True, check=True, text=True)
    # A narrow column breaks it anywhere.
    shown = "".join(done.stdout.split())
    for words in SHOWN:
        assert shown.count("".join(words.split())) >= len(COLUMNS), words
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_nothing_of_it_is_active_in_the_pdf_or_its_locked_copy(held: Record) -> None:
    _, _, document = answer_of(held)
    for content, password in ((document, ""), (protect(document, "bako-nitu"), "bako-nitu")):
        with pikepdf.open(io.BytesIO(content), password=password) as pdf:
            for each in pdf.objects:
                if isinstance(each, pikepdf.Dictionary):
                    assert not {"/JS", "/JavaScript", "/URI", "/Launch", "/AA", "/OpenAction"} & set(each.keys())


def test_nothing_of_it_is_markup_in_the_mail(held: Record) -> None:
    _, letter, _ = answer_of(held)
    assert "<img" not in letter.html
    assert "javascript:" not in letter.html.replace("](javascript:", "")
    assert "\x1b" not in letter.text + letter.html
    assert "Bcc" not in letter.subject


def test_no_cell_of_the_csv_is_a_formula_and_the_json_holds_the_value_as_it_is_stored(held: Record) -> None:
    given, _, _ = answer_of(held)
    rows = list(csv.reader(io.StringIO(export_csv(given, "sv").decode("utf-8-sig"))))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert sum("HYPERLINK" in cell for row in rows for cell in row) >= len(COLUMNS)
    document = json.loads(export_json(given, "sv"))
    stored = {each["path"]: each["value"] for each in document["records"][0]["values"]}
    assert stored == {value.path: value.value for value in held.values}


def test_making_the_answer_opens_no_file_starts_nothing_and_calls_nobody(held: Record) -> None:
    """An audit hook sees every file, socket and process (PEP 578)."""
    answer_of(held)  # fonts, templates and modules are read once
    touched: list[tuple[str, str]] = []
    _WATCHING.append(touched)
    try:
        answer_of(held)
    finally:
        _WATCHING.remove(touched)
    assert touched == []


_WATCHED = frozenset({"open", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "exec"})
_HARMLESS = ("letter_templates", "site-packages", "zoneinfo", "/lib/python", "__pycache__", "<template>", "code object")
_WATCHING: list[list[tuple[str, str]]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _WATCHING and event in _WATCHED:
        name = str(arguments[0]) if arguments else ""
        if not any(each in name for each in _HARMLESS):
            for touched in _WATCHING:
                touched.append((event, name))


sys.addaudithook(_hook)  # it cannot be taken away, and does nothing unless a test watches
