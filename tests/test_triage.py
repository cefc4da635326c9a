"""What mails ask: a corpus of whole mails, and small texts that state one claim each."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from dsar.mime import read_mail
from dsar.model import SenderAuthentication, Triage
from dsar.triage import triage
from dsar.triage.vocabulary import PHRASE_FILES, _load

SHORT_MAILS = json.loads((Path(__file__).parent / "mails" / "short.json").read_text(encoding="utf-8"))
MAILS = sorted((Path(__file__).parent / "mails").glob("*.eml"))


def sort_text(text: str, *, subject: str = "", sender: str = "Anna Ek <anna.ek@example.se>", head: str = "") -> Triage:
    """Triage of a plain mail."""
    known = f"From: {sender}\nMessage-ID: <1@x>\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n"
    return triage(read_mail(f"{known}{head}\n{text}".encode()), sender_authentication=SenderAuthentication.NONE)


def rights(result: Triage) -> list[str]:
    return [request.right.value for request in result.subjects[0].requests]


def as_expected(result: Triage, expected: dict[str, Any]) -> dict[str, Any]:
    """The same keys as *expected* with what *result* holds; lists of wanted things shrink to those that are there."""
    first = result.subjects[0]
    identifiers = [[i.type.value, i.value] for i in first.identifiers]
    changes = [[c.field, c.old, c.new, c.valid_from] for c in first.changes]
    actual: dict[str, Any] = {
        "disposition": result.disposition.value,
        "rights": sorted(rights(result)),
        "portability": any(request.portability for request in first.requests),
        "language": result.language,
        "requester": result.requester.value,
        "subject_name": first.name,
        "subjects": [subject.name for subject in result.subjects],
        "needs_person": result.needs_person,
        "contains": [right for right in expected.get("contains", []) if right in rights(result)],
        "identifiers": [i for i in expected.get("identifiers", []) if i in identifiers],
        "not_identifiers": [
            v for v in expected.get("not_identifiers", []) if [i for i in identifiers if i[1] == v] == []
        ],
        "not_rights": [right for right in expected.get("not_rights", []) if right not in rights(result)],
        "flags": [flag for flag in expected.get("flags", []) if flag in result.flags],
        "changes": [change for change in expected.get("changes", []) if change in changes],
    }
    one_of = expected.get("disposition")
    if isinstance(one_of, list) and actual["disposition"] in one_of:
        actual["disposition"] = one_of
    return {key: actual[key] for key in expected}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    """The mail is what the JSON file beside it says."""
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    result = triage(read_mail(path.read_bytes()), sender_authentication=SenderAuthentication.NONE)
    assert as_expected(result, expected) == expected, result.reasons


@pytest.mark.parametrize("mail", SHORT_MAILS, ids=lambda mail: mail["text"][:50] or mail["subject"])
def test_short_mails(mail: dict[str, Any]) -> None:
    """A text of a few sentences is what `expected` says."""
    result = sort_text(mail["text"], subject=mail["subject"], sender=mail["from"], head=mail["head"])
    assert as_expected(result, mail["expected"]) == mail["expected"], result.reasons


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jag vill att ni raderar mina uppgifter.", ["erase"]),
        ("Jag vill inte att ni raderar mina uppgifter.", []),
        ("Jag är inte kund längre och vill att ni raderar mina uppgifter.", ["erase"]),
        ("Radera inte mina uppgifter.", []),
        ("Om ni inte svarar begär jag radering av mina uppgifter.", []),
        ("Om ni inte raderar mina uppgifter anmäler jag er.", ["erase"]),
        ("Radera mina uppgifter, annars anmäler jag er.", ["erase"]),
        ("Om ni har uppgifter om mig vill jag att ni raderar dem.", ["erase"]),
        ("Hur går det till om man vill bli raderad?", []),
        ("Jag vill få mina uppgifter raderade.", ["erase"]),
        ("Jag vill få mina uppgifter.", ["access"]),
        ("Radera allt ni har om mig.", ["erase"]),
        ("Radera skanningarna i kopiatorn.", []),
        ("Ta bort tonern och ring mig.", []),
        ("Ta bort mig från nyhetsbrevet.", ["object"]),
        ("Jag vill inte avregistrera mig från nyhetsbrevet.", []),
        ("I am not asking you to delete anything, I would like a copy of my data.", ["access"]),
    ],
)
def test_meaning_decides_not_the_word(text: str, expected: list[str]) -> None:
    assert rights(sort_text(text)) == expected


def test_evidence_is_the_sentence_as_written() -> None:
    result = sort_text("Hej!\n\nJag vill att ni RADERAR mina\nuppgifter, tack. Hälsa Kalle.")
    assert result.subjects[0].requests[0].evidence == "Jag vill att ni RADERAR mina uppgifter, tack."


def test_quoted_text_asks_nothing() -> None:
    text = "Tack, det blir bra.\n\nDen 3 mars 2026 kl 10:12 skrev Bo:\n> Radera alla mina uppgifter! 070-123 45 67"
    result = sort_text(text)
    assert rights(result) == []
    assert [i.value for i in result.subjects[0].identifiers] == ["anna.ek@example.se"]


def test_rights_come_in_the_order_of_handling() -> None:
    text = "Radera mina uppgifter. Skicka först en kopia på mina uppgifter. Sluta skicka reklam."
    assert rights(sort_text(text)) == ["object", "access", "erase"]


def test_homoglyphs_do_not_hide_a_request() -> None:
    assert rights(sort_text("Jag vill att ni rаderаr mina uppgifter.")) == ["erase"]  # with Cyrillic а


def test_unclear_goes_before_a_person() -> None:
    """GDPR Art. 12(2): never noise in doubt."""
    result = sort_text("Se bifogat.")
    assert (result.disposition.value, result.needs_person) == ("unclear", True)


def test_own_addresses_and_orgnr_point_at_nobody() -> None:
    result = sort_text("Jag skrev till gdpr@xelent.se (556402-9584) och vill ha ett registerutdrag.")
    assert [i.value for i in result.subjects[0].identifiers] == ["anna.ek@example.se"]


def test_failed_authentication_needs_a_person() -> None:
    mail = read_mail(b"From: a@example.se\nMessage-ID: <1@x>\n\nJag vill ha ett registerutdrag.")
    assert triage(mail, sender_authentication=SenderAuthentication.FAIL).needs_person


@pytest.mark.parametrize(
    "sender", ["Xelent <gdpr@xe1ent.se>", "gdpr@xelent.se <a@example.net>", "IMY <imy@example.se>"]
)
def test_borrowed_names_are_flagged(sender: str) -> None:
    assert {"look_alike", "sender_mismatch"} & set(sort_text("Skicka allt om Anna Ek.", sender=sender).flags)


@pytest.mark.parametrize("name", PHRASE_FILES)
def test_phrase_files_use_known_headings(name: str) -> None:
    """A misspelt heading in a language file would silently be of no use."""
    assert set(_load(name)) <= set(_load("sv"))


@pytest.mark.parametrize(
    "unit", ["radera ", "radera mina uppgifter och ", "om ni inte ", "а", "a.", "Anna Ek, ", "\n- "]
)
def test_hostile_megabyte_takes_seconds_at_most(unit: str) -> None:
    begun = time.process_time()
    sort_text(unit * (1_000_000 // len(unit)))
    assert time.process_time() - begun < 15
