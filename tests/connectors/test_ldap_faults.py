"""What makes a directory's answer incomplete or none at all, and what it must not say then."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from directories import SAMPLE, ask, connect, connect_writing, sample
from servers import make_tls
from servers.slapd import PEOPLE, SUFFIX, DirectoryServer, slapd

from connectors import open_connector
from connectors.ldap.directory import Directory
from dsar.connector import Erases, Suppresses, Updates
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemContractError, SystemRefusedError, SystemUnavailableError
from dsar.model import IdentifierType

EMAIL = IdentifierType.EMAIL


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DirectoryServer]:
    with slapd(tmp_path) as running:
        running.person("kanarie", mail="kanarie@example.com")
        running.person("asa", mail="asa@example.se")
        yield running


# --------------------------------------------------------------------------------------------------- not everything


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("ou=slow,ou=broken", "the time limit was reached"),
        ("ou=admin,ou=broken", "a limit of the server was reached"),
    ],
)
def test_a_search_that_the_server_ends_early_is_incomplete(server: DirectoryServer, base: str, why: str) -> None:
    declaration = parse_declaration(SAMPLE.replace("ou=groups", base), source="x.toml")

    answer = ask(server, EMAIL, "asa@example.se", declaration=declaration)

    assert (len(answer.records), answer.complete, answer.detail) == (1, False, why)


def test_more_entries_than_the_account_may_have_is_incomplete(server: DirectoryServer) -> None:
    server.person("bo")

    answer = ask(server, EMAIL, "asa@example.se", user="few")

    assert (answer.complete, "the size limit was reached" in answer.detail) == (False, True)


def test_a_second_page_that_is_refused_makes_the_answer_incomplete(server: DirectoryServer) -> None:
    """The account gets 501 entries in pages and then no more."""
    with server.adding() as add:
        for number in range(600):
            add(f"uid=u{number},{PEOPLE}", ["inetOrgPerson"], {"cn": "x", "sn": "x"})

    answer = ask(server, EMAIL, "asa@example.se", user="pages")

    assert (answer.complete, bool(answer.records)) == (False, True)


def test_a_part_that_lies_on_another_server_makes_the_answer_incomplete(server: DirectoryServer) -> None:
    """RFC 4511 section 4.5.3; it is not followed, for that would carry the password there."""
    server.add(f"ou=elsewhere,{PEOPLE}", ["referral", "extensibleObject"], {"ref": "ldap://127.0.0.1:1/ou=x"})

    answer = ask(server, EMAIL, "asa@example.se")

    assert (answer.complete, answer.detail) == (False, "part of it lies on another server")


@pytest.mark.parametrize("account", ["blind", "half"])
def test_a_right_that_was_taken_away_is_no_empty_answer(server: DirectoryServer, account: str) -> None:
    """A directory answers who may not read an entry as if it were not there: the canary tells."""
    server.change(f"uid=kanarie,{PEOPLE}", description="hidden")

    answer = ask(server, EMAIL, "bo@example.se", user=account)
    health = connect(server, sample(), user=account).health()

    assert (answer.complete, answer.detail) == (False, "the canary person is not found")
    assert (health.ok, health.detail) == (False, "the canary person is not found")


# ---------------------------------------------------------------------------------------------------- nothing at all


def test_a_wrong_password_is_refused(server: DirectoryServer) -> None:
    with pytest.raises(SystemRefusedError, match=r"the user or the password is wrong \(LDAP 49\)"):
        ask(server, EMAIL, "asa@example.se", password="wrong")


def test_a_server_that_is_busy_is_temporary(server: DirectoryServer) -> None:
    declaration = parse_declaration(SAMPLE.replace("ou=groups", "ou=busy,ou=broken"), source="x.toml")

    with pytest.raises(SystemUnavailableError, match="LDAP 51"):
        ask(server, EMAIL, "asa@example.se", declaration=declaration)


def test_a_server_that_goes_away_meanwhile_is_temporary(server: DirectoryServer) -> None:
    with Directory("directory", connect(server, sample())._reading) as directory:
        server.process.kill()
        server.process.wait()
        with pytest.raises(SystemUnavailableError):
            directory.read(PEOPLE, "(objectClass=*)", ["mail"])


def test_a_server_that_is_not_there_is_temporary(server: DirectoryServer) -> None:
    server.process.kill()
    server.process.wait()

    with pytest.raises(SystemUnavailableError):
        ask(server, EMAIL, "asa@example.se")
    assert not connect(server, sample()).health().ok


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_certificate_of_a_stranger_is_not_trusted(server: DirectoryServer, scheme: str, tmp_path: Path) -> None:
    port = server.tls_port if scheme == "ldaps" else server.port
    stranger = str(make_tls(tmp_path / "other").ca_file)

    with pytest.raises(SystemUnavailableError, match="its certificate is not trusted"):
        ask(server, EMAIL, "asa@example.se", url=f"{scheme}://localhost:{port}", ca_file=stranger)


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_certificate_for_another_name_is_not_trusted(server: DirectoryServer, scheme: str) -> None:
    """The certificate is for localhost and 127.0.0.1."""
    port = server.tls_port if scheme == "ldaps" else server.port

    with pytest.raises(SystemUnavailableError, match="its certificate is not trusted"):
        ask(server, EMAIL, "asa@example.se", url=f"{scheme}://127.0.0.2:{port}")


def test_starttls_reads_as_ldaps_does(server: DirectoryServer) -> None:
    answer = ask(server, EMAIL, "asa@example.se", url=f"ldap://localhost:{server.port}")

    assert (len(answer.records), answer.complete) == (1, True)


def test_no_password_goes_to_a_server_without_encryption(server: DirectoryServer) -> None:
    """It offers no StartTLS; nothing but the wish for it was sent."""
    with slapd(server.directory / "plain", tls=False) as plain:
        with pytest.raises(SystemUnavailableError, match="it offers no encryption"):
            ask(plain, EMAIL, "asa@example.se", url=f"ldap://localhost:{plain.port}", ca_file=str(server.ca_file))
        assert ask(plain, EMAIL, "x@example.se", url=f"ldap://localhost:{plain.port}", plain="on").detail


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_certificate_is_a_way_in(server: DirectoryServer, scheme: str) -> None:
    """SASL EXTERNAL: the server takes who holds its own certificate, for localhost, for the account that reads."""
    port = server.tls_port if scheme == "ldaps" else server.port
    tls = server.ca_file.parent
    options = {"url": f"{scheme}://localhost:{port}", "ca_file": str(server.ca_file)}
    options |= {"cert_file": str(tls / "cert.pem"), "key_file": str(tls / "key.pem")}
    connector = open_connector("ldap", name="directory", declaration=sample(), options=options)

    assert connector.health().ok


def test_who_gives_no_user_is_nobody(server: DirectoryServer) -> None:
    options = {"url": f"ldaps://localhost:{server.tls_port}", "ca_file": str(server.ca_file)}
    anonymous = open_connector("ldap", name="directory", declaration=sample(), options=options)

    assert not anonymous.health().ok  # this server shows nobody anything


@pytest.mark.parametrize("old", ["ou=people", "ou=groups"])
def test_a_base_that_is_not_there_is_no_empty_answer(server: DirectoryServer, old: str) -> None:
    declaration = parse_declaration(SAMPLE.replace(old, "ou=gone"), source="x.toml")

    with pytest.raises(SystemContractError, match="there is nothing at the base"):
        ask(server, EMAIL, "asa@example.se", declaration=declaration)


def test_an_attribute_that_the_schema_lacks_is_no_empty_value(server: DirectoryServer) -> None:
    declaration = parse_declaration(SAMPLE.replace('"homePhone"', '"homeFone"'), source="x.toml")

    with pytest.raises(SystemContractError, match="its schema has no attribute homeFone"):
        ask(server, EMAIL, "asa@example.se", declaration=declaration)


def test_errors_name_neither_persons_nor_accounts(server: DirectoryServer) -> None:
    wrong = [connect(server, sample(), password="Hemlig-1"), connect(server, sample(), url="ldaps://localhost:1")]

    texts = [each.health().detail for each in wrong]

    assert all(texts)
    assert not any(word in text for text in texts for word in ("reader", SUFFIX, "asa", 'wrong"'))


# ------------------------------------------------------------------------------------------------------- permissions


def test_without_an_account_that_writes_it_can_only_search(server: DirectoryServer) -> None:
    reader = connect(server, sample())

    assert not any(isinstance(reader, ability) for ability in (Updates, Erases, Suppresses))


def test_an_account_that_reads_and_nothing_else_is_as_it_should_be(server: DirectoryServer) -> None:
    server.add("cn=alla,ou=groups,dc=example,dc=se", ["groupOfNames"], {"member": PEOPLE})

    assert [each for each in connect(server, sample()).health().notes if "account that" in each] == []


def test_an_account_that_searches_and_could_write_is_noted(server: DirectoryServer) -> None:
    before = server.stored(f"uid=kanarie,{PEOPLE}")

    notes = connect(server, sample(), user="writer").health().notes

    assert "the account that searches may also write: account; give it less" in notes
    assert server.stored(f"uid=kanarie,{PEOPLE}") == before


def test_an_account_for_changes_that_may_not_write_or_is_not_let_in_is_noted(server: DirectoryServer) -> None:
    reading = connect_writing(server, sample(), writer="reader").health()
    locked_out = connect_writing(server, sample(), writer="nobody").health()

    assert (
        "the account that changes may not write: account (cn, mail, mobile, o, postalAddress, title)" in reading.notes
    )
    assert [each for each in locked_out.notes if "the account that changes cannot be used" in each] != []
    assert [each for each in connect_writing(server, sample()).health().notes if "changes" in each] == []


def test_an_account_that_sees_passwords_is_noted(server: DirectoryServer) -> None:
    server.change(f"uid=asa,{PEOPLE}", userPassword="hemligt")

    notes = connect(server, sample(), user="nosy").health().notes

    assert "the account that searches may read passwords; hide userPassword from it" in notes


# ---------------------------------------------------------------------------------------------- settings, declaring


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"url": "ldaps://"}, "url must be"),
        ({"url": "https://x"}, "url must be"),
        ({"url": "ldaps://x:many"}, "url must be"),
        ({"url": "ldaps://x?y"}, "url must be"),
        ({"url": "ldaps://x/dc=y"}, "url must be"),
        ({"user": ""}, "user and password belong together"),
        ({"password": ""}, "user and password belong together"),
        ({"write_user": "cn=x"}, "write_user and write_password belong together"),
        ({"url": "ldap://ldap.example.se", "plain": "on"}, "of this machine only"),
        ({"url": "ldaps://localhost", "plain": "on"}, "of this machine only"),
        ({"timeout_seconds": "soon"}, "timeout_seconds is no whole number"),
        ({"ca_file": "/nowhere"}, "ca_file cannot be read"),
        ({"cert_file": "/x", "key_file": "/y"}, "take no user"),
        ({"user": "", "password": "", "cert_file": "/x"}, "cert_file and key_file belong together"),
        ({"user": "", "password": "", "cert_file": "/x", "key_file": "/y"}, "cert_file and key_file cannot be read"),
        ({"colour": "red"}, "colour is unknown"),
    ],
)
def test_wrong_options_are_settings_errors(changes: dict[str, str], fault: str) -> None:
    options = {"url": "ldaps://localhost", "user": "cn=x", "password": "y"} | changes

    with pytest.raises(SettingsError, match=fault):
        open_connector("ldap", name="directory", declaration=sample(), options=options)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'base = "ou=people,dc=example,dc=se"',
            'base = "people"',
            "x.toml:10: object.1.base: this is no distinguished",
        ),
        ('base = "ou=people,dc=example,dc=se"\n', "", "needs base and filter"),
        (
            '"(objectClass=inetOrgPerson)"',
            '"objectClass=inetOrgPerson"',
            "x.toml:11: object.1.filter: this is no filter",
        ),
        ('"(objectClass=inetOrgPerson)"', '"(&(a=b)(c=d)"', "this is no filter"),
        ('"(objectClass=inetOrgPerson)"', '"(a=b)(c=d)"', "this is no filter"),
        ('column = "homePhone"', 'column = "home phone"', "'home phone' is no name of an attribute"),
        ('each = "member"', 'each = "the members"', "'the members' is no name of an attribute"),
        ('each = "member"', 'each = "member"\nkey = "cn"', "the key of an entry is one of"),
        ('column = "rest"', 'column = "other"', "needs a field rest"),
        ('update = {name = "cn"', 'update = {name = "rest"', "cannot be written"),
        ('content = "jpegPhoto"', 'file = "jpegPhoto"', "needs content"),
    ],
)
def test_what_an_entry_cannot_be_is_a_fault(old: str, new: str, fault: str) -> None:
    text = SAMPLE.replace(old, new, 1)
    assert text != SAMPLE

    with pytest.raises(SettingsError, match=fault):
        parse_declaration(text, source="x.toml")


def test_all_faults_of_a_declaration_are_told_at_once() -> None:
    text = SAMPLE.replace("ou=groups", "groups").replace('"(manager=*)"', '"manager"').replace('"homePhone"', '"a b"')

    with pytest.raises(SettingsError) as raised:
        parse_declaration(text, source="x.toml")

    assert len(raised.value.problems) >= 4


@pytest.mark.parametrize(
    "filter_",
    ["(&(objectClass=user)(!(objectClass=computer)))", "(|(a=*)(b=x\\2ay)(c>=1))", "(cn:caseExactMatch:=Åsa)"],
)
def test_every_usual_filter_is_one(filter_: str) -> None:
    escaped = filter_.replace("\\", "\\\\")

    assert parse_declaration(SAMPLE.replace("(manager=*)", escaped), source="x.toml")
