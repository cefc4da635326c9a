"""What is found in a directory, and how much of what stands there is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from directories import SAMPLE, ask, connect, found, sample, value
from servers.slapd import GROUPS, PEOPLE, SUFFIX, DirectoryServer, slapd

from connectors import conformance
from dsar.connector import SearchAnswer
from dsar.declaration import parse_declaration
from dsar.errors import SystemDriftError
from dsar.model import Identifier, IdentifierType, Strength

EMAIL, PHONE, NAME, USERNAME = IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.NAME, IdentifierType.USERNAME
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DirectoryServer]:
    with slapd(tmp_path) as running:
        running.person("kanarie", mail="kanarie@example.com")
        yield running


def told(answer: SearchAnswer, object_: str = "account") -> dict[str, str]:
    (record,) = (each for each in answer.records if each.object == object_)
    return {each.path: each.value for each in record.values}


# ------------------------------------------------------------------------------------------------------- finding


@pytest.mark.parametrize("stored", ["070-174 06 05", "+46 (0)70-174 06 05", "0046701740605", "070 / 174 06 05"])
def test_a_phone_is_found_in_any_spelling(server: DirectoryServer, stored: str) -> None:
    server.person("asa", mobile=["08-123 45 67", stored])

    assert found(ask(server, PHONE, "+46701740605")) == {("account", "asa")}


def test_the_second_of_several_mail_addresses_finds_certainly(server: DirectoryServer) -> None:
    server.person("asa", mail=["a.lindqvist@example.se", "asa@example.se"])

    (record,) = ask(server, EMAIL, "asa@example.se").records

    assert record.strength is Strength.CERTAIN
    assert value(record, "mail") == "a.lindqvist@example.se\nasa@example.se"


def test_an_earlier_name_finds_a_candidate(server: DirectoryServer) -> None:
    server.person("asa", cn=["Åsa Lindqvist", "Åsa Ek"])

    assert [each.strength for each in ask(server, NAME, "Åsa Ek").records] == [Strength.CANDIDATE]


def test_another_name_of_an_attribute_finds_the_same(server: DirectoryServer) -> None:
    """The server gives `mail` where `rfc822Mailbox` is asked for (RFC 4512 section 2.5.2)."""
    server.person("asa", mail="asa@example.se")
    declaration = parse_declaration(
        SAMPLE.replace('"mail"', '"rfc822Mailbox"').replace(", mail =", ", rfc822Mailbox ="), source="x.toml"
    )

    assert found(ask(server, EMAIL, "asa@example.se", declaration=declaration)) == {("account", "asa")}


def test_text_that_mentions_somebody_in_anothers_entry_gives_a_candidate(server: DirectoryServer) -> None:
    server.person("bo", carLicense="Lånas av asa@example.se")

    (record,) = ask(server, EMAIL, "asa@example.se").records

    assert (record.object, record.strength) == ("account", Strength.CANDIDATE)


def test_more_entries_than_a_page_are_all_read(server: DirectoryServer) -> None:
    with server.adding() as add:
        for number in range(1101):
            add(f"uid=u{number},{PEOPLE}", ["inetOrgPerson"], {"cn": "x", "sn": "x", "mail": "all@example.se"})

    answer = ask(server, EMAIL, "all@example.se")

    assert (len(answer.records), answer.complete) == (1101, True)


@pytest.mark.parametrize("text", ["*", "*)(uid=*", "\\2a", "asa)(|(uid=*", "\x00", "(", "ou=people"])
def test_text_of_a_requester_is_no_filter(server: DirectoryServer, text: str) -> None:
    server.person("asa", mail="asa@example.se")
    connector = connect(server, sample())

    for type_ in (USERNAME, NAME, EMAIL, PHONE):
        identifier = Identifier(type=type_, value=text)
        assert connector.search([identifier], read_at=conformance.READ_AT).records == ()


# ------------------------------------------------------------------------------------------------------- telling


def test_what_no_field_names_is_told_as_the_rest(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se", carLicense=["ABC123", "DEF456"], roomNumber="12")

    rest = told(ask(server, EMAIL, "asa@example.se"))["rest"].splitlines()

    assert rest == ["carlicense: ABC123", "carlicense: DEF456", "roomnumber: 12", "sn: asa"]


def test_a_password_is_never_told(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se", userPassword="hemligt")

    answer = ask(server, EMAIL, "asa@example.se", user="nosy")

    assert "userpassword: 7 bytes" in told(answer)["rest"]
    assert "hemligt" not in repr(answer)


def test_an_operational_attribute_is_told_where_it_is_declared(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se")

    assert told(ask(server, EMAIL, "asa@example.se"))["createTimestamp"].endswith("+00:00")


def test_a_name_in_another_language_stands_under_its_attribute(server: DirectoryServer) -> None:
    dn = server.person("asa", mail="asa@example.se", cn="Åsa")
    server.change(dn, **{"cn;lang-en": "Aasa"})

    assert told(ask(server, EMAIL, "asa@example.se"))["cn"] == "Aasa\nÅsa"


def test_a_photograph_is_a_document_and_fetched_byte_for_byte(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se", jpegPhoto=JPEG)
    (record,) = ask(server, EMAIL, "asa@example.se").records

    (photo,) = record.documents
    assert (photo.label.en, photo.media_type, photo.size) == ("Photograph", "image/jpeg", len(JPEG))
    assert connect(server, sample()).fetch(record, photo) == JPEG


def test_a_photograph_that_was_changed_is_not_handed_over(server: DirectoryServer) -> None:
    dn = server.person("asa", mail="asa@example.se", jpegPhoto=JPEG)
    (record,) = ask(server, EMAIL, "asa@example.se").records
    server.change(dn, jpegPhoto=JPEG + b"x")

    with pytest.raises(SystemDriftError):
        connect(server, sample()).fetch(record, record.documents[0])


def test_a_picture_that_is_not_declared_is_told_by_its_size(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se", audio=JPEG)

    assert f"audio: {len(JPEG)} bytes" in told(ask(server, EMAIL, "asa@example.se"))["rest"]


# ---------------------------------------------------------------------------------------------------- memberships


def test_of_a_group_only_the_persons_own_membership_is_told(server: DirectoryServer) -> None:
    asa, bo = server.person("asa", mail="asa@example.se"), server.person("bo")
    server.add(f"cn=Sälj,{GROUPS}", ["groupOfNames"], {"member": [bo, asa.upper().replace(",", ", ")]})

    answer = ask(server, EMAIL, "asa@example.se")

    assert told(answer, "membership")["cn"] == "Sälj"
    assert "bo" not in repr([each for each in answer.records if each.object == "membership"])
    assert "asa" not in next(each.key for each in answer.records if each.object == "membership")


def test_a_group_may_name_its_members_by_user_name(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se")
    server.add(f"cn=vpn,{GROUPS}", ["posixGroup"], {"gidNumber": "7", "memberUid": ["bo", "asa"]})

    assert told(ask(server, EMAIL, "asa@example.se"), "posix_membership") == {"cn": "vpn", "memberUid": "asa"}


def test_who_is_named_in_anothers_account_is_a_candidate(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    server.person("bo", manager=asa)

    (named,) = (each for each in ask(server, EMAIL, "asa@example.se").records if each.object == "manager")

    assert (named.strength, value(named, "cn")) == (Strength.CANDIDATE, "bo")


def test_a_name_with_a_comma_is_followed_to_its_groups(server: DirectoryServer) -> None:
    dn = f"cn=Lindqvist\\, Åsa,{PEOPLE}"
    server.add(dn, ["inetOrgPerson"], {"sn": "Lindqvist", "mail": "asa@example.se"})
    server.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": dn.replace("\\,", "\\2C")})

    assert told(ask(server, EMAIL, "asa@example.se"), "membership")["cn"] == "alla"


def test_an_entry_of_active_directory_is_known_by_its_guid(server: DirectoryServer) -> None:
    """Microsoft's schema, not its server: bytes turned round in the first three groups."""
    guid = bytes(range(16))
    server.add(
        f"cn=asa,{PEOPLE}",
        ["user"],
        {
            "sn": "x",
            "instanceType": "4",
            "nTSecurityDescriptor": "x",
            "objectCategory": SUFFIX,
            "objectGUID": guid,
            "description": "asa@example.se",
        },
    )
    text = SAMPLE.replace('filter = "(objectClass=inetOrgPerson)"', 'filter = "(objectClass=user)"\nkey = "objectGUID"')

    (record,) = ask(server, EMAIL, "asa@example.se", declaration=parse_declaration(text, source="x.toml")).records

    assert record.key == "03020100-0504-0706-0809-0a0b0c0d0e0f"
