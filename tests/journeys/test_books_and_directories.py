"""A person stands in an address book and a directory: told, corrected and erased there as in any other system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import PASSWORD, BookServer, DovecotServer, SmtpSink, radicale
from servers.slapd import GROUPS, DirectoryServer, service, slapd

from connectors import samples

from .company import Company, body
from .quick import QuickCompany
from .test_changes import ERASE, UPDATE

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

JPEG = b"\xff\xd8\xff\xe0" + b"a picture" * 100
MARIA, JOHN = "maria.oberg@example.se", "john.whitfield@example.com"
ACCESS = "Hej!\n\nJag vill ha ett registerutdrag.\n\nMaria Öberg\n"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DirectoryServer]:
    with slapd(tmp_path / "slapd") as server:
        server.person("kanarie", mail="kanarie@example.com")
        maria = server.person("maria", cn="Maria Öberg", mail=MARIA, mobile="070-174 06 08", jpegPhoto=JPEG)
        john = server.person("john", cn="John Whitfield", mail=JOHN)
        for group, members in (("kunder", [maria, john]), ("maria", [maria])):
            server.add(f"cn={group},{GROUPS}", ["groupOfNames"], {"member": members})
        yield server


@pytest.fixture
def book(tmp_path: Path) -> Iterator[BookServer]:
    (tmp_path / "books").mkdir()
    with radicale(tmp_path / "books") as server:
        for name, person, lines in (
            ("kanarie", "Kanarie", "EMAIL:kanarie@example.com"),
            ("maria", "Maria Öberg", f"EMAIL:{MARIA}\r\nTEL:+46 70 174 06 08"),
            ("john", "John Whitfield", f"EMAIL:{JOHN}"),
        ):
            card = f"UID:{name}\r\nFN:{person}\r\nN:{person};;;;\r\n{lines}\r\n"
            server.put(name, f"BEGIN:VCARD\r\nVERSION:3.0\r\n{card}END:VCARD\r\n")
        yield server


@pytest.fixture
def company(
    tmp_path: Path,
    dovecot_server: DovecotServer,
    smtp_sink: SmtpSink,
    mail_user: str,
    directory: DirectoryServer,
    book: BookServer,
) -> Company:
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    for name in ("addressbook", "directory"):
        (made.data / f"{name}.toml").write_bytes((Path(samples.__file__).parent / f"{name}.toml").read_bytes())
    made.settings.write_text(
        made.settings.read_text("utf-8")
        + f"""
[system.addressbook]
connector = carddav
declaration = data/addressbook.toml
url = {book.home}
user = office
password = {PASSWORD}
changes = on
[system.directory]
connector = ldap
declaration = data/directory.toml
url = ldaps://localhost:{directory.tls_port}
ca_file = {directory.ca_file}
user = {service("reader")}
password = {PASSWORD}
write_user = {service("writer")}
write_password = {PASSWORD}
""",
        "utf-8",
    )
    return made


def test_what_stands_there_is_told_with_the_picture(company: Company) -> None:
    company.write(f"Maria Öberg <{MARIA}>", ACCESS)
    company.ok("poll")
    (waiting,) = company.queue()

    shown = company.ok("show", waiting["reference"], "--data").out

    assert "+46 70 174 06 08" in shown  # as the card has it
    assert "070-174 06 08" in shown  # as the directory has it
    assert "kunder" in shown
    assert "photo.jpg" in company.ok("document", waiting["reference"].partition("/")[0]).out
    assert JOHN not in shown
    listed = company.ok("document", waiting["reference"].partition("/")[0]).out
    assert "directory" in listed
    assert "photo.jpg" in listed


def test_a_new_number_is_written_to_both_and_read_back(
    company: Company, directory: DirectoryServer, book: BookServer
) -> None:
    company.write(f"Maria Öberg <{MARIA}>", UPDATE)
    company.ok("poll")
    (waiting,) = company.queue()
    company.ok("verify", waiting["reference"].partition("/")[0], "--method", "call_back", "--phone", "070-1740608")
    company.ok("show", waiting["reference"], "--letter", actor="bo")

    company.ok("approve", waiting["reference"], actor="bo")

    (mobile,) = (directory.stored("uid=maria,ou=people,dc=example,dc=se") or {})["mobile"]
    assert mobile.decode().replace(" ", "").endswith("701740699")
    assert "701740699" in book.stored("maria").replace(" ", "")
    assert "ändrat" in body(company.letters_to(MARIA)[-1])


def test_who_is_erased_is_gone_from_the_book_the_groups_and_the_directory(
    company: Company, directory: DirectoryServer, book: BookServer
) -> None:
    company.write(f"John Whitfield <{JOHN}>", ERASE, subject="My data")
    company.ok("poll")
    (waiting,) = company.queue()
    company.ok("show", waiting["reference"], "--letter", actor="bo")

    company.ok("approve", waiting["reference"], actor="bo")

    assert directory.stored("uid=john,ou=people,dc=example,dc=se") is None
    assert len((directory.stored(f"cn=kunder,{GROUPS}") or {})["member"]) == 1
    assert book.client.get(f"{book.book}john.vcf").status_code == 404
    assert book.client.get(f"{book.book}maria.vcf").status_code == 200
    assert "User account" in body(company.letters_to(JOHN)[-1])


def test_what_the_directory_refuses_goes_before_a_person_and_is_not_called_erased(
    company: Company, directory: DirectoryServer
) -> None:
    """A group must have a member (RFC 4519 section 3.5), so the last one stays, and so does the account it names."""
    directory.change(f"cn=kunder,{GROUPS}", member="uid=john,ou=people,dc=example,dc=se")
    company.write(f"John Whitfield <{JOHN}>", ERASE, subject="My data")
    company.ok("poll")
    (waiting,) = company.queue()
    company.ok("show", waiting["reference"], "--letter", actor="bo")

    company.ok("approve", waiting["reference"], actor="bo")

    (again,) = company.queue()
    assert again["reference"] == waiting["reference"]
    assert directory.stored("uid=john,ou=people,dc=example,dc=se") is not None
    company.ok("show", waiting["reference"], "--plan")
