"""
LetterFacts -> machine-readable copies of the data: JSON and CSV (Art. 20(1), recital 68).

Effects: none. JSON holds every value exactly as stored. CSV is what people open in a spreadsheet, so there a value that
would be taken for a formula gets an apostrophe in front, and control characters are left out.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

from dsar.errors import LetterError
from dsar.markdown import BIDI_CONTROLS, without_controls
from dsar.model import LetterFacts, Record, RecordValue

_COLUMNS = ("system", "object", "key", "field", "label", "value", "explanation", "category", "source", "read_at")
#: First characters that make a spreadsheet take a cell for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\n")
#: JSON lets these stand as they are; escaped they are the same value but do nothing to a terminal or an editor (P10).
_JSON_ESCAPES = {
    code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), *range(0xD800, 0xE000), *sorted(map(ord, BIDI_CONTROLS)))
}


def export_json(facts: LetterFacts, language: str) -> bytes:
    """
    All values with provenance as UTF-8 JSON; labels and explanations in *language*.

    Raises: LetterError if the facts hold no records.
    """
    labels = dict(facts.system_labels)
    document = {
        "format": "dsar-export",
        "version": 1,
        "case": facts.case_reference,
        "controller": facts.controller.name,
        "created_on": facts.today.isoformat(),
        "reference_on": facts.reference_on.isoformat() if facts.reference_on else None,
        "language": language,
        "records": [
            {
                "system": record.system,
                "system_label": labels[record.system].in_language(language) if record.system in labels else None,
                "object": record.object,
                "object_label": record.object_label.in_language(language),
                "key": record.key,
                "read_at": record.read_at.isoformat(),
                "portable": _is_portable(record, facts),
                "keep_until": record.keep_until.isoformat() if record.keep_until else None,
                "keep_law": record.keep_law.in_language(language) if record.keep_law else None,
                "values": [_value(value, language) for value in record.values],
            }
            for record in _records(facts)
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2).translate(_JSON_ESCAPES).encode() + b"\n"


def export_schema() -> bytes:
    """The JSON schema (2020-12) of what `export_json` writes, for whoever reads it in."""
    return files("dsar.letters").joinpath("export.schema.json").read_bytes()


def export_csv(facts: LetterFacts, language: str) -> bytes:
    """
    One row per value as RFC 4180 CSV, UTF-8 with byte order mark.

    Raises: LetterError if the facts hold no records.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([_guarded(cell) for cell in row] for row in _rows(facts, language))
    return text.getvalue().encode("utf-8-sig")


def portable_part(facts: LetterFacts) -> LetterFacts | None:
    """
    *facts* with those data only that the right to take them along covers; None if there are none.

    Art. 20(1): data that the person "has provided", processed by consent or contract; what others wrote about them or
    what came from elsewhere is shown in the access answer and is not covered.
    """
    records = tuple(
        replace(record, values=values)
        for record in facts.records or ()
        if _is_portable(record, facts)
        and (values := tuple(value for value in record.values if value.source is None and not value.free_text))
    )
    return replace(facts, records=records) if records else None


def _rows(facts: LetterFacts, language: str) -> Iterator[tuple[str, ...]]:
    labels = dict(facts.system_labels)
    for record in _records(facts):
        label = labels.get(record.system)
        for value in record.values:
            described = _value(value, language)
            yield (
                label.in_language(language) if label else record.system,
                record.object_label.in_language(language),
                record.key,
                *(described[name] or "" for name in ("path", "label", "value", "explanation", "category", "source")),
                record.read_at.isoformat(),
            )


def _records(facts: LetterFacts) -> tuple[Record, ...]:
    if not facts.records:
        raise LetterError("export", "fact 'records' is missing")
    return facts.records


def _value(value: RecordValue, language: str) -> dict[str, str | None]:
    return {
        "path": value.path,
        "label": value.label.in_language(language),
        "value": value.value,
        "explanation": value.explanation.in_language(language) if value.explanation else None,
        "category": value.category,
        "source": value.source.in_language(language) if value.source else None,
    }


def _is_portable(record: Record, facts: LetterFacts) -> bool:
    """Whether an activity that the record serves rests on consent or contract with the person (Art. 20(1)(a))."""
    return any(activity.portable for activity in facts.activities or () if activity.id in record.activities)


def _guarded(cell: str) -> str:
    shown = without_controls(cell)
    return f"'{shown}" if shown.startswith(_FORMULA_STARTS) else shown
