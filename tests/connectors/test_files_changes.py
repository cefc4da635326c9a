"""Registers that are written back, comments, and folders of documents: nothing is lost, nothing is left over."""

from pathlib import Path
from typing import Any

import pytest
from documents import docx, pdf
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from test_files import CELLS, as_csv

from connectors import conformance, open_connector
from dsar.declaration import Declaration, parse_declaration
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError
from dsar.model import IdentifierType, RequestedChange, Strength

TABLE = parse_declaration(conformance.DECLARATION.format(kind="files", place='file = "*.*"'), source="conformance")
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
]
""",
    source="recruitment",
)


def connect(folder: Path, declaration: Declaration = TABLE, **options: str) -> Any:  # noqa: ANN401
    options = {"folder": str(folder), "changes": "on", **options}
    return open_connector("files", name="office", declaration=declaration, options=options)


def write_book(path: Path, cells: list[list[str]] = CELLS, *, comment: str = "") -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    for row in cells:
        page.append(row)
    if comment:
        page["B2"].comment = Comment(comment, "Eva")
    book.save(path)


class TestChangedCsv(
    conformance.SearchTests,
    conformance.AttachTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
):
    @pytest.fixture(params=["utf-8-sig", "cp1252", "utf-16"])
    def connector(self, request: pytest.FixtureRequest, tmp_path: Path) -> Any:  # noqa: ANN401
        (tmp_path / "avtal").mkdir()
        (tmp_path / "avtal" / conformance.PAPER.name).write_bytes(conformance.PAPER.content)
        paths = ["paper", f"avtal\\{conformance.PAPER.name}", *[""] * 4]
        cells = [[*row, path] for row, path in zip(CELLS, paths, strict=True)]
        (tmp_path / "register.csv").write_bytes(as_csv(cells).encode(request.param))
        place = 'file = "*.csv"\ndocuments = [{label = {sv = "Avtal", en = "Agreement"}, file = "paper"}]'
        return connect(
            tmp_path, parse_declaration(conformance.DECLARATION.format(kind="files", place=place), source="x")
        )


class TestChangedXlsx(
    conformance.SearchTests, conformance.UpdateTests, conformance.EraseTests, conformance.SuppressTests
):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> Any:  # noqa: ANN401
        write_book(tmp_path / "register.xlsx")
        return connect(tmp_path)


def steps_for(office: Any, number: str, *, erase: bool) -> Any:  # noqa: ANN401
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


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A1", "@SUM(1)"])
def test_nobody_writes_a_formula_into_a_register(tmp_path: Path, text: str) -> None:
    write_book(tmp_path / "register.xlsx")
    office = connect(tmp_path)
    records = conformance.search(office, IdentifierType.CUSTOMER_NO, "K1")
    (step,) = office.plan_update(records, [RequestedChange(field="email", old=None, new=text, valid_from=None)])

    with pytest.raises(SystemRefusedError, match="formula"):
        office.apply(step, key="1")


def test_a_picture_in_a_workbook_is_not_lost_by_writing(tmp_path: Path) -> None:
    import zipfile

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
    book.active["B3"].number_format = "0.000"  # type: ignore[index]
    book.active.column_dimensions["B"].width = 44  # type: ignore[union-attr]
    book.save(path)
    (step,) = steps_for(connect(tmp_path), "K1", erase=False)

    connect(tmp_path).apply(step, key="1")

    page = load_workbook(path).active
    assert page is not None
    assert (page["B3"].number_format, page.column_dimensions["B"].width) == ("0.000", 44)


def test_changes_need_keys() -> None:
    text = conformance.DECLARATION.format(kind="files", place='file = "*"').replace('key = "no"\n', "")

    with pytest.raises(SettingsError, match="changes need a key"):
        connect(Path(), parse_declaration(text, source="x"))


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
