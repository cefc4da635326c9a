"""How many records are alike where an emptied one may be rare: counted by every kind that can list all."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from servers.web import Asked, Reply, serve

from connectors import open_connector
from dsar.casework import traces
from dsar.connector import LooksUp
from dsar.declaration import parse_declaration
from dsar.model import Identifier, IdentifierType, StepAction

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
PERSON = Identifier(type=IdentifierType.EMAIL, value="bo@example.com")
COLUMNS = ("no", "mail", "room", "floor")
#: Two machines in room A of floor 2, where the person's is one; nothing stored is as good as an empty text.
ROWS: list[tuple[str, str | None, str | None, int | None]] = [
    ("1", "bo@example.com", "A", 2),
    ("2", None, "A", 2),
    ("3", "eva@example.com", "B", 2),
    ("4", "bo@example.com", None, None),
    ("5", "kanarie@example.com", "", None),
]
DECLARATION = """
name = "devices"
kind = "{kind}"
label = {{sv = "Driften", en = "Operations"}}
canary = {{type = "email", value = "kanarie@example.com"}}
http = {{rate = {{calls = 5000}}}}
[[object]]
name = "machine"
label = {{sv = "Skrivare", en = "Printer"}}
key = "no"
activities = ["A3"]
{place}
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "technical", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
  {{column = "room", label = {{sv = "Rum", en = "Room"}}, category = "device", asserted_by = "company"}},
  {{column = "floor", label = {{sv = "Våning", en = "Floor"}}, category = "device", asserted_by = "company"}},
]
erase = {{action = "anonymise", set = {{mail = ""}}, rare = {{columns = ["room", "floor"], set = {{room = "-"}}}}}}
"""
FIND = 'find = [{by = "email", columns = ["mail"]}]'


def opened(kind: str, place: str, **options: str) -> Any:
    declaration = parse_declaration(DECLARATION.format(kind=kind, place=place), source=kind)
    return open_connector(kind, name="devices", declaration=declaration, options=options)


def sql(folder: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(folder / "devices.db")) as database, database:
        database.execute("CREATE TABLE machines (no TEXT, mail TEXT, room TEXT, floor INTEGER)")
        database.executemany("INSERT INTO machines VALUES (?, ?, ?, ?)", ROWS)
    url = f"sqlite:///{folder / 'devices.db'}"
    yield opened("sql", f'table = "machines"\n{FIND}', url=url, write_url=url)


def memory(folder: Path) -> Iterator[Any]:
    rows = [dict(zip(COLUMNS, ("" if each is None else str(each) for each in row), strict=True)) for row in ROWS]
    (folder / "rows.json").write_text(json.dumps({"machine": rows}), "utf-8")
    yield opened("memory", FIND, rows_file=str(folder / "rows.json"))


def files(folder: Path) -> Iterator[Any]:
    lines = [",".join("" if each is None else str(each) for each in row) for row in ROWS]
    (folder / "devices.csv").write_text("\n".join([",".join(COLUMNS), *lines]), "utf-8")
    yield opened("files", f'file = "devices.csv"\n{FIND}', folder=str(folder), changes="on")


def rest(_folder: Path) -> Iterator[Any]:
    rows = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in ROWS}

    def answer(asked: Asked) -> Reply:
        key = asked.path.rpartition("/")[2]
        if asked.method == "PATCH":
            rows[key] |= asked.json
        return Reply(body=rows[key] if key in rows else list(rows.values()))

    place = 'find = [{by = "email", columns = ["mail"], request = {path = "/machines"}}]\n'
    place += 'web = {read = {path = "/machines/{key}"}, change = {method = "PATCH", path = "/machines/{key}"}}'
    with serve(answer) as web:
        yield opened("rest", place, url=web.url, changes="on")


KINDS = [sql, memory, files, rest]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    kind: Callable[[Path], Iterator[Any]] = request.param
    yield from kind(tmp_path)


def test_a_search_tells_how_many_are_alike_with_the_room_and_without(system: Any) -> None:
    found = {record.values[0].value: record.alike for record in system.search([PERSON], read_at=NOW).records}

    assert found == {"1": (2, 3), "4": (2, 2)}


def test_so_does_reading_one_by_its_key(system: LooksUp) -> None:
    key = next(r.key for r in system.search([PERSON], read_at=NOW).records if r.values[0].value == "1")  # type: ignore[attr-defined]  # searches, too

    record = system.look_up("machine", key, read_at=NOW)

    assert record is not None
    assert record.alike == (2, 3)


def test_what_is_overwritten_for_being_rare_is_written_and_read_back(system: Any) -> None:
    records = [each for each in system.search([PERSON], read_at=NOW).records if each.values[0].value == "1"]
    declarations = {"devices": system._declaration}
    steps = traces.judged(system.plan_erase(records), records, declarations)
    (step,) = [each for each in steps if each.action is StepAction.ANONYMISE]

    system.apply(step, key="1")

    assert {change.path: change.after for change in step.changes} == {"mail": "", "room": "-"}
    assert system.verify(step).done


def test_an_api_that_cannot_list_all_cannot_count() -> None:
    with serve(lambda _: Reply(body=[dict(zip(COLUMNS, ROWS[0], strict=True))])) as web:
        place = 'find = [{by = "email", columns = ["mail"], request = {path = "/machines", query = {q = "{value}"}}}]'
        place += '\nweb = {read = {path = "/m/{key}"}, change = {method = "PATCH", path = "/m/{key}"}}'
        (record,) = opened("rest", place, url=web.url).search([PERSON], read_at=NOW).records

    assert record.alike is None
