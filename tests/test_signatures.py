"""DKIM verified again from the exact bytes: one line for staff, never proof."""

import base64
from dataclasses import replace
from pathlib import Path

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from office import open_office

from dsar.casework import intake
from dsar.signatures import LookUpTxt, evidence

_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
_PUBLIC = _KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(_PUBLIC)

MAIL = b"From: Anna <anna@kund.example>\r\nTo: gdpr@xelent.example\r\nSubject: Hej\r\n\r\nRadera mig.\r\n"
SIGNED = dkim.sign(MAIL, b"s1", b"kund.example", PRIVATE) + MAIL


def dns(record: bytes | None) -> LookUpTxt:
    """A DNS that knows one key."""

    def look_up(name: bytes, **_how: object) -> bytes | None:
        return record if name == b"s1._domainkey.kund.example." else None

    return look_up


def dns_that(fails: Exception) -> LookUpTxt:
    """A DNS that does not answer."""

    def look_up(_name: bytes, **_how: object) -> bytes | None:
        raise fails

    return look_up


@pytest.mark.parametrize(
    ("content", "look_up", "line"),
    [
        (SIGNED, dns(RECORD), "signed by kund.example"),
        (SIGNED.replace(b"Radera", b"Beh\xe5ll"), dns(RECORD), "no signature is valid"),
        (SIGNED, dns(None), "no signature is valid"),
        (SIGNED, dns_that(TimeoutError()), "a signature could not be checked"),
        (SIGNED, dns_that(dkim.DnsTimeoutError()), "a signature could not be checked"),
        (MAIL, dns(RECORD), "not signed"),
        (b"DKIM-Signature: v=1; a=rsa-sha256; d=evil\x1b[2J; s=s1\r\n" + SIGNED, dns(RECORD), "signed by kund.example"),
        (b"DKIM-Signature: \x00\r\n" * 50 + MAIL, dns(RECORD), "no signature is valid"),
        (b"\xff\xfe\r\n", dns(RECORD), "the mail cannot be read"),
    ],
    ids=[
        "valid",
        "changed",
        "no key",
        "no DNS",
        "slow DNS",
        "unsigned",
        "one broken, one valid",
        "fifty broken",
        "no mail",
    ],
)
def test_the_line(content: bytes, look_up: LookUpTxt, line: str) -> None:
    assert evidence(content, look_up) == f"DKIM verified again: {line}"


def test_a_valid_signature_is_shown_and_proves_nothing(tmp_path: Path) -> None:
    """It vouches for a domain, not for a person: identity stays as our own mail server left it."""
    with open_office(tmp_path) as office:
        message = office.take(SIGNED)
        mail, content = intake.read(office.app, message), intake.raw_content(office.app, message)

        asking = replace(office.app, look_up_txt=dns(RECORD))
        found = intake.with_signatures(asking, intake.examine(asking, mail), content)

        assert found.sender_evidence == ("DKIM verified again: signed by kund.example",)
        assert found.sender_authentication == "none"


def test_nobody_is_asked_unless_settings_say_so(tmp_path: Path) -> None:
    """A look-up tells the sender's name server that the mail was read."""
    with open_office(tmp_path) as office:
        assert office.app.look_up_txt is None


def test_the_setting_asks_the_dns(tmp_path: Path) -> None:
    with open_office(tmp_path, more={"authentication": "dkim = on"}) as office:
        assert office.app.look_up_txt is not None
