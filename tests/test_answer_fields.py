"""Every field of an access answer, read from the PDF as a reader and a screen reader get it; none can be left out."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from answers import fields, heard, not_heard, not_seen, said_by, seen
from builders import activity, both, facts, recipient, record, value, withheld
from office import Office, open_office

from dsar.casework import answering, approving, attaching, redacting, searching
from dsar.casework.answering import Draft
from dsar.casework.context import App
from dsar.errors import ApprovalError, LetterError
from dsar.letters import compose_export
from dsar.letters.mandatory import FIELDS
from dsar.model import Activity, AnnexedDocument, Right
from dsar.store.tables import Request

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
MARIA = "maria.oberg@example.se"
REQUEST = (
    "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig. Radera sedan mina uppgifter.\n\nHälsningar\nMaria Öberg"
)

pytestmark = pytest.mark.usefixtures("poppler")

#: What the sample systems do not hold: column -> its label, category and more, and what stands there about Maria.
ARCHIVE = {
    "mail": ("E-post", "contact", "", MARIA),
    "brev": (
        "Kopia av brev",
        "note",
        ", free_text = true",
        "Hon skrev om fakturan. Ring grannen Sixten Gustavsson.",
    ),
    "segment": (
        "Kundsegment",
        "marketing",
        ', source = {sv = "Beräknat av oss ur köpen", en = "Computed by us from the purchases"}',
        "återköpare",
    ),
    "samtycke": ("Samtycke", "marketing", "", "ja, i butiken, 2024-03-01 kl. 10:12"),
    "losen": ("Lösenord", "technical", "", "en kontrollsumma sparas, den visas inte"),
    "logg": ("Inloggning i driftsystemet", "log", "", "2026-02-03 14:05 från kontoret i Varberg"),
    "kopia": ("Säkerhetskopia som skiljer sig", "contact", "", "Äldre gatan 3"),
    "adressbok": ("Säljarens adressbok", "contact", "", "Maria Ö (mobil)"),
    "fil": ("Dokument", "technical", "", "avtal.txt"),
}


def archive(folder: Path) -> None:
    """A folder with a register and a signed agreement, and its declaration."""
    (folder / "archive").mkdir(parents=True)
    head, row = ";".join(["nr", *ARCHIVE]), ";".join(["1", *(each[3] for each in ARCHIVE.values())])
    (folder / "archive" / "arkiv.csv").write_text(f"{head}\n{row}\n", "utf-8")
    (folder / "archive" / "avtal.txt").write_text("Avtal om service för Maria Öberg.", "utf-8")
    fields = "".join(
        f'  {{column = "{column}", label = {{sv = "{label}", en = "{label}"}}, category = "{category}", '
        f'asserted_by = "company"{more}}},\n'
        for column, (label, category, more, _) in ARCHIVE.items()
    )
    (folder / "archive.toml").write_text(
        'name = "archive"\nkind = "files"\nlabel = {sv = "Arkivet", en = "The archive"}\n'
        '[[object]]\nname = "person"\nlabel = {sv = "Person", en = "Person"}\nfile = "*.csv"\nkey = "nr"\n'
        'activities = ["A1"]\nfind = [{by = "email", columns = ["mail"]}]\n'
        'documents = [{label = {sv = "Avtal", en = "Agreement"}, file = "fil"}]\n'
        f"fields = [\n{fields}]\n",
        "utf-8",
    )


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Maria stands in every system and has asked for access and erasure; each thing about others was decided."""
    folder = tmp_path_factory.mktemp("office")
    archive(folder / "data")
    more = {
        "system.archive": "connector = files\ndeclaration = data/archive.toml\nfolder = data/archive",
        "system.office": "connector = files\ndeclaration = data/office.toml\nfolder = data/office",
    }
    with open_office(folder, more=more) as opened:
        opened.receive(f"Maria Öberg <{MARIA}>", REQUEST, at=NOW)
        opened.session.run_due()
        case = opened.only_case()
        searching.decide(opened.app, case, [], accepted=False, actor="anna", now=NOW)
        numbers = [each.number for each in redacting.passages(opened.app, case)]
        redacting.decide(opened.app, case, numbers, removed=True, actor="anna", now=NOW)
        attaching.fetch(opened.app, case.id or 0, now=NOW)
        yield opened


def access(office: Office) -> Request:
    return next(request for request in office.requests() if request.right == Right.ACCESS)


@pytest.fixture(scope="module")
def shown(office: Office) -> Draft:
    return answering.show(office.app, office.only_case(), access(office), actor="bo", now=NOW)


@pytest.fixture(scope="module")
def document(shown: Draft, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pdf") / "answer.pdf"
    place.write_bytes(shown.letter.annexes[0].content)
    return place


#: Field -> what it says about Maria, beside the words by which it is known in every answer.
ABOUT_MARIA = {
    "F01": ("D-2026-00001", "25 november 2026"),
    "F03": ("Vi har inget dataskyddsombud",),
    "F07": ("m***@example.se",),
    "F08": ("Affärssystemet", "Webbshoppen", "Arkivet", "Besöksregistret"),
    "F09": ("1 namn i fritext (Arkivet)",),
    "F10": ("i ett eget brev, senast den 25 december 2026",),
    "D01": ("Gatuadress", "Bäckagårdsvägen 51"),
    "D02": ("privatkund",),
    "D03": ("Affärssystemet", "Upplagd"),
    "D04": ("Marknadsdata i Väst AB",),
    "D05": ("Provade kontorsstolar",),
    "D06": ("Kopia av brev", "Hon skrev om fakturan"),
    "D07": ("D-2026-00001-bilaga-1.txt", "Avtal"),
    "D08": ("Kundsegment", "återköpare", "Beräknat av oss ur köpen"),
    "D09": ("Samtycke", "ja, i butiken, 2024-03-01 kl. 10:12"),
    "D10": ("maria.oberg", "W1004", "XO-5004", "Lösenord", "en kontrollsumma sparas, den visas inte"),
    "D11": ("Inloggning i driftsystemet", "2026-02-03 14:05", "logg"),
    "D12": ("Säkerhetskopia som skiljer sig", "Äldre gatan 3"),
    "D13": ("Säljarens adressbok", "Maria Ö (mobil)"),
    "I15": ("Din handläggare heter Anna Berg",),
}
IN_THE_PDF = fields(ABOUT_MARIA)


@pytest.fixture(scope="module")
def read(document: Path) -> str:
    return seen(document)


@pytest.fixture(scope="module")
def told(document: Path) -> str:
    return heard(document)


@pytest.mark.parametrize("field", IN_THE_PDF)
def test_the_pdf_says_the_field_to_who_reads_it(read: str, field: str) -> None:
    assert not_seen(IN_THE_PDF[field], read) == []


@pytest.mark.parametrize("field", IN_THE_PDF)
def test_the_structure_says_the_field_to_who_hears_it(told: str, field: str) -> None:
    assert not_heard(IN_THE_PDF[field], told) == []


def test_headings_tables_and_header_cells_are_told_apart(document: Path) -> None:
    structure = said_by("pdfinfo", "-struct", document)
    assert {"H1", "H2", "Table", "TR", "TH", "TD", "L", "LI"} <= set(structure.replace(":", "").split())


@pytest.mark.usefixtures("qpdf")
def test_the_file_has_no_fault(document: Path) -> None:
    assert "No syntax or stream encoding errors found" in said_by("qpdf", "--check", document)


def test_machine_readable_copies_and_the_documents_come_along(shown: Draft) -> None:
    """D14, and D07 as a file of its own."""
    names = [annex.filename.removeprefix("D-2026-00001") for annex in shown.letter.annexes]
    assert names == [".pdf", ".json", ".csv", "-bilaga-1.txt"]


def test_what_was_left_out_stands_in_no_form_of_the_answer(shown: Draft) -> None:
    contents = b"".join(annex.content for annex in shown.letter.annexes[1:])
    assert b"Sixten" not in contents


# ------------------------------------------------------------------------------------------------ one field fewer


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("I01", activity(purposes=both(" "))),
        ("I02", activity(legal_basis=both(" "))),
        ("I03", activity(categories=both(" "))),
        ("I04", activity(recipients=(recipient(name=""),))),
        ("I05", activity(retention=both(" "))),
        ("I13", activity(recipients=(recipient(country="US"),))),
    ],
)
def test_approval_fails_by_the_name_of_the_field_that_the_register_lacks(
    office: Office, shown: Draft, field: str, changed: Activity
) -> None:
    app: App = replace(office.app, register={**office.app.register, "A1": changed})
    with pytest.raises(ApprovalError, match=f"{field}: "):
        approving.approve(app, office.only_case(), access(office), actor="bo", now=NOW)
    assert shown.row.status == "draft"


@pytest.mark.parametrize("name", ["name", "orgnr", "address", "postcode_city", "email"])
def test_approval_fails_by_the_name_of_what_the_controller_lacks(office: Office, shown: Draft, name: str) -> None:
    app: App = replace(office.app, controller=replace(office.app.controller, **{name: ""}))
    with pytest.raises(ApprovalError, match=f"F02: the controller's {name} is missing"):
        approving.approve(app, office.only_case(), access(office), actor="bo", now=NOW)
    assert shown.row.status == "draft"


WHOLE: dict[str, Any] = {
    "reference_on": date(2026, 11, 21),
    "received_on": date(2026, 11, 19),
    "withheld": (withheld(),),
    "other_outcomes": ("Få dina uppgifter raderade: klart den 1 december 2026.",),
    "controller": replace(facts().controller, dpo="ombud@xelent.example"),
    "records": (
        record(
            value("P", path="kind", explanation=both("privatkund", "private customer")),
            value("registerpost", path="origin", source=both("köpt från Registret AB", "bought from Registret AB")),
        ),
    ),
    "activities": (
        activity(
            source=both("från folkbokföringen", "from the population register"),
            automated_decisions=both("en kreditprövning görs av en maskin", "a machine checks the credit"),
            recipients=(recipient(country="US", transfer_basis=both("standardavtalsklausuler", "standard clauses")),),
        ),
    ),
    "documents": (
        AnnexedDocument(
            filename="D-2026-00042-bilaga-1.pdf",
            label=both("avtal", "agreement"),
            name="avtal.pdf",
            system=both("arkivet", "the archive"),
            size=1,
            sha256="0" * 64,
            redacted=False,
        ),
    ),
}

#: Field -> what of the shipped template says it.
SAYS = {
    "F01": r"\{\{ case_reference \}\}",
    "F03": r"\{\{ controller\.dpo \}\}",
    "F04": r"\{\{ received_on \}\}",
    "F05": r"\{\{ reference_on \}\}",
    "F07": r"\{\{ search_keys\|listed \}\}",
    "F08": r"\{\{ place\.label\|capital \}\}",
    "F09": r"\{\{ item\.ground \}\}",
    "F10": r"\{\{ outcome \}\}",
    "D01": r"\{\{ value\.value\|lines \}\}",
    "D02": r"\{\{ value\.explanation \}\}",
    "D04": r"\{\{ value\.source \}\}",
    "D07": r"\{\{ item\.filename \}\}",
    "I01": r"\{\{ activity\.purposes \}\}",
    "I02": r"\{\{ activity\.legal_basis \}\}",
    "I03": r"\{\{ activity\.categories \}\}",
    "I04": r"\{\{ recipient\.role \}\}",
    "I05": r"\{\{ activity\.retention \}\}",
    "I11": r"\{\{ activity\.source \}\}",
    "I12": r"\{\{ activity\.automated_decisions \}\}",
    "I13": r"\{\{ recipient\.transfer_basis \}\}",
}


def test_every_field_but_those_locked_in_blocks_is_tried_below() -> None:
    """F02 is the letterhead, which is a locked block as IMY, court and contact are."""
    assert {field.name.split()[0] for field in FIELDS} == set(SAYS) | {"F02"}


@pytest.mark.parametrize("field", SAYS)
def test_an_own_template_that_leaves_a_field_out_is_refused_by_its_name(tmp_path: Path, field: str) -> None:
    import letter_templates

    shipped = Path(letter_templates.__file__).parent / "sv"
    (tmp_path / "sv").mkdir()
    for name in ("access_export.md.j2", "_frame.md.j2", "_contact.md.j2"):
        source = (shipped / name).read_text("utf-8")
        if name == "access_export.md.j2" or field == "F01":
            source = re.sub(SAYS[field], "", source)
        (tmp_path / "sv" / name).write_text(source, "utf-8")

    with pytest.raises(LetterError, match=field if field != "F01" else "contact|F01"):
        compose_export("sv", facts(**WHOLE), templates=tmp_path)


def test_the_shipped_template_says_every_field() -> None:
    assert compose_export("sv", facts(**WHOLE))
    assert compose_export("en", facts(**WHOLE))
