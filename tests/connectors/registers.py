"""Registers of the suite's customers as files, in every form in which offices keep them."""

import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.comments import Comment

from connectors import conformance, open_connector
from connectors.files import FilesConnector
from dsar.declaration import Declaration, parse_declaration

DECLARATION = parse_declaration(conformance.DECLARATION.format(kind="files", place='file = "*"'), source="conformance")
HEADER = ["no", "name", "mail", "phone", "offers"]
CELLS = [HEADER, *([row[column] for column in HEADER] for row in conformance.ROWS)]


def connect(folder: Path) -> FilesConnector:
    return FilesConnector(name="office", declaration=DECLARATION, options={"folder": str(folder)})


def as_csv(cells: list[list[str]], delimiter: str = ";") -> str:
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in cells)


def write_xlsx(path: Path, sheets: dict[str, list[list[str | float]]], *, hidden: str = "") -> None:
    """A workbook as a spreadsheet program writes it: numbers as numbers, one sheet hidden."""
    relations, entries = [], []
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            state = ' state="hidden"' if name == hidden else ""
            entries.append(f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"{state}/>')
            relations.append(
                f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml" Type="http://schemas.'
                'openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
            )
            body = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{body}'
                "</sheetData></worksheet>",
            )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Target="xl/workbook.xml" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.'
            f'openxmlformats.org/officeDocument/2006/relationships"><sheets>{"".join(entries)}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f"{''.join(relations)}</Relationships>",
        )


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def declared(place: str) -> Declaration:
    """The customers of the suite in the files that *place* says."""
    return parse_declaration(conformance.DECLARATION.format(kind="files", place=place), source="conformance")


def connect_to_change(folder: Path, declaration: Declaration = DECLARATION) -> Any:
    options = {"folder": str(folder), "changes": "on"}
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
