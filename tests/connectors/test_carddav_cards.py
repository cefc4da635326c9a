"""Address books: what is found in which cards, what is changed in them, and what stops either."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from books import connect, vcard
from servers import PASSWORD, BookServer, make_tls, radicale, xandikos
from servers.web import Reply, Serving, serving

from connectors import conformance, open_connector
from dsar.connector import SearchAnswer
from dsar.declaration import load_declaration, parse_declaration
from dsar.errors import (
    SettingsError,
    SystemContractError,
    SystemDriftError,
    SystemRefusedError,
    SystemUnavailableError,
)
from dsar.model import IdentifierType, RequestedChange, StepAction, Strength

SAMPLE = Path(__file__).parents[2] / "connectors" / "samples" / "addressbook.toml"
DECLARATION = load_declaration(SAMPLE)
PHONE, EMAIL, NAME = IdentifierType.PHONE, IdentifierType.EMAIL, IdentifierType.NAME
__all__ = ["serving"]  # a fixture

ASA = "UID:asa\r\nFN:Åsa Lindqvist\r\nN:Lindqvist;Åsa;;;\r\nEMAIL:asa@example.se\r\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PACKED = base64.b64encode(PNG).decode()
CANARY = "UID:k\r\nFN:Kanarie\r\nN:Kanarie;;;;\r\nEMAIL:kanarie@example.com\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BookServer]:
    """Xandikos: it keeps cards byte for byte."""
    with xandikos(tmp_path) as running:
        running.put("kanarie", vcard(CANARY))
        yield running


def ask(server: BookServer, type_: IdentifierType, text: str, **options: str) -> SearchAnswer:
    connector = connect(server, DECLARATION, **options)
    return connector.search([conformance.identifier(type_, text)], read_at=conformance.READ_AT)


def found(answer: SearchAnswer) -> set[tuple[str, str]]:
    """{(object, name of the card)}"""
    return {(record.object, record.key.rpartition("/")[2].removesuffix(".vcf")) for record in answer.records}


def values(answer: SearchAnswer) -> dict[str, str]:
    (record,) = answer.records
    return {value.path: value.value for value in record.values}


# ------------------------------------------------------------------------------------------------------- finding


@pytest.mark.parametrize(
    "line",
    [
        "TEL:070-174 06 05",
        "TEL;TYPE=cell,voice:+46 (0)70-174 06 05",
        "TEL;TYPE=CELL:0046701740605",
        "item1.TEL;TYPE=pref:070 1740605\r\nitem1.X-ABLabel:Mobil",
        "TEL:0701\r\n 740605",  # folded
        "TEL;VALUE=uri:tel:+46-70-174-06-05",
        "TEL:08-123 45 67\r\nTEL:08-123 45 68\r\nTEL:070-1740605",  # the third
    ],
)
def test_a_phone_is_found_in_any_spelling(server: BookServer, line: str) -> None:
    server.put("asa", vcard(f"{ASA}{line}\r\n"))

    answer = ask(server, PHONE, "+46701740605")

    assert (found(answer), answer.complete) == ({("card", "asa")}, True)


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
def test_every_version_of_cards_is_read(server: BookServer, version: str) -> None:
    server.put("asa", vcard(ASA, version=version))

    assert found(ask(server, EMAIL, "asa@example.se")) == {("card", "asa")}


def test_quoted_printable_text_is_read(server: BookServer) -> None:
    name = "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Lindqvist;=C3=85sa\r\n"
    full = "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=85sa=\r\n Lindqvist\r\n"
    server.put("asa", vcard(f"{name}{full}TEL;CELL:0701740605\r\n", version="2.1"))

    assert values(ask(server, PHONE, "0701740605"))["name"] == "Åsa Lindqvist"


def test_all_of_a_list_is_told(server: BookServer) -> None:
    server.put("asa", vcard(f'{ASA}NICKNAME;X="a,b":Åsan,Åsis\r\n ,Lis\\,a\r\nCATEGORIES:Kund,Skrivare\r\n'))

    told = values(ask(server, EMAIL, "asa@example.se"))["rest"].splitlines()

    assert set(told) == {"NICKNAME: Åsan,Åsis,Lis,a", "CATEGORIES: Kund, Skrivare"}


def test_what_no_column_holds_is_told_as_the_rest(server: BookServer) -> None:
    server.put("asa", vcard(f"{ASA}NICKNAME:Åsan\r\nX-ANNIVERSARY:20010203\r\nTEL:1\r\nTEL:2\r\nTEL:3\r\nTEL:4\r\n"))

    told = values(ask(server, EMAIL, "asa@example.se"))["rest"].splitlines()

    assert set(told) == {"NICKNAME: Åsan", "X-ANNIVERSARY: 20010203", "TEL: 4"}


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.1", f"PHOTO;PNG;ENCODING=BASE64:{PACKED}\r\n"),
        ("3.0", f"PHOTO;ENCODING=b;TYPE=PNG:{PACKED[:60]}\r\n {PACKED[60:]}"),
        ("4.0", f"PHOTO:data:image/png;base64,{PACKED}"),
    ],
)
def test_a_picture_is_a_document_and_fetched_byte_for_byte(server: BookServer, version: str, line: str) -> None:
    server.put("asa", vcard(f"{ASA}{line}\r\n", version=version))
    answer = ask(server, EMAIL, "asa@example.se")

    (picture,) = answer.records[0].documents
    connector: Any = connect(server, DECLARATION)
    assert (picture.label.en, picture.media_type, picture.size) == ("Photograph", "image/png", len(PNG))
    assert connector.fetch(answer.records[0], picture) == PNG
    assert "rest" not in values(answer)


def test_a_picture_that_is_gone_is_an_error_and_not_empty(server: BookServer) -> None:
    server.put("asa", vcard(f"{ASA}PHOTO;ENCODING=b:{PACKED}\r\n"))
    (record,) = ask(server, EMAIL, "asa@example.se").records
    server.put("asa", vcard(ASA))
    connector: Any = connect(server, DECLARATION)

    with pytest.raises(SystemDriftError):
        connector.fetch(record, record.documents[0])


def test_a_picture_elsewhere_is_told_by_its_address(server: BookServer) -> None:
    server.put("asa", vcard(f"{ASA}PHOTO;VALUE=uri:https://example.se/asa.jpg\r\n"))

    answer = ask(server, EMAIL, "asa@example.se")

    assert (answer.records[0].documents, values(answer)["rest"]) == ((), "PHOTO: https://example.se/asa.jpg")


@pytest.mark.parametrize("name", ["Åsa Lindqvist", "Lindqvist Åsa"])
@pytest.mark.parametrize("filed", ["N:Lindqvist;Åsa;;;", "N:Åsa;Lindqvist;;;", "NICKNAME:Lindqvist\\, Åsa"])
def test_a_person_who_is_filed_under_another_name_is_a_candidate(server: BookServer, name: str, filed: str) -> None:
    server.put("asa", vcard(f"UID:a\r\nFN:Mamma till Bo\r\n{filed}\r\n"))

    answer = ask(server, NAME, name)

    assert [(record.object, record.strength) for record in answer.records] == [("card", Strength.CANDIDATE)]


def test_a_mention_in_the_note_of_another_tells_the_note_only(server: BookServer) -> None:
    server.put("bo", vcard("UID:bo\r\nFN:Bo Ek\r\nN:Ek;Bo;;;\r\nNOTE:Chef: Åsa\\, asa@example.se\r\n"))

    answer = ask(server, EMAIL, "asa@example.se")

    assert found(answer) == {("mention", "bo")}
    assert values(answer) == {"note": "Chef: Åsa, asa@example.se"}
    assert answer.records[0].strength is Strength.CANDIDATE


def test_the_note_on_ones_own_card_is_told_once(server: BookServer) -> None:
    server.put("asa", vcard(f"{ASA}NOTE:Helst asa@example.se\r\n"))

    assert found(ask(server, EMAIL, "asa@example.se")) == {("card", "asa")}


def test_every_book_is_read_unless_some_are_named(server: BookServer) -> None:
    server.make_book("other")
    server.put("asa", vcard(ASA), book="other")

    named = ask(server, EMAIL, "asa@example.se", books=httpx.URL(server.book).path)
    assert found(ask(server, EMAIL, "asa@example.se")) == {("card", "asa")}
    assert found(named) == set()


def test_more_cards_than_one_request_asks_for_are_all_read(server: BookServer) -> None:
    for number in range(101):
        server.put(
            f"c{number}", vcard(f"UID:c{number}\r\nFN:Nr {number}\r\nN:{number};Nr;;;\r\nEMAIL:all@example.se\r\n")
        )

    answer = ask(server, EMAIL, "all@example.se")

    assert (len(answer.records), answer.complete) == (101, True)


# ------------------------------------------------------------------------------------------------------ changing


def plan_and_apply(server: BookServer, answer: SearchAnswer, changes: Sequence[RequestedChange] = ()) -> None:
    connector: Any = connect(server, DECLARATION, changes="on")
    steps = connector.plan_update(answer.records, changes) if changes else connector.plan_erase(answer.records)
    for step in steps:
        connector.apply(step, key="case-1")
        assert connector.verify(step).done


def test_an_edit_leaves_every_other_line_as_it_was(server: BookServer) -> None:
    card = vcard(f'{ASA}item1.TEL;TYPE=cell:0701740605\r\nitem1.X-ABLabel:Mob\r\n il\r\nX-ODD;A="b:c":d\\,e\r\n')
    server.put("asa", card)
    change = RequestedChange(field="phone", old="+46701740605", new="08-12, 3", valid_from=None)

    plan_and_apply(server, ask(server, EMAIL, "asa@example.se"), [change])

    assert server.stored("asa") == card.replace("0701740605", "08-12\\, 3")


def test_a_new_name_is_written_to_both_names(server: BookServer) -> None:
    server.put("asa", vcard(ASA))
    change = RequestedChange(field="name", old=None, new="Åsa Maria Ek", valid_from=None)

    plan_and_apply(server, ask(server, EMAIL, "asa@example.se"), [change])

    assert "FN:Åsa Maria Ek\r\nN:Ek;Åsa Maria;;;\r\n" in server.stored("asa")


def test_hostile_text_adds_no_property(server: BookServer) -> None:
    server.put("asa", vcard(ASA))
    change = RequestedChange(field="name", old=None, new="x\r\nEND:VCARD\r\nEMAIL:evil@example.com", valid_from=None)

    with pytest.raises(SystemContractError):
        plan_and_apply(server, ask(server, EMAIL, "asa@example.se"), [change])

    assert server.stored("asa") == vcard(ASA)


def test_erasing_a_mention_empties_the_note_and_keeps_the_card(server: BookServer) -> None:
    server.put("bo", vcard("UID:bo\r\nFN:Bo Ek\r\nN:Ek;Bo;;;\r\nNOTE:Chef: Åsa\\,\r\n  asa@example.se\r\n"))

    plan_and_apply(server, ask(server, EMAIL, "asa@example.se"))

    assert server.stored("bo") == vcard("UID:bo\r\nFN:Bo Ek\r\nN:Ek;Bo;;;\r\n")


def test_erasing_a_card_deletes_it(server: BookServer) -> None:
    server.put("asa", vcard(ASA))

    plan_and_apply(server, ask(server, EMAIL, "asa@example.se"))

    assert server.client.get(f"{server.book}asa.vcf").status_code == 404


def test_a_card_that_somebody_moved_meanwhile_is_not_called_erased(server: BookServer) -> None:
    """A card is known by its place alone: one that is not there any more may lie in another book (P7)."""
    server.make_book("other")
    server.put("asa", vcard(ASA))
    connector: Any = connect(server, DECLARATION, changes="on")
    (step,) = connector.plan_erase(ask(server, EMAIL, "asa@example.se").records)
    server.client.delete(f"{server.book}asa.vcf").raise_for_status()
    server.put("moved", vcard(f"{ASA}TITLE:Chef\r\n"), book="other")

    connector.apply(step, key="case-1")

    assert not connector.verify(step).done


def test_a_mention_on_a_card_that_somebody_moved_meanwhile_is_not_called_erased(server: BookServer) -> None:
    mention = vcard("UID:bo\r\nFN:Bo Ek\r\nN:Ek;Bo;;;\r\nNOTE:Chef: Åsa\\, asa@example.se\r\n")
    server.put("bo", mention)
    connector: Any = connect(server, DECLARATION, changes="on")
    (step,) = connector.plan_erase(ask(server, EMAIL, "asa@example.se").records)
    server.client.delete(f"{server.book}bo.vcf").raise_for_status()
    server.put("anew", mention)

    connector.apply(step, key="case-1")

    assert not connector.verify(step).done


@pytest.mark.parametrize("change", [(), (RequestedChange(field="name", old=None, new="Åsa Ek", valid_from=None),)])
def test_a_card_changed_between_reading_and_writing_is_not_touched(
    server: BookServer, change: tuple[RequestedChange, ...]
) -> None:
    server.put("asa", vcard(ASA))
    changed = vcard(f"{ASA}TITLE:Chef\r\n")
    connector: Any = connect(server, DECLARATION, changes="on")
    records = ask(server, EMAIL, "asa@example.se").records
    (step,) = connector.plan_update(records, change) if change else connector.plan_erase(records)

    def somebody_is_quicker(request: httpx.Request) -> None:
        if request.method in {"PUT", "DELETE"}:
            server.put("asa", changed)

    connector._books.client.event_hooks = {"request": [somebody_is_quicker]}

    with pytest.raises(SystemDriftError):
        connector.apply(step, key="case-1")
    assert server.stored("asa") == changed


def test_a_card_that_is_no_longer_as_approved_is_not_deleted(server: BookServer) -> None:
    server.put("asa", vcard(ASA))
    connector: Any = connect(server, DECLARATION, changes="on")
    (step,) = connector.plan_erase(ask(server, EMAIL, "asa@example.se").records)
    server.put("asa", vcard(f"{ASA}X-NEW:1\r\n"))

    with pytest.raises(SystemDriftError):
        connector.apply(step, key="case-1")
    assert step.action is StepAction.ERASE


def test_a_step_that_leads_out_of_the_books_is_refused(server: BookServer) -> None:
    server.put("asa", vcard(ASA))
    connector: Any = connect(server, DECLARATION, changes="on")
    (step,) = connector.plan_erase(ask(server, EMAIL, "asa@example.se").records)

    for key in ("/office/calendars/x.ics", step.key.replace("asa.vcf", "../../x"), "https://elsewhere.example/asa.vcf"):
        with pytest.raises(SystemContractError):
            connector.apply(step.__class__(**{**vars(step), "key": key}), key="case-1")


# --------------------------------------------------------------------------------------------- what cannot be read


BOOK = "<resourcetype><collection/><C:addressbook/></resourcetype>"
LISTED = '<getetag>"1"</getetag><resourcetype/>'


def multistatus(*resources: tuple[str, str], prologue: str = "", more: str = "") -> Reply:
    """An answer that tells of *resources* as (href, properties)."""
    told = "".join(
        f"<response><href>{href}</href>"
        f"<propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat></response>"
        for href, props in resources
    )
    spaces = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
    return Reply(status=207, body=f"{prologue}<multistatus {spaces}>{told}{more}</multistatus>".encode())


def data(card: str) -> str:
    return f'<getetag>"1"</getetag><C:address-data>{escape(card)}</C:address-data>'


def ask_lying(serving: Serving, listed: Reply, bodies: Reply) -> SearchAnswer:
    """What is made of a server whose one book answers so."""
    web = serving(lambda asked: bodies if asked.method == "REPORT" else listed)
    options = {"url": f"{web.url}/", "user": "u", "password": "p", "books": "/api/b/"}
    connector = open_connector("carddav", name="books", declaration=DECLARATION, options=options)
    return connector.search([conformance.identifier(EMAIL, "asa@example.se")], read_at=conformance.READ_AT)


TWO_LISTED = multistatus(("/api/b/", BOOK), ("/api/b/1.vcf", LISTED), ("/api/b/2.vcf", LISTED))


@pytest.mark.parametrize(
    "card",
    [
        vcard("FN:Bo\r\nno property at all\r\n"),
        vcard("FN:Åsa\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:Bo\r\n"),
        vcard("FN:Bo\r\nBEGIN:VCARD\r\n"),
        vcard("FN:Bo\r\n").replace("END:VCARD\r\n", ""),
        "<html>log in</html>",
        "BEGIN:VCARD\r\n" * 5000,
    ],
)
def test_a_card_that_cannot_be_read_makes_the_answer_incomplete(serving: Serving, card: str) -> None:
    answer = ask_lying(
        serving, TWO_LISTED, multistatus(("/api/b/1.vcf", data(vcard(ASA))), ("/api/b/2.vcf", data(card)))
    )

    assert (found(answer), answer.complete) == ({("card", "1")}, False)  # what could be read is given
    assert answer.detail == "1 of 2 cards could not be read whole"  # and names nobody


@pytest.mark.parametrize("second", [(), (("/api/b/1.vcf", data(vcard(ASA))),), (("/api/b/2.vcf", ""),)])
def test_a_card_that_is_listed_and_does_not_come_back_makes_the_answer_incomplete(
    serving: Serving, second: tuple[tuple[str, str], ...]
) -> None:
    answer = ask_lying(serving, TWO_LISTED, multistatus(("/api/b/1.vcf", data(vcard(ASA))), *second))

    assert (answer.complete, answer.detail) == (False, "1 of 2 cards did not come back")


def test_paths_may_be_escaped_in_two_ways(serving: Serving) -> None:
    listed = multistatus(("/api/b/", BOOK), ("/api/b/a%40b.vcf", LISTED))

    answer = ask_lying(serving, listed, multistatus(("/api/b/a@b.vcf", data(vcard(ASA)))))

    assert (len(answer.records), answer.complete) == (1, True)


@pytest.mark.parametrize(
    ("listed", "error"),
    [
        (
            multistatus(
                ("/api/b/", BOOK), more="<response><href>/api/b/</href><status>HTTP/1.1 507 x</status></response>"
            ),
            SystemUnavailableError,
        ),
        (multistatus(("https://elsewhere.example/1.vcf", LISTED)), SystemContractError),
        (multistatus(prologue='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'), SystemContractError),
        (multistatus(prologue='<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'), SystemContractError),
        (Reply(status=207, body=b"<multistatus"), SystemContractError),
        (Reply(status=200, body=b"<html/>"), SystemContractError),
        (Reply(status=401, body=b""), SystemRefusedError),
        (Reply(status=302, body=b"", headers={"Location": "https://elsewhere.example/"}), SystemRefusedError),
        (Reply(status=503, body=b""), SystemUnavailableError),
    ],
)
def test_a_list_that_is_not_whole_is_an_error_and_not_nothing(
    serving: Serving, listed: Reply, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask_lying(serving, listed, multistatus())


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with radicale(tmp_path) as server:
        assert connect(server, DECLARATION).health().detail == "the canary person is not found"
        health = connect(server, DECLARATION, password=f"{PASSWORD}x").health()

    assert (health.ok, "HTTP 401" in health.detail) == (False, True)


def test_a_server_is_believed_by_the_ca_of_the_settings_only(tmp_path: Path) -> None:
    tls, stranger = make_tls(tmp_path / "tls"), make_tls(tmp_path / "other")
    with radicale(tmp_path, tls=tls) as server:
        server.put("asa", vcard(ASA))

        assert found(ask(server, EMAIL, "asa@example.se", ca_file=str(tls.ca_file))) == {("card", "asa")}
        with pytest.raises(SystemUnavailableError):
            ask(server, EMAIL, "asa@example.se", ca_file=str(stranger.ca_file))


def test_an_address_without_books_is_an_error_and_not_nothing(server: BookServer) -> None:
    with pytest.raises(SystemContractError):
        ask(server, EMAIL, "asa@example.se", url=server.home.replace("contacts", "calendars"))


def test_a_plain_address_of_another_machine_is_refused(server: BookServer) -> None:
    with pytest.raises(SettingsError, match="url must be an https:// address"):
        connect(server, DECLARATION, url="http://books.example.com/")


# --------------------------------------------------------------------------------------------------- declaring


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('{column = "rest", ', '{column = "categories", ', "needs a field rest"),
        ('{action = "delete"}', '{action = "anonymise", set = {name = ""}}', "is deleted, not anonymised"),
        ('{action = "anonymise", set = {note = ""}}', '{action = "delete"}', "empty its note"),
        ('update = {name = "name"', 'update = {name = "rest"', "cannot be written"),
    ],
)
def test_what_a_card_cannot_be_is_a_fault(old: str, new: str, fault: str) -> None:
    text = SAMPLE.read_text("utf-8").replace(old, new)
    if "categories" in new:
        text = text.replace(', "rest"]', "]")

    with pytest.raises(SettingsError, match=fault):
        parse_declaration(text, source="x.toml")


@pytest.mark.parametrize(("status", "said", "paused"), [(429, "7", 7.0), (503, "86400", 120.0)])
def test_a_server_that_asks_not_to_be_called_for_a_while_is_left_alone(
    serving: Serving, status: int, said: str, paused: float
) -> None:
    """RFC 6585 section 4; not for as long as it likes, for the search is tried again anyway."""
    turns = _Turns()
    web = serving(lambda _: Reply(status=status, headers={"Retry-After": said}))
    options = {"url": f"{web.url}/books/", "user": "office", "password": PASSWORD}
    connector: Any = open_connector("carddav", name="books", declaration=DECLARATION, options=options)
    connector.share(turns)
    with pytest.raises(SystemUnavailableError):
        connector.search([conformance.identifier(EMAIL, "asa@example.se")], read_at=conformance.READ_AT)
    assert turns.paused == [paused]


class _Turns:
    """Remembers for how long a system asked that nobody calls it."""

    def __init__(self) -> None:
        self.paused: list[float] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
