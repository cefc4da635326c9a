"""The data file of an answer: it fits the schema that is published, and a portable one holds what Art. 20 covers."""

import csv
import io
import json
from typing import Any

import jsonschema
import pytest
from builders import activity, both, facts, record, value

from dsar.letters import export_csv, export_json, export_schema, portable_part
from dsar.model import LetterFacts

SCHEMA = json.loads(export_schema())


def read(given: LetterFacts) -> Any:
    return json.loads(export_json(given, "sv"))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "given",
    [
        facts(),
        facts(reference_on=None, system_labels=()),
        facts(records=(record(value("P", explanation=both("privat")), value("x", source=both("registret"))),)),
        facts(records=(record(value('"\x1b\u202e</script>')), record(key="2", activities=()))),
    ],
)
def test_every_export_fits_the_schema(given: LetterFacts) -> None:
    jsonschema.validate(read(given), SCHEMA, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("left_out", SCHEMA["required"])
def test_the_schema_refuses_a_file_without_one_of_its_parts(left_out: str) -> None:
    document = read(facts())
    del document[left_out]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_the_schema_refuses_what_it_does_not_describe() -> None:
    document = read(facts())
    document["records"][0]["values"][0]["secret"] = "x"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def portable(*records: Any, **changes: Any) -> LetterFacts | None:
    return portable_part(facts(records=records, **changes))


def test_a_portable_file_holds_what_the_person_provided_under_a_contract_and_nothing_else() -> None:
    """WP 242 rev.01: not what others wrote, what was bought or computed, nor what a law or interest supports."""
    consent = activity(id="A5", portable=True)
    ledger = activity(id="A2", portable=False)
    part = portable(
        record(
            value("maria@example.se", path="email"),
            value("återköpare", path="segment", source=both("beräknat av oss")),
            value("Hon var arg.", path="note", free_text=True),
            activities=("A5",),
        ),
        record(value("faktura", path="invoice"), key="F1", activities=("A2",)),
        activities=(consent, ledger),
    )
    assert part is not None
    document = read(part)
    jsonschema.validate(document, SCHEMA)
    assert [each["path"] for held in document["records"] for each in held["values"]] == ["email"]
    assert all(held["portable"] for held in document["records"])
    rows = list(csv.DictReader(io.StringIO(export_csv(part, "sv").decode("utf-8-sig"))))
    assert [row["field"] for row in rows] == ["email"]


def test_where_nothing_is_portable_there_is_no_file() -> None:
    assert portable(record(activities=("A2",)), activities=(activity(id="A2", portable=False),)) is None
