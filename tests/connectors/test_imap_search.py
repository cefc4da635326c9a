"""What a search in employees' mailboxes finds, what it leaves alone, and when it says that it could not read."""

import pytest
from postroom import MAILS, connect, email, found, mail, value
from servers import DovecotServer, ImapCommand, LyingImapServer

from connectors import conformance
from connectors.imap import ImapConnector, open_imap
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemContractError
from dsar.model import IdentifierType, Strength

ERIK = "erik.lindqvist@example.se"


@pytest.mark.parametrize(
    ("type_", "text", "written"),
    [
        (IdentifierType.EMAIL, ERIK, "Skriv till Erik.Lindqvist@Example.se så svarar han."),
        (IdentifierType.PHONE, "+46707654321", "Ring 070-765 43 21!"),
        (IdentifierType.PHONE, "+46707654321", "tel: +46 (0)70 76 54 321"),
        (IdentifierType.PERSONNUMMER, "191212121212", "Personnummer 121212+1212."),
        (IdentifierType.NAME, "Åsa Öberg", "Hälsa Åsa Öberg."),
    ],
)
def test_text_is_found_however_it_is_packed_and_spelled(
    dovecot_server: DovecotServer, mail_user: str, type_: IdentifierType, text: str, written: str
) -> None:
    dovecot_server.append(mail(written), mail_user)

    (record,) = found(connect(dovecot_server, mail_user), type_, text)

    assert record.strength is Strength.CANDIDATE  # anybody can write anything into a mail
    assert written.split(maxsplit=1)[0] in value(record, "text")


def test_the_sender_and_every_recipient_are_found_blind_copies_too(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(mail("Från Erik", From=f"Erik <{ERIK}>"), mail_user)
    dovecot_server.append(mail("Till Erik", To=ERIK), mail_user)
    dovecot_server.append(mail("Kopia", Cc=f"bo@example.se, {ERIK}"), mail_user)
    dovecot_server.append(mail("Hemlig kopia", Bcc=ERIK), mail_user)

    records = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert {value(each, "text") for each in records} == {"Från Erik", "Till Erik", "Kopia", "Hemlig kopia"}


def test_what_is_attached_is_read_and_handed_over(dovecot_server: DovecotServer, mail_user: str) -> None:
    letter = f"Jag heter Erik och har {ERIK}".encode()
    dovecot_server.append(mail("Se bilagan", attached=[("brev.txt", letter)]), mail_user)
    connector = connect(dovecot_server, mail_user)

    (record,) = found(connector, IdentifierType.EMAIL, ERIK)

    assert value(record, "attachments").startswith("brev.txt\nJag heter Erik")
    assert connector.fetch(record, record.documents[0]) == letter


def test_every_folder_is_read_whatever_its_letters_and_depth(dovecot_server: DovecotServer, mail_user: str) -> None:
    with dovecot_server.session(mail_user) as client:
        client.create("Kunder")
        client.create('"Kunder.V&AOQ-stra G&APY-taland"')  # modified UTF-7; this server's levels are parted by "."
    dovecot_server.append(mail(ERIK), mail_user, '"Kunder.V&AOQ-stra G&APY-taland"')

    (record,) = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert value(record, "folder") == "Kunder/Västra Götaland"


def test_the_same_mail_in_two_folders_is_one_record_that_names_both(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    with dovecot_server.session(mail_user) as client:
        client.create("Kunder")
    for folder in ("INBOX", "Kunder"):
        dovecot_server.append(mail(ERIK), mail_user, folder)

    (record,) = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert set(value(record, "folder").split(", ")) == {"INBOX", "Kunder"}


def test_nothing_becomes_read_by_it(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(mail(ERIK), mail_user)
    before = dovecot_server.flags(mail_user)

    found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert dovecot_server.flags(mail_user) == before
    assert "Seen" not in str(before)


def test_what_others_wrote_stands_apart_and_is_looked_through(dovecot_server: DovecotServer, mail_user: str) -> None:
    text = f"Tack!\n\nDen 3 mars 2026 kl. 10:00 skrev Bo Ek <bo@example.se>:\n> Fråga {ERIK}.\n> Min fru Eva är sjuk."
    dovecot_server.append(mail(text, From="anna@xelent.se"), mail_user)

    (record,) = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert value(record, "text") == "Tack!"
    assert "Min fru Eva" in value(record, "quoted")
    assert {each.path for each in record.values if each.free_text} >= {"text", "quoted"}


@pytest.mark.parametrize(
    "written",
    [mail(ERIK, Sensitivity="Private"), mail(ERIK, Subject="[Privat] lördag"), mail(ERIK, Subject="Privat: lördag")],
)
def test_private_mail_is_told_as_private(dovecot_server: DovecotServer, mail_user: str, written: bytes) -> None:
    dovecot_server.append(written, mail_user)
    dovecot_server.append(mail(f"Annat, {ERIK}", Subject="Privata kunder"), mail_user)

    records = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)

    assert {value(each, "text"): value(each, "private") for each in records} == {ERIK: "1", f"Annat, {ERIK}": ""}


def test_a_conversation_is_found_whole_where_the_declaration_asks_for_it(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    declaration = MAILS.replace(
        'erase = {action = "delete"}',
        'reached_from = [{object = "mail", their = "thread", ours = "thread", weak = true}]',
    ).replace(
        "fields = [",
        'fields = [\n  {column = "thread", label = {sv = "T", en = "T"}, category = "log", asserted_by = "company"},',
    )
    dovecot_server.append(mail(f"Fråga om {ERIK}", Message_ID="<1@x.se>"), mail_user)
    dovecot_server.append(mail("Han har betalat.", Message_ID="<2@x.se>", References="<1@x.se>"), mail_user)
    dovecot_server.append(mail("Något annat.", Message_ID="<3@x.se>"), mail_user)

    records = found(connect(dovecot_server, mail_user, declaration=declaration), IdentifierType.EMAIL, ERIK)

    assert [value(each, "text") for each in records] == [f"Fråga om {ERIK}", "Han har betalat."]


# --------------------------------------------------------------------------------------------- what could not be read


def test_without_named_mailboxes_the_own_one_is_read_with_what_others_have_delegated(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    """Dovecot shows another's mailbox as a folder where a link to it lies."""
    other = f"{mail_user}2"
    for user in (mail_user, other):
        dovecot_server.append(mail(f"{ERIK} hos {user}"), user)
    homes = dovecot_server.directory / "home"
    (homes / mail_user / "Maildir" / ".Delat").symlink_to(homes / other / "Maildir")

    records = found(connect(dovecot_server, user=mail_user), IdentifierType.EMAIL, ERIK)

    assert {value(each, "folder") for each in records} == {"INBOX", "Delat"}


def test_a_mailbox_that_cannot_be_opened_makes_the_answer_incomplete(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(mail(ERIK), mail_user)

    answer = connect(dovecot_server, mail_user, "bad\x00name").search([email(ERIK)], read_at=conformance.READ_AT)

    assert len(answer.records) == 1
    assert not answer.complete
    assert answer.detail.startswith("1 of 2 mailboxes could not be read")
    assert mail_user not in answer.detail


def test_a_wrong_password_is_told_as_such(dovecot_server: DovecotServer, mail_user: str) -> None:
    health = connect(dovecot_server, mail_user, password="wrong").health()

    assert not health.ok
    assert "the user name or the password was refused" in health.detail


def test_a_certificate_of_somebody_else_is_not_trusted(dovecot_server: DovecotServer, mail_user: str) -> None:
    connector = connect(dovecot_server, mail_user, ca_file="/etc/ssl/certs/ca-certificates.crt")

    assert "its certificate is not trusted" in connector.health().detail


def test_a_locked_attachment_is_a_part_that_was_not_read(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(mail("Se bilagan", attached=[("cv.rar", b"Rar!\x1a\x07" + b"x" * 100)]), mail_user)

    answer = connect(dovecot_server, mail_user).search([email(ERIK)], read_at=conformance.READ_AT)

    assert (answer.complete, answer.records) == (False, ())
    assert "1 mails of a mailbox hold something that only a person can read" in answer.detail


def _lying(search: bytes, fetch: bytes) -> LyingImapServer:
    """A server with nine mails that answers a search and a fetch with these lines."""

    def script(command: ImapCommand) -> None:
        words = command.text.split()
        told = {b"LIST": b'* LIST () "/" INBOX\r\n', b"SEARCH": search, b"FETCH": fetch}
        command.send(told.get(words[0], told.get(words[1] if len(words) > 1 else b"", b"")) + command.ok)

    return LyingImapServer(script)


_ONE = b'* 1 FETCH (UID 1 RFC822.SIZE 10 INTERNALDATE "24-Nov-2026 08:30:00 +0000")\r\n'


@pytest.mark.parametrize(
    ("search", "fetch", "why"),
    [
        (b"* SEARCH\r\n", b"", "lists fewer mails than it has"),
        (b"* SEARCH 1\r\n", _ONE, "lists fewer mails than it has"),
        (b"* SEARCH 1 2 3 4 5 6 7 8 9\r\n", _ONE, "removed while it was read"),
    ],
)
def test_a_server_that_hides_mails_has_not_been_read(search: bytes, fetch: bytes, why: str) -> None:
    declaration = parse_declaration(MAILS, source="test")
    with _lying(search, fetch) as server:
        options = {"host": "127.0.0.1", "port": str(server.port), "user": "u", "password": "test", "plain": "on"}
        answer = open_imap(name="mail", declaration=declaration, options=options).search(
            [email(ERIK)], read_at=conformance.READ_AT
        )

    assert not answer.complete
    assert why in answer.detail


# ------------------------------------------------------------------------------------------------- the server chooses


@pytest.mark.parametrize(
    "written",
    [
        mail(f"Skriv till {ERIK}"),
        mail("Ring 070 765 43 21"),
        mail("Hälsa Åsa Öberg."),
        mail("", html="<p>H&auml;lsa &Aring;sa &Ouml;berg</p>"),
        mail("Bilaga", attached=[("brev.txt", b"070/7654321")]),
    ],
)
def test_a_narrowed_search_finds_the_same(dovecot_server: DovecotServer, mail_user: str, written: bytes) -> None:
    for number in range(5):
        dovecot_server.append(mail(f"Beställning nummer {number} av överföringsvalsar"), mail_user)
    dovecot_server.append(written, mail_user)
    identifiers = [
        email(ERIK),
        conformance.identifier(IdentifierType.PHONE, "0707654321"),
        conformance.identifier(IdentifierType.NAME, "Åsa Öberg"),
    ]

    everything, narrowed = (
        connect(dovecot_server, mail_user, narrow=choice).search(identifiers, read_at=conformance.READ_AT)
        for choice in ("off", "on")
    )

    assert len(everything.records) == 1
    assert narrowed == everything


def test_a_server_whose_search_finds_nothing_is_not_believed() -> None:
    raw = mail(f"Viktiga överenskommelser med {ERIK}")
    structure = b'("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "BASE64" 60 1 NIL NIL NIL NIL)'

    def script(command: ImapCommand) -> None:
        asked = command.text.upper()
        told = b""
        if asked.startswith(b"LIST"):
            told = b'* LIST () "/" INBOX\r\n'
        elif asked.startswith(b"UID SEARCH"):
            if asked.endswith(b"}"):  # a word outside ASCII comes as a literal
                command.send(b"+ go on\r\n")
                command.stream.readline()
            told = b"* SEARCH 1\r\n" if b"TEXT" not in asked else b"* SEARCH\r\n"
        elif b"BODYSTRUCTURE" in asked:
            told = b"* 1 FETCH (UID 1 BODYSTRUCTURE " + structure + b")\r\n"
        elif b"BODY.PEEK" in asked:
            told = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n" % (len(raw), raw)
        elif b"FETCH" in asked:
            told = b'* 1 FETCH (UID 1 RFC822.SIZE %d INTERNALDATE "24-Nov-2026 08:30:00 +0000")\r\n' % len(raw)
        command.send(told + command.ok)

    selected = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 2] x\r\n"
    with LyingImapServer(script, selected=selected) as server:
        options = {"host": "127.0.0.1", "port": str(server.port), "user": "u", "password": "test", "plain": "on"}
        declaration = parse_declaration(MAILS, source="test")
        connector = open_imap(name="mail", declaration=declaration, options=options | {"narrow": "on"})
        (record,) = found(connector, IdentifierType.EMAIL, ERIK)

    assert ERIK in value(record, "text")


# --------------------------------------------------------------------------------------------- settings, declarations


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"host": "mail.example.se", "plain": "on"}, "plain is for this machine only"),
        ({"port": "imaps"}, "port and timeout_seconds are numbers"),
        ({"mailboxes": "anna/bo"}, "the name of a mailbox holds / or #"),
        ({"folder": "x"}, "folder is unknown"),
    ],
)
def test_wrong_options_are_told(options: dict[str, str], why: str) -> None:
    given = {"host": "localhost", "user": "dsar", "password": "x"} | options
    with pytest.raises(SettingsError, match=why):
        open_imap(name="mail", declaration=parse_declaration(MAILS, source="test"), options=given)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('column = "folder"', 'column = "colour"', "a mail has columns mailbox, folder"),
        ('en = "Subject"}, category = "note", free_text = true', 'en = "S"}, category = "note"', "the subject of a"),
        ('{action = "delete"}', '{action = "anonymise", set = {text = ""}}', "can be removed and not be changed"),
        ('category = "criminal"', 'category = "recruitment"', "applications need the column criminal"),
    ],
)  # fmt: skip
def test_what_a_mail_cannot_be_is_told(old: str, new: str, why: str) -> None:
    assert old in MAILS
    with pytest.raises(SettingsError, match=why):
        parse_declaration(MAILS.replace(old, new), source="test")


def test_a_record_of_a_mailbox_that_was_taken_out_of_settings_is_not_fetched(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(mail(ERIK, attached=[("a.txt", b"x")]), mail_user)
    (record,) = found(connect(dovecot_server, mail_user), IdentifierType.EMAIL, ERIK)
    other: ImapConnector = connect(dovecot_server, "another")

    with pytest.raises(SystemContractError, match="no mailbox of the settings"):
        other.fetch(record, record.documents[0])
