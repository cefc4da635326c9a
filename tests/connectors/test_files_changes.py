"""Registers that are written back, comments, and folders of documents: nothing is lost, nothing is left over."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from documents import docx, pdf
from openpyxl import Workbook, load_workbook
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from registers import CELLS, as_csv, write_book
from registers import connect_to_change as connect

from connectors import conformance
from dsar.declaration import parse_declaration
from dsar.errors import SystemDriftError, SystemRefusedError, SystemUnavailableError
from dsar.model import Identifier, IdentifierType, RequestedChange, Strength

NOW = conformance.READ_AT
CHANGE = RequestedChange(field="email", old=None, new="asa@example.org", valid_from=None)
APPLICATIONS = parse_declaration(
    """
name = "recruitment"
kind = "files"
label = {sv = "Rekrytering", en = "Recruitment"}
canary = {type = "email", value = "kanarie@example.com"}
[[object]]
name = "application"
label = {sv = "Ansökan", en = "Application"}
file = "**/*.*"
content = "document"
key = "file"
activities = ["A7"]
find = [
  {by = "email", columns = ["text"]},
  {by = "personnummer", columns = ["text"]},
  {by = "name", columns = ["text"]},
]
erase = {action = "delete"}
fields = [
  {column = "file", label = {sv = "Fil", en = "File"}, category = "recruitment"},
  {column = "text", label = {sv = "Text", en = "Text"}, category = "recruitment", free_text = true},
  {column = "criminal", label = {sv = "Brott", en = "Offences"}, category = "criminal"},
]
""",
    source="recruitment",
)


def steps_for(office: Any, number: str, *, erase: bool) -> Any:
    records = conformance.search(office, IdentifierType.CUSTOMER_NO, number)
    return office.plan_erase(records) if erase else office.plan_update(records, [CHANGE])


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_every_other_byte_of_a_csv_stays(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "register.csv"
    text = ending.join(["no;name;mail;phone;offers", 'K1;"Ek; Åsa";asa@example.se;;1', 'K2;"Bo";  b@c.se ;;', ""])
    path.write_bytes(text.encode("cp1252"))
    (step,) = steps_for(connect(tmp_path), "K1", erase=False)

    connect(tmp_path).apply(step, key="1")

    assert path.read_bytes() == text.replace("asa@example.se", "asa@example.org").encode("cp1252")


def test_the_backup_lasts_until_the_change_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_text(as_csv(CELLS), "utf-8")
    office = connect(tmp_path)
    (step,) = steps_for(office, "K1", erase=True)

    office.apply(step, key="1")
    assert "Lindqvist" in (tmp_path / ".dsar-backup-register.csv").read_text("utf-8")

    assert office.verify(step).done
    assert not [each for each in tmp_path.iterdir() if b"Lindqvist" in each.read_bytes()]


def test_a_file_that_somebody_has_open_is_left_alone(tmp_path: Path) -> None:
    write_book(tmp_path / "register.xlsx")
    office = connect(tmp_path)
    (step,) = steps_for(office, "K1", erase=True)
    (tmp_path / "~$register.xlsx").write_bytes(b"Eva")

    with pytest.raises(SystemUnavailableError, match="open"):
        office.apply(step, key="1")

    assert conformance.numbers(conformance.search(office, IdentifierType.CUSTOMER_NO, "K1")) == {"K1"}


def test_a_character_that_the_encoding_lacks_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "register.csv"
    path.write_bytes(as_csv(CELLS).encode("cp1252"))
    before = path.read_bytes()
    office = connect(tmp_path)
    records = conformance.search(office, IdentifierType.CUSTOMER_NO, "K1")
    (step,) = office.plan_update(records, [RequestedChange(field="email", old=None, new="ł@ex.pl", valid_from=None)])

    with pytest.raises(SystemRefusedError):
        office.apply(step, key="1")
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A1", "@SUM(1)", "+cmd|'/c calc'!A1", "-1+SUM(1)"])
def test_nobody_writes_a_formula_into_a_register(tmp_path: Path, text: str) -> None:
    write_book(tmp_path / "register.xlsx")
    office = connect(tmp_path)
    records = conformance.search(office, IdentifierType.CUSTOMER_NO, "K1")
    (step,) = office.plan_update(records, [RequestedChange(field="email", old=None, new=text, valid_from=None)])

    with pytest.raises(SystemRefusedError, match="formula"):
        office.apply(step, key="1")


def test_a_picture_in_a_workbook_is_not_lost_by_writing(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    office = connect(tmp_path)
    (step,) = steps_for(office, "K1", erase=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/media/image1.png", b"png")

    with pytest.raises(SystemRefusedError, match="pictures"):
        office.apply(step, key="1")


def test_the_format_of_the_other_cells_stays(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    page = book.worksheets[0]
    page["B3"].number_format = "0.000"
    page.column_dimensions["B"].width = 44
    book.save(path)
    (step,) = steps_for(connect(tmp_path), "K1", erase=False)

    connect(tmp_path).apply(step, key="1")

    page = load_workbook(path).worksheets[0]
    assert (page["B3"].number_format, page.column_dimensions["B"].width) == ("0.000", 44)


def cells(path: Path) -> list[list[object]]:
    return [list(row) for row in load_workbook(path).worksheets[0].iter_rows(max_col=1, values_only=True)]


def erase(folder: Path, number: str) -> None:
    office = connect(folder)
    (step,) = steps_for(office, number, erase=True)
    office.apply(step, key="1")
    assert office.verify(step).done


def test_a_row_that_is_erased_leaves_no_gap(tmp_path: Path) -> None:
    """Height, link, comment and format of every other row go along."""
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    page = book.worksheets[0]
    page.row_dimensions[4].height = 44
    page["B4"].hyperlink = "https://example.se/"
    page["B4"].font = Font(bold=True)
    page.auto_filter.ref = "A1:E6"
    book.save(path)

    erase(tmp_path, "K2")

    page = load_workbook(path).worksheets[0]
    assert cells(path) == [["no"], ["K1"], ["K3"], ["K4"], ["K5"]]
    assert [cell.hyperlink.target for cell in page["B"] if cell.hyperlink] == ["https://example.se/"]
    assert page["B3"].hyperlink is not None
    assert (page["B3"].font.bold, page.row_dimensions[3].height, page.row_dimensions[4].height) == (True, 44, None)
    assert page.auto_filter.ref == "A1:E5"


@pytest.mark.parametrize("erasing", [True, False], ids=["erase", "update"])
def test_the_link_that_a_program_made_of_an_address_goes_with_it(tmp_path: Path, *, erasing: bool) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    book.worksheets[0]["C2"].hyperlink = "mailto:Asa.Lindqvist@Example.se"
    book.save(path)
    office = connect(tmp_path)
    (step,) = steps_for(office, "K1", erase=erasing)

    office.apply(step, key="1")

    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if b"Asa.Lindqvist" in archive.read(name)]


def test_a_table_of_the_program_ends_a_row_earlier(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    book.worksheets[0].add_table(Table(displayName="kunder", ref="A1:E6"))
    book.save(path)

    erase(tmp_path, "K2")

    assert load_workbook(path).worksheets[0].tables["kunder"].ref == "A1:E5"
    assert len(cells(path)) == 5


def put_formula(book: Workbook) -> None:
    book.create_sheet("Summa")["A1"] = "=COUNTA(Sheet!A2:A6)"


def merge_below(book: Workbook) -> None:
    book.worksheets[0].merge_cells("A9:B9")


def name_a_range(book: Workbook) -> None:
    book.defined_names["kunder"] = DefinedName("kunder", attr_text="Sheet!$A$2:$A$6")


def colour_below(book: Workbook) -> None:
    rule = Rule(type="expression", formula=["TRUE"], dxf=DifferentialStyle(font=Font(bold=True)))
    book.worksheets[0].conditional_formatting.add("A5:A6", rule)


@pytest.mark.parametrize("change", [put_formula, merge_below, name_a_range, colour_below])
def test_where_something_counts_rows_the_row_stays_and_is_empty(
    tmp_path: Path, change: Callable[[Workbook], None]
) -> None:
    """A formula or a range must go on meaning the same cells, and no library can move all that may point at rows."""
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    change(book)
    book.save(path)

    erase(tmp_path, "K2")

    assert cells(path)[:6] == [["no"], ["K1"], [None], ["K3"], ["K4"], ["K5"]]
    assert "K2" not in [value for row in load_workbook(path).worksheets[0].values for value in row]


def test_a_list_of_choices_that_covers_the_whole_column_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    book = load_workbook(path)
    rule = DataValidation(type="list", formula1='"0,1"', sqref="E2:E1000")
    book.worksheets[0].add_data_validation(rule)
    book.save(path)

    erase(tmp_path, "K2")

    (rule,) = load_workbook(path).worksheets[0].data_validations.dataValidation
    assert len(cells(path)) == 5
    assert str(rule.sqref) == "E2:E1000"


NAMELESS = conformance.DECLARATION.format(kind="files", place='file = "*"').replace('key = "no"\n', "")


def test_rows_without_a_key_are_erased_from_the_last_to_the_first(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    connector = connect(tmp_path, parse_declaration(NAMELESS, source="x"))
    names = [Identifier(type=IdentifierType.NAME, value=name) for name in ("Anna Öberg", "Bo O'Neill")]

    steps = connector.plan_erase(connector.search(names, read_at=NOW).records)
    for step in steps:
        connector.apply(step, key="case-1")

    assert [step.key.rpartition("!")[2] for step in steps] == ["5", "4", "3"]
    assert cells(path) == [["no"], ["K1"], ["K5"]]
    assert all(connector.verify(step).done for step in steps)


def test_a_row_without_a_key_that_was_moved_and_changed_stops_the_step(tmp_path: Path) -> None:
    path = tmp_path / "register.xlsx"
    write_book(path)
    connector = connect(tmp_path, parse_declaration(NAMELESS, source="x"))
    bo = [Identifier(type=IdentifierType.EMAIL, value="bo@example.com")]
    (step,) = connector.plan_erase(connector.search(bo, read_at=NOW).records)
    book = load_workbook(path)
    book.worksheets[0].delete_rows(2)
    book.worksheets[0]["E4"] = "0"
    book.save(path)

    with pytest.raises(SystemDriftError):
        connector.apply(step, key="case-1")
    assert ["K4"] in cells(path)


# ---------------------------------------------------------------------------------------------------------- comments


def test_a_comment_that_is_declared_is_part_of_its_row(tmp_path: Path) -> None:
    write_book(tmp_path / "register.xlsx", comment="ringde argt, bo@example.com vet mer")
    field = '{column = "#comments", label = {sv = "K", en = "C"}, category = "note", free_text = true},\n]'
    text = conformance.DECLARATION.format(kind="files", place='file = "*"')
    text = f"{text.rstrip().removesuffix(']')}  {field}"
    declaration = parse_declaration(text, source="x")

    (record,) = conformance.search(connect(tmp_path, declaration), IdentifierType.CUSTOMER_NO, "K1")

    assert [each.value for each in record.values if each.path == "#comments"] == ["ringde argt, bo@example.com vet mer"]


def test_a_comment_that_nobody_declared_makes_the_read_incomplete(tmp_path: Path) -> None:
    write_book(tmp_path / "register.xlsx", comment="ringde argt")

    answer = connect(tmp_path).search([conformance.identifier(IdentifierType.CUSTOMER_NO, "K1")], read_at=NOW)

    assert not answer.complete


# --------------------------------------------------------------------------------------------------------- documents

CV = "CV för Åsa Lindqvist, asa.lindqvist@example.se, född 19640823-3234."
MAIL = b"From: <asa.lindqvist@example.se>\r\nSubject: Jobb\r\nMessage-ID: <1@x>\r\n\r\nHej\r\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "2026").mkdir()
    (tmp_path / "2026" / "cv.pdf").write_bytes(pdf(CV))
    (tmp_path / "2026" / "cv.docx").write_bytes(docx(f"<w:p><w:r><w:t>{CV}</w:t></w:r></w:p>"))
    (tmp_path / "mail.eml").write_bytes(MAIL)
    (tmp_path / "note.txt").write_bytes(CV.encode("utf-8"))
    (tmp_path / "kanarie.txt").write_text("kanarie@example.com")
    return tmp_path


def test_a_person_is_found_in_every_kind_of_document_as_a_candidate(folder: Path) -> None:
    records = conformance.search(connect(folder, APPLICATIONS), IdentifierType.EMAIL, "asa.lindqvist@example.se")

    assert {record.key for record in records} == {"2026/cv.pdf", "2026/cv.docx", "mail.eml", "note.txt"}
    assert {record.strength for record in records} == {Strength.CANDIDATE}
    assert connect(folder, APPLICATIONS).health().ok


@pytest.mark.parametrize("is_there", [False, True])
def test_a_document_in_a_folder_that_is_not_mounted_is_not_called_erased(folder: Path, *, is_there: bool) -> None:
    """What is not there cannot be read back, nor can what should hold at least the canary and holds nothing (P7)."""
    share = folder / "2026"
    (folder / "kanarie.txt").rename(share / "kanarie.txt")
    office = connect(share, APPLICATIONS)
    (step, *_) = office.plan_erase(conformance.search(office, IdentifierType.PERSONNUMMER, "640823-3234"))
    share.rename(folder / "elsewhere")
    if is_there:
        share.mkdir()

    with pytest.raises(SystemUnavailableError):
        office.apply(step, key="1")
    with pytest.raises(SystemUnavailableError):
        office.verify(step)


def plan_for_mail(office: Any, place: str = "mail.eml") -> Any:
    """The step that erases the mail, where it is."""
    found = conformance.search(office, IdentifierType.EMAIL, "asa.lindqvist@example.se")
    (step,) = office.plan_erase([record for record in found if record.key == place])
    return step


@pytest.mark.parametrize("place", ["anställda/asa.eml", "2026 Lindqvist, ej aktuell.eml"])
def test_a_document_that_somebody_renamed_or_sorted_elsewhere_is_not_called_erased(folder: Path, place: str) -> None:
    office = connect(folder, APPLICATIONS)
    step = plan_for_mail(office)
    moved = folder / place
    moved.parent.mkdir(exist_ok=True)
    (folder / "mail.eml").rename(moved)

    with pytest.raises(SystemDriftError):
        office.apply(step, key="1")

    assert moved.exists()
    again = plan_for_mail(office, place)  # a new search finds it where it is
    office.apply(again, key="2")
    assert (office.verify(again).done, moved.exists()) == (True, False)


def test_a_document_that_somebody_has_removed_meanwhile_is_gone(folder: Path) -> None:
    office = connect(folder, APPLICATIONS)
    step = plan_for_mail(office)
    (folder / "mail.eml").unlink()

    office.apply(step, key="1")

    assert office.verify(step).done


def test_a_document_is_known_again_even_where_its_ending_says_to_be_something_else(folder: Path) -> None:
    office = connect(folder, APPLICATIONS)
    step = plan_for_mail(office)
    (folder / "mail.eml").rename(folder / "mail.eml.pdf")

    with pytest.raises(SystemDriftError):
        office.apply(step, key="1")


def test_a_document_is_erased_and_gone(folder: Path) -> None:
    office = connect(folder, APPLICATIONS)
    steps = office.plan_erase(conformance.search(office, IdentifierType.PERSONNUMMER, "640823-3234"))

    for step in steps:
        office.apply(step, key="1")
        office.apply(step, key="1")
        assert office.verify(step).done

    assert sorted(path.name for path in folder.rglob("*.*") if path.is_file() and path.name != ".dsar-lock") == [
        "kanarie.txt",
        "mail.eml",
    ]


@pytest.mark.parametrize(
    "content", [b"%PDF-1.4 torn", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_a_document_that_only_a_person_can_read_makes_the_answer_incomplete(folder: Path, content: bytes) -> None:
    (folder / "scan.bin").write_bytes(content)

    answer = connect(folder, APPLICATIONS).search(
        [conformance.identifier(IdentifierType.EMAIL, "asa.lindqvist@example.se")], read_at=NOW
    )

    assert (len(answer.records), answer.complete) == (4, False)
    assert answer.detail == "application: 1 of 6 files could not be read whole"


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.txt"
    secret.write_text("asa.lindqvist@example.se")
    (folder / "link.txt").symlink_to(secret)

    answer = connect(folder, APPLICATIONS).search(
        [conformance.identifier(IdentifierType.EMAIL, "asa.lindqvist@example.se")], read_at=NOW
    )

    assert "link.txt" not in {record.key for record in answer.records}
    assert not answer.complete
