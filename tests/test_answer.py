"""The access answer before IMY: every field that the law asks for stands in the PDF, and none can be left out."""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from builders import XELENT, activity, both, facts, recipient, record, value
from office import Office, open_office

from dsar.casework import answering, searching
from dsar.errors import LetterError
from dsar.letters import compose_export, export_csv, export_json
from dsar.model import LetterFacts
from dsar.pdf import render

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
REQUEST = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nHälsningar\nMaria Öberg"

pytestmark = pytest.mark.usefixtures("poppler")


def text_of(document: bytes, folder: Path) -> str:
    """All words of a PDF with single spaces."""
    place = folder / "answer.pdf"
    place.write_bytes(document)
    shown = subprocess.run(["pdftotext", place, "-"], capture_output=True, check=True, text=True).stdout
    return " ".join(shown.split())


# -------------------------------------------------------------------------------------- a person in the sample systems


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Maria Öberg, who stands in all sample systems, has asked; what is doubtful was left out."""
    with open_office(tmp_path_factory.mktemp("office")) as opened:
        opened.receive("Maria Öberg <maria.oberg@example.se>", REQUEST, at=NOW)
        opened.session.run_due()
        searching.decide(opened.app, opened.only_case(), [], accepted=False, actor="anna", now=NOW)
        yield opened


@pytest.fixture(scope="module")
def answer(office: Office, tmp_path_factory: pytest.TempPathFactory) -> str:
    shown = answering.draft(office.app, office.only_case(), office.requests()[0], now=NOW)
    return text_of(shown.letter.annexes[0].content, tmp_path_factory.mktemp("pdf"))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("F01 title", "Svar på din begäran om tillgång"),
        ("F01 case", "D-2026-00001"),
        ("F01 date", "25 november 2026"),
        ("F02 controller", "556402-9584"),
        ("F03 officer", "Dataskyddsombud"),
        ("F04 received", "Begäran kom in"),
        ("F04 understood", "Så har vi uppfattat den"),
        ("F05 reference time", "Uppgifterna visar läget"),
        ("F06 confirmation", "Ja, vi behandlar personuppgifter om dig"),
        ("F07 keys, masked", "m***@example.se"),
        ("F08 coverage", "Här har vi sökt"),
        ("D01 value", "Bäckagårdsvägen 51"),
        ("D02 code explained", "privatkund"),
        ("D03 system", "Affärssystem"),
        ("D04 source", "Marknadsdata i Väst AB"),
        ("I01 purposes", "Ändamål:"),
        ("I02 legal basis", "Rättslig grund:"),
        ("I03 categories", "Kategorier av uppgifter:"),
        ("I04 recipients", "Mottagare"),
        ("I05 retention", "Så länge sparar vi dem:"),
        ("I06 rights", "Dina rättigheter"),
        ("I07 marketing", "direkt marknadsföring"),
        ("I09 authority", "Integritetsskyddsmyndigheten (IMY), Box 8114, 104 20 Stockholm"),
        ("I10 court", "tingsrätt"),
        ("I11 source", "Varifrån de kommer:"),
        ("I12 decisions", "Automatiserade beslut:"),
        ("I13 transfers", "Överföring till länder utanför EU/EES"),
        ("I14 this request", "Uppgifterna i din begäran använder vi bara"),
        ("I15 asking back", "Du kan svara på det här meddelandet"),
    ],
)
def test_the_answer_holds(answer: str, field: str, said: str) -> None:
    assert said.casefold() in answer.casefold(), field


# ------------------------------------------------------------------------------------------- one field fewer


def without(path: str) -> LetterFacts:
    """Complete facts but for one."""
    empty: dict[str, Any] = {
        "coverage": facts(coverage=None),
        "search_keys": facts(search_keys=None),
        "activities": facts(activities=None),
        "records": facts(records=None),
        "rights": facts(rights=()),
        "reference_on": facts(reference_on=None),
        "recipient has no name": facts(activities=(activity(recipients=(recipient(name=""),)),)),
        "transfer basis": facts(activities=(activity(recipients=(recipient(country="US"),)),)),
        "purposes: the controller": facts(activities=(activity(unknown=("purposes: the controller",)),)),
        "no explanation": facts(records=(record(value("X", code_unknown=True)),)),
        "A9": facts(records=(record(activities=("A9",)),)),
    }
    for name in ("label", "purposes", "legal_basis", "categories", "retention"):
        empty[name] = facts(activities=(activity(**{name: both(" ")}),))
    for name in ("name", "orgnr", "address", "postcode_city", "email"):
        empty[f"controller's {name}"] = facts(controller=replace(XELENT, **{name: ""}))
    return empty[path]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "field",
    [
        *("coverage", "search_keys", "activities", "records", "rights", "reference_on"),
        *("label", "purposes", "legal_basis", "categories", "retention"),
        *("recipient has no name", "transfer basis", "purposes: the controller", "no explanation", "A9"),
        *(f"controller's {name}" for name in ("name", "orgnr", "address", "postcode_city", "email")),
    ],
)
def test_an_answer_without_a_field_is_refused_by_its_name(field: str) -> None:
    with pytest.raises(LetterError, match=field):
        compose_export("sv", without(field))


def test_an_answer_with_every_field_is_written() -> None:
    assert compose_export("sv", facts())


# ------------------------------------------------------------------------------------------------- hostile values

HOSTILE = [
    '<img src="/etc/passwd">',
    "{{7*7}} {% include '/etc/passwd' %}",
    "</para><para>",
    '=HYPERLINK("http://evil.example","x")',
    "../../../../etc/passwd",
    "a\r\nBcc: b@evil.example",
    "\x1b[2J\x1b]0;x\x07",
    "abc\u202egnp.exe",
    "[x](http://evil.example) ![y](file:///etc/passwd)",
]


def hostile_facts(text: str) -> LetterFacts:
    """The text in everything that a system or a sender can put something into."""
    held = record(
        value(text),
        value(text, path="note", free_text=True),
        value(text, source=both(text)),
        value(text, explanation=both(text)),
        key=text,
        person_name=text,
    )
    return facts(records=(held,), person_name=text, search_keys=(text,), system_labels=(("business", both("Affär")),))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_are_shown_and_open_nothing(tmp_path: Path, text: str) -> None:
    """An audit hook sees every file, socket and process that rendering would touch (PEP 578)."""
    script = tmp_path / "watch.py"
    script.write_text(_WATCH.format(tests=str(Path(__file__).parent)), "utf-8")
    done = subprocess.run([sys.executable, script], input=text.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, "clean\n"), done.stderr.decode()


_WATCH = """
import sys
sys.path.insert(0, {tests!r})
from test_answer import hostile_facts, made
made(hostile_facts("warm"))  # fonts, templates and modules are read once
text = sys.stdin.buffer.read().decode()
touched = []
def hook(event, arguments):
    name = str(arguments[0]) if arguments else ""
    harmless = ("letter_templates", "site-packages", "zoneinfo", "/lib/python", "__pycache__")
    watched = event in ("open", "os.system", "subprocess.Popen", "socket.connect")
    if watched and not any(each in name for each in harmless):
        touched.append((event, name))
sys.addaudithook(hook)
made(hostile_facts(text))
print(touched or "clean")
"""


def made(given: LetterFacts) -> tuple[bytes, bytes, bytes]:
    """PDF, JSON and CSV of an answer."""
    markdown = compose_export("sv", given)
    document = render(markdown, title="x", language="sv", footer="x", created_at=NOW)
    return document, export_json(given, "sv"), export_csv(given, "sv")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_leave_nothing_active_in_the_pdf(text: str) -> None:
    with pikepdf.open(io.BytesIO(made(hostile_facts(text))[0])) as pdf:
        for each in pdf.objects:
            if isinstance(each, pikepdf.Dictionary):
                assert not {"/JS", "/JavaScript", "/URI", "/Launch", "/AA", "/OpenAction"} & set(each.keys())


def test_a_word_of_a_megabyte_is_whole_and_takes_no_time(tmp_path: Path) -> None:
    word = "x" * 1_000_000
    markdown = compose_export("sv", facts(records=(record(value(word)),)))
    document = render(markdown, title="x", language="sv", footer="x", created_at=NOW)
    assert text_of(document, tmp_path).count("x") >= 1_000_000
