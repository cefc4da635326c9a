"""How the answers of people are read, what they mean, and when a colleague's change counts as done."""

import io
import resource
import zipfile
from collections.abc import Callable

import pytest
from colleague import Desk, answered, connector_for, declaration, read, table
from openpyxl import Workbook

from connectors import conformance
from connectors.manual import open_manual
from dsar.connector import Word
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemContractError
from dsar.model import Identifier, IdentifierType, StepAction, Strength

ASKED = [
    Identifier(type=IdentifierType.EMAIL, value="bo@example.com"),
    Identifier(type=IdentifierType.NAME, value="Bo O'Neill"),
]


def test_outside_a_case_nobody_is_asked_and_nothing_is_called_nothing() -> None:
    answer = connector_for().search(ASKED, read_at=conformance.READ_AT)
    assert (answer.records, answer.waiting) == ((), True)


def test_what_was_not_answered_is_waited_for() -> None:
    answer = connector_for(Desk({}, waiting_for="TASK-1 not answered")).search(ASKED, read_at=conformance.READ_AT)
    assert (answer.waiting, answer.detail) == (True, "TASK-1 not answered")


def test_other_people_of_a_register_are_left_out() -> None:
    """Colleagues send whole lists: a row counts only if it holds something of the person."""
    answer = answered(("lista.csv", table(conformance.ROWS)), asked_for=ASKED).search(
        ASKED[:1], read_at=conformance.READ_AT
    )
    assert conformance.numbers(answer.records) == {"K4"}


def test_what_was_written_for_the_person_is_a_candidate_whatever_it_says() -> None:
    system = answered(text="Hon brukade ringa hit om skrivaren, Storgatan 3", asked_for=ASKED)
    (record,) = system.search(ASKED[:1], read_at=conformance.READ_AT).records
    assert (record.strength, record.values[0].free_text) == (Strength.CANDIDATE, True)


def test_a_value_with_a_declared_label_is_as_sure_as_its_field() -> None:
    system = answered(text="Namn: Bo O'Neill\nE-post: bo@example.com")
    (record,) = system.search(ASKED[:1], read_at=conformance.READ_AT).records
    assert record.strength is Strength.CERTAIN


def test_cells_without_a_column_of_their_own_are_kept_as_text() -> None:
    assert read("", ("besök.csv", b"Namn;E-post;Skostorlek\nBo;bo@example.com;43\n")) == [
        {"name": "Bo", "mail": "bo@example.com", "text": "Skostorlek: 43"}
    ]


def test_a_spreadsheet_is_read_with_its_hidden_sheets() -> None:
    book = Workbook()
    book.create_sheet("gömt").append(["Telefon", "Namn"])
    book["gömt"].append(["070-174 06 08", "Bo"])
    book["gömt"].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    assert read("", ("lista.xlsx", out.getvalue())) == [{"phone": "070-174 06 08", "name": "Bo"}]


CARD = """BEGIN:VCARD
VERSION:3.0
FN:Bo O'Neill
TEL;TYPE=cell:070-174 06 08
TEL;TYPE=work:0340-123 45
EMAIL:bo@example.com
NOTE:Vill helst ha fax
END:VCARD
"""


def test_a_contact_card_is_read_into_the_columns_for_such_values() -> None:
    assert read("", ("bo.vcf", CARD.encode())) == [
        {
            "name": "Bo O'Neill",
            "phone": "070-174 06 08, 0340-123 45",
            "mail": "bo@example.com",
            "text": "note: Vill helst ha fax",
        }
    ]


def test_a_mail_is_read_as_text() -> None:
    mail = b"From: bo@example.com\r\nSubject: Faktura\r\n\r\nHej, jag heter Bo.\r\n"
    (held,) = read("", ("mejl.eml", mail))
    assert "Hej, jag heter Bo." in held["text"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kort.vcf", b"BEGIN:VCARD\nFN:half a card\n"),
        ("kort.vcf", b"no card at all"),
        ("lista.xlsx", b"PK\x03\x04 broken"),
        ("lista.csv", b""),
        ("arkiv.zip", b"PK\x03\x04"),
        ("skannat.pdf", b"%PDF-1.4\n%%EOF"),
    ],
)
def test_what_only_a_person_can_read_is_no_answer(name: str, content: bytes) -> None:
    """A partial read is a failed read (P5)."""
    with pytest.raises(SystemContractError):
        read("", (name, content))


def far_apart() -> bytes:
    """A workbook of five kilobytes whose two cells stand in the first and the last of 17 billion places."""
    book = Workbook()
    sheet = book["Sheet"]
    sheet["A1"], sheet["XFD1048576"] = "Bo", "Bo"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def unfolding() -> bytes:
    """A workbook of a megabyte whose sheet is a gigabyte of XML."""
    book = Workbook()
    book["Sheet"]["A1"] = "Bo"
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in given.namelist():
            if name != "xl/worksheets/sheet1.xml":
                bomb.writestr(name, given.read(name))
        row = b'<row r="1"><c r="A1" t="inlineStr"><is><t>' + b"a" * 32_000 + b"</t></is></c></row>"
        with bomb.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for _ in range(32_000):
                sheet.write(row)
            sheet.write(b"</sheetData></worksheet>")
    return out.getvalue()


BOMBS: dict[str, Callable[[], bytes]] = {
    "far_apart.xlsx": far_apart,
    "unfolding.xlsx": unfolding,
    "rows.csv": lambda: b"Namn\n" + b"Bo\n" * 2_000_000,
    "cards.vcf": lambda: b"BEGIN:VCARD\nVERSION:3.0\nFN:Bo\nEND:VCARD\n" * 60_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_unfolds_without_end_is_no_answer_and_takes_nothing_of_ours(name: str) -> None:
    """Whatever it does to its reader, the worker lives: else it would be started anew and meet the same mail (P1)."""
    content = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SystemContractError):
        read("", (name, content))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_a_change_is_waited_for_until_the_colleague_says_so() -> None:
    system = answered(("kunder.csv", table(conformance.ROWS)))
    desk = system._desk
    assert isinstance(desk, Desk)
    desk.says = Word.ASKED
    (step,) = system.plan_erase(conformance.search(system, IdentifierType.CUSTOMER_NO, "K4"))
    system.apply(step, key="case-1")
    outcome = system.verify(step)
    assert (outcome.done, outcome.waiting) == (False, True)


def test_a_change_that_cannot_be_made_becomes_a_task_for_a_person() -> None:
    system = answered(("kunder.csv", table(conformance.ROWS)))
    desk = system._desk
    assert isinstance(desk, Desk)
    desk.says = Word.CANNOT
    records = conformance.search(system, IdentifierType.CUSTOMER_NO, "K4")
    (step,) = system.plan_erase(records)
    system.apply(step, key="case-1")
    assert not system.verify(step).done
    assert [each.action for each in system.plan_erase(records)] == [StepAction.TASK]


def test_its_word_is_named_as_a_colleagues() -> None:
    system = answered(("kunder.csv", table(conformance.ROWS)))
    (step,) = system.plan_erase(conformance.search(system, IdentifierType.CUSTOMER_NO, "K4"))
    system.apply(step, key="case-1")
    assert (system.verify(step).done, system.verify(step).detail) == (True, "on the word of a colleague")


def test_an_object_without_a_place_for_free_text_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs a field text"):
        parse_declaration(conformance.DECLARATION.format(kind="manual", place=""), source="manual")


def test_options_are_checked() -> None:
    with pytest.raises(SettingsError, match="individuals must be on or off"):
        open_manual(name="office", declaration=declaration(), options={"individuals": "maybe"})
