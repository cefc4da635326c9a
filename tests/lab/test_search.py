"""What a search of all real products finds: the same from every identifier, and never somebody else's as certain."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from servers import TlsFiles

from connectors import open_connector
from dsar import search, settings, wiring
from dsar.connector import Searches
from dsar.identifiers import normalise
from dsar.model import IdentifierType, Record, SystemOutcome
from lab.people import ANNA, ERIK, EVERYBODY, NAMESAKE, OTHERS, Person

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
Key = tuple[str, str, str]
#: Request Tracker's and Zabbix's own small web servers know no TLS; files need none.
ENCRYPTED = [
    *("tryton", "vendure", "mailman", "affarssystem", "marknadsforing"),
    *("carddav", "dovecot", "openldap"),
]


@pytest.fixture(scope="session")
def systems() -> Mapping[str, Searches]:
    chosen = settings.load(Path(__file__).parent / "settings.ini", os.environ)
    declarations, _ = wiring.load_declarations(chosen)
    return wiring.open_systems(chosen, declarations)


def records(systems: Mapping[str, Searches], type_: IdentifierType, text: str) -> dict[Key, Record]:
    identifier = normalise(type_, text)
    assert identifier is not None
    result = search.search(systems, [identifier], now=NOW)
    failed = {
        each.system: each.detail
        for each in result.systems
        if each.outcome not in {SystemOutcome.FOUND, SystemOutcome.NOTHING}
    }
    assert not failed
    return {(each.system, each.object, each.key): each for each in result.records}


def strengths(found: Mapping[Key, Record]) -> dict[Key, str]:
    return {key: each.strength for key, each in found.items()}


@pytest.mark.parametrize("person", [ERIK, ANNA, NAMESAKE, *EVERYBODY[3::6]], ids=lambda person: person.key)
def test_every_identifier_of_a_person_finds_the_same(systems: Mapping[str, Searches], person: Person) -> None:
    identifiers = {
        IdentifierType.EMAIL: person.email,
        IdentifierType.PHONE: person.phone,
        IdentifierType.PERSONNUMMER: person.personnummer or "",
        IdentifierType.CUSTOMER_NO: person.number,
    }

    found = {type_: strengths(records(systems, type_, text)) for type_, text in identifiers.items() if text}

    expected = found[IdentifierType.EMAIL]
    assert ("tryton", "party.party", person.number) in expected
    assert all(each == expected for each in found.values()), {
        type_: sorted(set(each.items()) ^ set(expected.items())) for type_, each in found.items()
    }


#: Of every object in every system, what the seeds put there about Erik; keys that a product draws by lot are left out.
ERIKS = {
    ("tryton", "party.party", "K20077"), ("tryton", "sale.sale", "1"), ("tryton", "ir.note", "1"),
    ("rt", "user", ERIK.email), ("rt", "ticket", "2"), ("rt", "ticket", "1"), ("rt", "asset", "1"),
    ("rt", "asset", "2"),
    ("mailman", "member", f"nyheter.nyhetsbrev.example:{ERIK.email}:member"),
    ("mailman", "member", f"service.nyhetsbrev.example:{ERIK.email}:nonmember"), ("mailman", "user", ERIK.email),
    ("affarssystem", "kunder", "K20077"), ("affarssystem", "ordrar", "41001"), ("affarssystem", "ordrar", "41002"),
    ("affarssystem", "fakturor", "26001"), ("affarssystem", "fakturor", "26002"), ("affarssystem", "service", "2"),
    ("affarssystem", "hyresavtal", "H-1002"), ("affarssystem", "anteckningar", "1"),
    ("marknadsforing", "epost_prenumerant", "1"), ("marknadsforing", "sms_mottagare", "1"),
    ("marknadsforing", "post_register", "1"), ("marknadsforing", "utskick", "1"), ("marknadsforing", "utskick", "23"),
    ("carddav", "card", "/saljare1/kontakter/erik.vcf"), ("carddav", "mention", "/saljare1/kontakter/grupp.vcf"),
    ("files", "row", "kontor-varberg/kundregister.csv#1"), ("files", "row", "kontor-halmstad/besök.xlsx#Besök 2026!3"),
    ("files", "row", "kontor-halmstad/besök.xlsx#Gamla!2"), ("files", "file", "rekrytering/CV Helena.docx"),
}  # fmt: skip


def test_all_that_was_seeded_about_erik_is_found(systems: Mapping[str, Searches]) -> None:
    found = records(systems, IdentifierType.EMAIL, ERIK.email)

    assert set(found) >= ERIKS
    objects = {key[:2] for key in found}
    assert objects >= {("vendure", "customer"), ("vendure", "order"), ("zabbix", "host"), ("zabbix", "user")}
    subjects = {value.value for key, each in found.items() if key[0] == "dovecot" for value in each.values}
    assert subjects >= {"Offert på hyrskrivare", "Sv: kopiator", "Leverans"}
    assert objects >= {("openldap", "account"), ("openldap", "membership"), ("openldap", "posix_membership")}
    assert objects >= {("tryton", "account.invoice"), ("tryton", "ir.attachment"), ("tryton", "marketing.email")}


def test_the_order_of_a_guest_is_a_candidate_for_whom_it_names(systems: Mapping[str, Searches]) -> None:
    orders = [each for key, each in records(systems, IdentifierType.EMAIL, ERIK.email).items() if key[1] == "order"]

    mails = {value.value: each.strength for each in orders for value in each.values if value.path == "email"}
    assert mails == {ERIK.email: "candidate", "erik.privat@example.org": "candidate"}


def test_the_device_met_through_somebody_elses_ticket_is_a_candidate(systems: Mapping[str, Searches]) -> None:
    found = records(systems, IdentifierType.EMAIL, ERIK.email)

    held = {key: strength for key, strength in strengths(found).items() if _mentions(found[key], "XM4521A00017")}
    assert set(held) == {("rt", "asset", "1"), ("rt", "ticket", "1")}
    assert set(held.values()) == {"candidate"}


@pytest.mark.parametrize("person", [ERIK, ANNA], ids=lambda person: person.key)
def test_nobody_elses_record_is_certain(systems: Mapping[str, Searches], person: Person) -> None:
    certain = [
        each for each in records(systems, IdentifierType.EMAIL, person.email).values() if each.strength == "certain"
    ]
    others = {text for other in EVERYBODY if other != person for text in (other.email, other.number)}

    assert certain
    assert not [each.key for each in certain for text in others if _mentions(each, text)]


def test_the_namesake_is_never_met(systems: Mapping[str, Searches]) -> None:
    hers = records(systems, IdentifierType.EMAIL, ANNA.email)

    assert not [
        key for key, each in hers.items() for text in (NAMESAKE.email, NAMESAKE.number) if _mentions(each, text)
    ]


def test_a_bought_address_is_a_candidate_for_whom_the_name_and_street_fit(systems: Mapping[str, Searches]) -> None:
    """Bought rows have neither phone nor mail (marketing to new customers by post)."""
    lars = OTHERS[3]
    named = {IdentifierType.NAME: lars.name, IdentifierType.ADDRESS: lars.street}

    rows = [
        each
        for type_, text in named.items()
        for key, each in records({"marknadsforing": systems["marknadsforing"]}, type_, text).items()
        if key[1] == "post_register" and each.person_name and each.person_name.casefold() == lars.name.casefold()
    ]

    assert {each.strength.value for each in rows} == {"candidate"}
    assert {each.found_by.type for each in rows} == set(named)
    assert any(
        value.path == "kalla" and value.value.startswith("Köpt register") for each in rows for value in each.values
    )


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_server_whose_certificate_our_ca_has_not_signed_is_refused(tls_files: TlsFiles, name: str) -> None:
    """Whoever answers in its place is told nothing."""
    chosen = settings.load(Path(__file__).parent / "settings.ini", os.environ)
    declarations, _ = wiring.load_declarations(chosen)
    section = chosen.systems[name]
    options = {**section.options, "ca_file": str(tls_files.ca_file)}

    system = open_connector(section.connector, name=name, declaration=declarations[name], options=options)

    assert not system.health().ok


@pytest.mark.parametrize("number", ["K10234", "K10301"])
def test_the_number_of_a_company_pulls_nobody(systems: Mapping[str, Searches], number: str) -> None:
    assert records(systems, IdentifierType.CUSTOMER_NO, number) == {}


def _mentions(record: Record, text: str) -> bool:
    return any(text.lower() in value.value.lower() for value in record.values)
