"""What attachments and containers say, and what of them only a person may open."""

import binascii

import pytest
from documents import (
    REQUEST,
    attached,
    base64_lines,
    docx,
    in_pieces,
    locked_pdf,
    locked_zip,
    odt,
    ole,
    pdf,
    pdf_form,
    smime_sealed,
    smime_signed,
    tnef,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dsar.errors import MalformedMailError
from dsar.mime import read_mail
from dsar.mime.containers import unpack_rtf
from dsar.model import Disposition, InboundMail, Right, SenderAuthentication, Triage
from dsar.triage import triage

HEAD = b"From: Anna Ek <anna@example.se>\r\nMessage-ID: <1@example.se>\r\n"
RTF = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator Word;}\f0 Jag beg\'e4r ett registerutdrag\par "
INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + REQUEST.encode() + b"\r\n"


def texts(mail: InboundMail) -> list[tuple[str, str]]:
    return [(each.filename, each.text) for each in mail.attachment_texts]


def sort(content: bytes) -> Triage:
    return triage(read_mail(content), sender_authentication=SenderAuthentication.NONE)


def test_endless_text_is_read_in_part_and_by_a_person() -> None:
    mail = read_mail(HEAD + b"\r\nRadera mig.\n\n" + b"ord " * 1_000_000)

    assert mail.text.startswith("Radera mig.")
    assert mail.unread == ("the mail is too long to be read whole",)


# ------------------------------------------------------------------------------------------------------ documents


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (pdf(), "brev.pdf"),
        (docx(), "brev.docx"),
        (odt(), "brev.odt"),
        (RTF + rb"enligt artikel 15.}", "brev.rtf"),
        (REQUEST.encode("cp1252"), "brev.txt"),
        (REQUEST.encode("utf-16"), "brev.txt"),
        (f"<p>{REQUEST}</p><script>x</script>".encode(), "brev.html"),
        (pdf(), "brev"),
        (docx(), "brev.doc"),
    ],
)
def test_document_is_read_by_what_it_is(content: bytes, filename: str) -> None:
    """Whatever its name says."""
    mail = read_mail(attached(content, filename))

    assert [(name, " ".join(text.split())) for name, text in texts(mail)] == [
        (filename, REQUEST if not filename.endswith("rtf") else "Jag begär ett registerutdrag enligt artikel 15.")
    ]
    assert mail.unread == ()


def test_filled_in_form_is_read() -> None:
    assert REQUEST in texts(read_mail(attached(pdf_form(REQUEST), "blankett.pdf")))[0][1]


@pytest.mark.parametrize(
    ("content", "filename", "text"),
    [
        (
            docx(
                "<w:p><w:del><w:r><w:delText>Radera</w:delText></w:r></w:del><w:r><w:rPr><w:strike/></w:rPr>"
                "<w:t>Radera</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>Radera</w:t></w:r>"
                '<w:r><w:rPr><w:strike w:val="false"/></w:rPr><w:t>Hej</w:t></w:r></w:p>'
            ),
            "brev.docx",
            "Hej",
        ),
        (odt("<text:tracked-changes>Radera</text:tracked-changes><text:p>Hej<text:s/>du</text:p>"), "b.odt", "Hej du"),
        (rb"{\rtf1 {\strike Radera}{\v Radera}{\*\x Radera}{\strike Radera\strike0 Hej}}", "brev.rtf", "Hej"),
        (b"<p><s>Radera</s> Hej</p>", "brev.html", "Hej"),
    ],
)
def test_what_its_writer_took_back_is_left_out(content: bytes, filename: str, text: str) -> None:
    """Deleted, struck through or hidden."""
    assert texts(read_mail(attached(content, filename))) == [(filename, text)]


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1 a\par b\line c\tab d}", "a\nb\nc\td"),
        (rb"{\rtf1\ansicpg1252 \'e5\u8364?\{\\\}}", "å€{\\}"),
        (rb"{\rtf1\uc2 \u229ab\u246cd}", "åö"),
        (rb"{\rtf1 {\pict\bin5 }}}}}}Hej}", "Hej"),
        (rb"{\rtf1 Hej}}}} du", "Hej du"),
        (rb"{\rtf1 " + rb"{" * 100_000 + rb"Hej", "Hej"),
    ],
)
def test_rtf(rtf: bytes, text: str) -> None:
    assert texts(read_mail(attached(rtf, "brev.rtf"))) == [("brev.rtf", text)]


@pytest.mark.parametrize(
    ("content", "filename", "why"),
    [
        (locked_pdf(), "brev.pdf", "an attachment is protected by a password"),
        (locked_zip(), "brev.zip", "an attachment is protected by a password"),
        (ole("EncryptedPackage"), "brev.docx", "an attachment is protected by a password"),
        (odt(manifest="<encryption-data/>"), "brev.odt", "an attachment is protected by a password"),
        (docx(more={"word/vbaProject.bin": "x"}), "brev.docx", "an attachment holds macros"),
        (docx(), "brev.docm", "an attachment holds macros"),
        (zipped({"xl/workbook.xml": ""}), "lista.xlsm", "an attachment holds macros"),
        (ole("_VBA_PROJECT"), "brev.doc", "an attachment holds macros"),
        (ole("WordDocument"), "brev.doc", "an attachment is in an old file format, which is not read"),
        (zipped({"noll": bytes(50_000_000)}), "brev.zip", "an attachment unpacks to far more than it should"),
        (
            docx(more={"word/media.bin": bytes(50_000_000)}),
            "b.docx",
            "an attachment unpacks to far more than it should",
        ),
        (zipped({"brev.txt": REQUEST}), "brev.zip", "an attachment is an archive, which is not opened"),
        (b"Rar!\x1a\x07\x01\x00", "brev.rar", "an attachment is an archive, which is not opened"),
        (b"7z\xbc\xaf\x27\x1c", "brev.7z", "an attachment is an archive, which is not opened"),
        (pdf(""), "scan.pdf", "an attached PDF has no text, it is a scan or a picture"),
        (b"%PDF-1.7 nonsense", "brev.pdf", "an attachment is broken"),
        (pdf()[:600], "brev.pdf", "an attachment is broken"),
        (docx()[:200], "brev.docx", "an attachment is broken"),
        (docx("<w:p>"), "brev.docx", "an attachment is broken"),
        (b"\xff\xd8\xff" + bytes(40_000), "IMG_1.jpg", "an attachment is a picture or a recording, which is not read"),
    ],
)
def test_what_only_a_person_may_open_goes_before_one(content: bytes, filename: str, why: str) -> None:
    """It is never opened here, and the reason is told."""
    found = sort(attached(content, filename, text="Se bifogad fil."))

    assert why in found.reasons
    assert found.needs_person


ENTITIES = (
    '<!DOCTYPE w:document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    '<w:document xmlns:w="urn:w"><w:body><w:p><w:r><w:t>&b;&f;</w:t></w:r></w:p></w:body></w:document>'
)


def test_entities_are_refused() -> None:
    """No document type is read at all, so that nothing grows and nothing is fetched."""
    mail = read_mail(attached(zipped({"word/document.xml": ENTITIES}), "brev.docx"))

    assert (texts(mail), mail.unread) == ([], ("an attachment is broken",))


def test_size_that_lies_is_not_believed() -> None:
    """A member that says 10 bytes and unpacks to 50 MB is stopped on the way."""
    packed = bytearray(zipped({"word/document.xml": bytes(50_000_000)}))
    for start, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = packed.index(start) + place
        packed[at : at + 4] = (10).to_bytes(4, "little")

    assert read_mail(attached(bytes(packed), "brev.docx")).unread == ("an attachment is broken",)


@pytest.mark.parametrize("size", [900, 40_000])
def test_only_a_picture_that_may_be_a_letter_needs_a_person(size: int) -> None:
    """A logo does not, nor does a picture below a text that says what it is about."""
    picture = b"\x89PNG\r\n\x1a\n" + bytes(size)
    short = read_mail(attached(picture, "bild.png", "image/png", text="Se bild"))
    long = read_mail(attached(picture, "bild.png", "image/png", text="Vår skrivare på plan tre vill inte mer. " * 5))

    assert bool(short.unread) is (size > 20_000)
    assert long.unread == ()


# -------------------------------------------------------------------------------------- requests in attachments


@pytest.mark.parametrize("text", ["", "Se bifogad.", "Hej! Jag bifogar ett brev till er.\n\nMvh\nAnna Ek"])
def test_request_in_an_attachment_is_found_and_goes_before_a_person(text: str) -> None:
    found = sort(attached(pdf(), "brev.pdf", text=text))

    assert (found.disposition, [r.right for r in found.subjects[0].requests]) == (Disposition.REQUEST, [Right.ACCESS])
    assert "what is asked stands in an attachment" in found.reasons
    assert found.needs_person


def test_attachment_of_a_clear_request_changes_nothing() -> None:
    """Who asks in the mail is not read for more in a copy of his contract."""
    text = "Hej! Jag vill ha ett registerutdrag enligt artikel 15 i GDPR.\n\nMvh\nAnna Ek"
    found = sort(attached(pdf("Radera alla mina uppgifter."), "avtal.pdf", text=text))

    assert [request.right for request in found.subjects[0].requests] == [Right.ACCESS]
    assert found.reasons == sort(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()).reasons


def test_terms_below_an_offer_are_no_request() -> None:
    text = "Hej! Här kommer vår offert på kontorsmöbler, vi ger 20 % rabatt. Boka gärna ett möte. " * 5
    found = sort(attached(pdf("Ni har rätt att radera era uppgifter."), "villkor.pdf", text=text))

    assert found.disposition is Disposition.NOT_REQUEST


# ----------------------------------------------------------------------------------------------- attached mails


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Type: message/rfc822\r\n\r\n%s",
        b'Content-Type: application/octet-stream; name="brev.eml"\r\n\r\n%s',
        b'Content-Type: application/octet-stream; name="brev.eml"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s',
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n%s",
    ],
)
def test_attached_mail_is_read(part: bytes) -> None:
    """As part of the text, as quoted text, and as an attachment that may carry the request."""
    eml = b"From: Eva Ek <eva@example.se>\r\nSubject: Utdrag\r\n" + INNER
    inner = part % (base64_lines(eml) if b"base64" in part else eml)
    body = b"--b\r\n\r\nSe bifogat.\r\n--b\r\n" + inner + b"\r\n--b--"
    mail = read_mail(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body)

    assert mail.own_text == "Se bifogat."
    assert "From: Eva Ek <eva@example.se>" in mail.quoted_text
    assert REQUEST in mail.quoted_text
    assert texts(mail) == [("Utdrag", f"Utdrag\n\n{REQUEST}")]


def test_mails_within_mails_are_read_to_the_limit() -> None:
    """RFC 2046 s. 5.2.1; twenty colleagues who forward as attachment are twenty mails."""
    content = HEAD + b"".join(
        b"Content-Type: message/rfc822\r\n\r\nFrom: a%d@example.se\r\nSubject: nr %d\r\n" % (at, at) for at in range(20)
    )
    mail = read_mail(content + INNER)

    assert "Subject: nr 19" in mail.text
    assert REQUEST in mail.text


# ---------------------------------------------------------------------------------------------------- containers


def part(content: bytes, content_type: bytes) -> bytes:
    encoded = base64_lines(content)
    return HEAD + b"Content-Type: " + content_type + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded


def test_winmail_dat_is_unpacked() -> None:
    """TNEF of Outlook: its text where the mail has none, and the files in it."""
    content = tnef("Jag begär ett utdrag", **{"brev.pdf": pdf(), "x.bin": b"\x00\x01"})
    mail = read_mail(part(content, b'application/ms-tnef; name="winmail.dat"'))

    assert mail.own_text == "Jag begär ett utdrag"
    assert [(file.filename, file.content[:4]) for file in mail.attachments] == [
        ("brev.pdf", b"%PDF"),
        ("x.bin", b"\x00\x01"),
    ]
    assert texts(mail) == [("brev.pdf", REQUEST)]


def test_winmail_dat_does_not_repeat_the_text() -> None:
    mail = read_mail(
        attached(tnef("Jag begär ett utdrag"), "winmail.dat", "application/ms-tnef", "Jag begär ett utdrag")
    )

    assert mail.text == "Jag begär ett utdrag"


#: The example of [MS-OXRTFCP] s. 4.1.1, and what comes of it.
PACKED_RTF = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)


def test_compressed_rtf_of_outlook_is_unpacked() -> None:
    assert unpack_rtf(PACKED_RTF) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_broken_winmail_dat_goes_before_a_person() -> None:
    assert "winmail.dat is broken" in read_mail(attached(tnef() + b"\xff" * 40, "winmail.dat")).unread[0]


def test_uuencoded_file_is_taken_out_of_the_text() -> None:
    content = REQUEST.encode()
    lines = b"".join(binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45))
    mail = read_mail(HEAD + b"\r\nSe bifogat.\nbegin 644 brev.txt\n" + lines + b"`\nend\nHej!")

    assert mail.text == "Se bifogat.\nHej!"
    assert [(file.filename, file.content) for file in mail.attachments] == [("brev.txt", content)]
    assert texts(mail) == [("brev.txt", REQUEST)]


@pytest.mark.parametrize("text", ["begin 644 days ago\nåäö\nend", "begin 644 x\nM", "We begin 644 x\nend"])
def test_text_that_begins_like_uuencode_stays(text: str) -> None:
    mail = read_mail(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())

    assert (mail.text, mail.attachments) == (text, ())


@pytest.mark.parametrize("content", [smime_signed(INNER), in_pieces(INNER)], ids=["DER", "BER"])
def test_signed_part_of_smime_is_read(content: bytes) -> None:
    """RFC 8551 s. 3.5.2: the whole mail is inside the signature."""
    mail = read_mail(part(content, b"application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"))

    assert (mail.own_text, mail.unread) == (REQUEST, ())


def test_multipart_signed_is_read() -> None:
    body = (
        b"--b\r\n" + INNER + b"\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--b--"
    )
    mail = read_mail(HEAD + b"Content-Type: multipart/signed; boundary=b\r\n\r\n" + body)

    assert (mail.own_text, mail.unread) == (REQUEST, ())


def test_cleartext_signature_of_pgp_is_no_text() -> None:
    """RFC 9580 s. 7."""
    text = (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{REQUEST}\n- - ett\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEB\n-----END PGP SIGNATURE-----\n"
    )
    mail = read_mail(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())

    assert mail.text == f"{REQUEST}\n- ett"


PGP = b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA1\r\n-----END PGP MESSAGE-----\r\n"


@pytest.mark.parametrize(
    "content",
    [
        HEAD + b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\r\n\r\n'
        b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\n\r\n" + PGP + b"--b--",
        HEAD + b"\r\n" + PGP,
        HEAD + b"Content-Type: text/html\r\n\r\n<pre>" + PGP + b"</pre>",
        part(smime_sealed(INNER), b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"),
        part(smime_sealed(INNER), b"application/x-pkcs7-mime"),
    ],
    ids=["PGP/MIME", "inline PGP", "inline PGP in HTML", "S/MIME", "S/MIME without its type"],
)
def test_encrypted_mail_goes_before_a_person(content: bytes) -> None:
    found = sort(content)

    assert "the mail is encrypted" in found.reasons
    assert found.needs_person


# --------------------------------------------------------------------------------------------------- struck through


@pytest.mark.parametrize(
    "struck",
    [
        "<s>radera</s>",
        "<strike>radera</strike>",
        "<del>radera</del>",
        "<span style='text-decoration: line-through'>radera</span>",
        "<span style='text-decoration:underline line-through'>radera</span>",
        "<span style='text-decoration-line: line-through'>radera</span>",
    ],
)
def test_struck_through_text_is_left_out(struck: str) -> None:
    """Its writer took it back; it is no hidden text, for everybody sees it."""
    mail = read_mail(HEAD + b"Content-Type: text/html\r\n\r\n<p>Jag vill ha " + struck.encode() + b" utdrag</p>")

    assert (mail.text, mail.hidden_text) == ("Jag vill ha utdrag", False)


def test_html_decides_where_plain_text_cannot_strike_through() -> None:
    body = (
        b"--b\r\n\r\nJag vill ha radering utdrag\r\n--b\r\nContent-Type: text/html\r\n\r\n"
        b"<p>Jag vill ha <s>radering</s> utdrag</p>\r\n--b--"
    )

    assert (
        read_mail(HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + body).text == "Jag vill ha utdrag"
    )


# ---------------------------------------------------------------------------------------------------- any bytes

SEEDS = [pdf(), docx(), odt(), RTF, ole("WordDocument"), tnef("Hej", **{"a.txt": b"x"}), smime_sealed(INNER)[:400]]
TYPES = ["application/octet-stream", "application/ms-tnef", "application/pkcs7-mime", "message/rfc822", "text/html"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), st.data(), st.sampled_from(TYPES), st.sampled_from(["x.pdf", "x.eml", "winmail.dat"]))
def test_any_damage_gives_a_mail_or_malformed(seed: bytes, data: st.DataObject, content_type: str, name: str) -> None:
    """Nothing but MalformedMailError escapes, and no control character comes through."""
    at = data.draw(st.integers(0, len(seed)))
    damaged = seed[:at] + data.draw(st.binary(max_size=40)) + seed[data.draw(st.integers(at, len(seed))) :]
    try:
        mail = read_mail(attached(damaged, name, content_type))
    except MalformedMailError:
        return
    assert all(ord(c) >= 32 or c in "\n\t" for each in mail.attachment_texts for c in each.text + each.filename)
