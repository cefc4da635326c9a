"""Identifiers in text, their normal forms and their masks."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.identifiers import mask, normalise
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType
from dsar.model import IdentifierType as Kind


def found(text: str) -> list[tuple[str, str]]:
    return [(identifier.type.value, identifier.value) for identifier in find_identifiers(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maila Anna.Svensson@Example.se.", [("email", "anna.svensson@example.se")]),
        ("<mailto:anna@example.se>", [("email", "anna@example.se")]),
        ("x@xn--rksmrgs-5wao1o.se", [("email", "x@räksmörgås.se")]),
        ("tel 070-123 45 67", [("phone", "+46701234567")]),
        ("ring +46 (0)70 123 45 67 eller 08-123 456 78", [("phone", "+46701234567"), ("phone", "+46812345678")]),
        ("Mitt norska nummer är +47 21 03 12 34", [("phone", "+4721031234")]),
        ("811228-9874", [("personnummer", "198112289874")]),
        ("Jag heter Eva, 19640823 3234.", [("personnummer", "196408233234")]),
        ("samordningsnummer 701063-2391", [("personnummer", "197010632391")]),
        ("811228-9875 har fel kontrollsiffra", []),
        ("815728-9874 har fel datum", []),
        ("Org.nr 556016-0680", [("orgnr", "556016-0680")]),
        ("Momsnr SE556016068001", [("orgnr", "556016-0680")]),
        ("Xelent Office Sweden AB, 556402-9584", []),
        ("Mitt kundnummer är K-10442", [("customer_no", "K-10442")]),
        ("customer number: 10442", [("customer_no", "10442")]),
        ("fakturanummer 20261234", [("order_no", "20261234")]),
        ("My invoice was wrong", []),
        ("faktura och 12 skrivare", []),
        ("Serienummer: VNB3R12345", [("serial", "VNB3R12345")]),
        ("Användarnamn: anna_01", [("username", "anna_01")]),
        ("mitt användarnamn och lösenord", []),
        ("Kundnr 77140, användarnamn elfvingform.", [("customer_no", "77140"), ("username", "elfvingform")]),
        ("un compte (identifiant mathcarp)", [("username", "mathcarp")]),
        ("Jag minns inte lösenord, användarnamn eller kundnummer.", []),
        ("Slett brukeren min (tveito_leire) og alt innhold.", [("username", "tveito_leire")]),
        ("mine ordrer i webshoppen (bruger: ditte_graf)", [("username", "ditte_graf")]),
        ('I used to have account "jokonjo77".', [("username", "jokonjo77")]),
        ("mi cuenta de la tienda (usuario fermin_arri)", [("username", "fermin_arri")]),
        ("Close my account (user keziaht) today.", [("username", "keziaht")]),
        ("et login med brugernavnet frejategner for at vinde", [("username", "frejategner")]),
        ("Användarnamn fotodragan.", [("username", "fotodragan")]),
        ("Kontot, mikaela_strid, kan ni ta bort.", [("username", "mikaela_strid")]),
        ("Jag loggar in med användarnamn och lösenord.", []),
        ("Användarnamn och kundnummer har jag glömt.", []),
        ("Jag loggar in med användarnamnet från butiken.", []),
        ("I sign in with my username every day.", []),
        ("Inloggningen fungerar.", []),
        ("problemer med brukernavnet mitt", []),
        ("Please remove it (user account).", []),
        ("Mitt konto, first_name, last_name", []),
        ('Ta bort kontot "för alltid" tack.', []),
        ("Mitt konto är spärrat.", []),
        ("Ta bort kontot och alla cookies (session_id).", []),
        ("Skicka profilen som 'export_2026.csv'.", []),
        ("Ordern hade 10 artiklar, fakturan hade 30 dagar.", []),
        ("Hennes kundnummer var 30118.", [("customer_no", "30118")]),
        ("Kundenummeret mitt var 38805.", [("customer_no", "38805")]),
        ("Kundnumret på avtalet var 40617.", [("customer_no", "40617")]),
        ("Här är kundnumret ni frågade efter: 51920.", [("customer_no", "51920")]),
        ("Kundennr. 77310", [("customer_no", "77310")]),
        ("cliente 28814", [("customer_no", "28814")]),
        ("olen ollut asiakas 2019 lähtien", []),
        ("servicio al cliente 24/7", []),
        ("Kundnumret på fakturan 88123 är 40617.", [("order_no", "88123")]),
        ("Customer number in May 2026 was wrong.", []),
        ("Fakturan från mars 2026 var fel.", []),
        ("Kundenr 81 33 09-2.", [("customer_no", "813309-2")]),
        ("Ordern hade nummer 4410927.", [("order_no", "4410927")]),
        ("Beställningen hette 650933.", [("order_no", "650933")]),
        ("Avtalsnummer 2026-1183", [("order_no", "2026-1183")]),
        ("Ordrenummeret var 25-60814", [("order_no", "25-60814")]),
        ("ordernr ER123", [("order_no", "ER123")]),
        ("kundnummer 0701234567", [("customer_no", "0701234567")]),
        ("Mit CPR-nummer er 010190-1234", [("national_id", "0101901234")]),
        ("TF-nummer 20100101-TF12", [("national_id", "20100101-TF12")]),
        ("den 03-04-2026 kl 10:15", []),
        ("anna@example.se, ANNA@example.se", [("email", "anna@example.se")]),
    ],
)
def test_finds_in_text(text: str, expected: list[tuple[str, str]]) -> None:
    """What stands in a text is found in its normal form, and nothing else."""
    assert found(text) == expected


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        (Kind.EMAIL, " Anna@Example.SE ", "anna@example.se"),
        (Kind.EMAIL, "anna", None),
        (Kind.EMAIL, "a..b@example.se", None),
        (Kind.PHONE, "0046 70 123 45 67", "+46701234567"),
        (Kind.PHONE, "12", None),
        (Kind.PERSONNUMMER, "8112289874", "198112289874"),
        (Kind.PERSONNUMMER, "556016-0680", None),
        (Kind.ORGNR, "165560160680", "556016-0680"),
        (Kind.ORGNR, "811228-9874", "811228-9874"),
        (Kind.CUSTOMER_NO, "k 10442", "K10442"),
        (Kind.NAME, "Åsa  \n Öberg", "Åsa Öberg"),
        (Kind.NAME, " ", None),
    ],
)
def test_normal_form(kind: IdentifierType, value: str, normal: str | None) -> None:
    """Each type has one normal form; what cannot be one is None."""
    assert normalise(kind, value) == (Identifier(type=kind, value=normal) if normal else None)


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        (Kind.EMAIL, "anna@example.se", "a***@example.se"),
        (Kind.PHONE, "+46701234567", "+46 ** *** ** 67"),
        (Kind.PERSONNUMMER, "198001011231", "19800101-****"),
        (Kind.NAME, "Anna Öberg", "A*** Ö***"),
        (Kind.CUSTOMER_NO, "10442", "10***"),
        (Kind.CUSTOMER_NO, "1044", "***"),
    ],
)
def test_mask(kind: IdentifierType, value: str, masked: str) -> None:
    """A mask shows enough for the owner and too little for anybody else."""
    assert mask(Identifier(type=kind, value=value)) == masked


@given(st.text())
def test_any_text_gives_normal_forms_only(text: str) -> None:
    """Whatever is found is its own normal form."""
    for identifier in find_identifiers(text):
        assert normalise(identifier.type, identifier.value) == identifier


@pytest.mark.parametrize(
    "unit", ["a", "1", "a@", "0701234567 ", "811228-9874 ", "kundnummer ", "a.", "(", "faktura : : "]
)
def test_hostile_megabyte_takes_seconds_at_most(unit: str) -> None:
    """A megabyte of one repeated piece costs linear time."""
    begun = time.process_time()
    find_identifiers(unit * (1_000_000 // len(unit)))
    assert time.process_time() - begun < 5
