"""Registers in files: whatever people write is read, and what cannot be read is never "nothing"."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registers import CELLS, DECLARATION, HEADER, as_csv, connect, write_xlsx

from connectors import conformance
from connectors.files import FilesConnector
from connectors.tables import decoded
from dsar.connector import Searches, Updates
from dsar.errors import SettingsError, SystemUnavailableError
from dsar.model import IdentifierType

CUSTOMER_NO = IdentifierType.CUSTOMER_NO


def test_it_searches_and_changes_nothing(tmp_path: Path) -> None:
    connector = connect(tmp_path)

    assert isinstance(connector, Searches)
    assert not isinstance(connector, Updates)


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "register.csv").write_text(as_csv(CELLS, delimiter), encoding="utf-8")

    assert conformance.numbers(conformance.search(connect(tmp_path), CUSTOMER_NO, "K1")) == {"K1"}


def test_a_hidden_sheet_is_read_and_the_key_says_where(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [list(HEADER), ["K9", "Åke Ö", "ake@example.se", "", "0"]]
    write_xlsx(tmp_path / "register.xlsx", {"Blad1": [list(row) for row in CELLS], "Gamla": rows}, hidden="Gamla")

    (record,) = conformance.search(connect(tmp_path), IdentifierType.EMAIL, "ake@example.se")

    assert record.key == "register.xlsx#Gamla!K9"


def test_numbers_of_a_spreadsheet_are_found_as_they_are_written(tmp_path: Path) -> None:
    """A spreadsheet program makes 10442.0 of a customer number and 46701740699.0 of a phone."""
    rows: list[list[str | float]] = [list(HEADER), [10442.0, "Åke Ö", "", "+46701740699", 0.0]]
    write_xlsx(tmp_path / "register.xlsx", {"Blad1": rows})

    (record,) = conformance.search(connect(tmp_path), CUSTOMER_NO, "10442")

    assert [value.value for value in record.values if value.path in {"no", "offers"}] == ["10442", "0"]


@pytest.mark.parametrize(
    "content",
    [
        b"",  # a spreadsheet needs more than nothing
        b"PK\x03\x04 torn",
    ],
)
def test_a_spreadsheet_that_cannot_be_read_makes_the_answer_incomplete(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_text(as_csv(CELLS), encoding="utf-8")
    (tmp_path / "Karin Ek.xlsx").write_bytes(content)

    answer = connect(tmp_path).search([conformance.identifier(CUSTOMER_NO, "K1")], read_at=conformance.READ_AT)

    assert conformance.numbers(answer.records) == {"K1"}  # what could be read is given
    assert not answer.complete
    assert answer.detail == "customer: 1 of 2 files could not be read whole"  # and names nobody


@pytest.mark.parametrize(
    "text",
    [
        "nummer;namn\r\n1;Åsa\r\n",  # other columns than declared
        "no;name;mail;phone;offers\r\nK1;Ek; Åsa;a@b.se;0701740605;1\r\n",  # an unquoted delimiter shifts the row
        'no;name;mail;phone;offers\r\nK1;"Åsa;a@b.se;;1\r\n',  # a quote that never ends
        "no;name;mail;mail;phone;offers\r\nK1;Åsa;a@b.se;c@d.se;;1\r\n",  # two columns of one name
    ],
)
def test_a_register_that_is_not_as_declared_makes_the_answer_incomplete(tmp_path: Path, text: str) -> None:
    (tmp_path / "register.csv").write_text(text, encoding="utf-8")

    answer = connect(tmp_path).search([conformance.identifier(CUSTOMER_NO, "K1")], read_at=conformance.READ_AT)

    assert (answer.records, answer.complete) == ((), False)
    assert not connect(tmp_path).health().ok


def test_a_folder_without_the_declared_files_is_incomplete_and_not_nothing(tmp_path: Path) -> None:
    answer = connect(tmp_path).search([conformance.identifier(CUSTOMER_NO, "K1")], read_at=conformance.READ_AT)

    assert not answer.complete
    assert answer.detail == "customer: no file is there"


def test_a_folder_that_is_gone_is_temporary(tmp_path: Path) -> None:
    with pytest.raises(SystemUnavailableError):
        conformance.search(connect(tmp_path / "gone"), CUSTOMER_NO, "K1")


def test_a_missing_option_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="system office: folder is missing"):
        FilesConnector(name="office", declaration=DECLARATION, options={})


@given(st.binary(max_size=300))
def test_any_bytes_become_text_or_a_value_error(content: bytes) -> None:
    try:
        assert isinstance(decoded(content), str)
    except ValueError:
        assert b"\x00" in content[:200] or content[:2] in {b"\xff\xfe", b"\xfe\xff"} or content[:3] == b"\xef\xbb\xbf"
