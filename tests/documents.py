"""Small documents and containers as people attach them, built here so that each test shows what is in them."""

import base64
import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

import letter_templates

REQUEST = "Jag begär ett registerutdrag enligt artikel 15."


def attached(content: bytes, filename: str, content_type: str = "application/octet-stream", text: str = "") -> bytes:
    """A mail with one attachment."""
    return (
        b"From: Anna Ek <anna@example.se>\r\nTo: gdpr@xelent.se\r\nMessage-ID: <1@example.se>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + text.encode()
        + f'\r\n--b\r\nContent-Type: {content_type}\r\nContent-Disposition: attachment; filename="{filename}"'.encode()
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64_lines(content)
        + b"\r\n--b--\r\n"
    )


def base64_lines(content: bytes) -> bytes:
    return base64.encodebytes(content)


def pdf(text: str = REQUEST) -> bytes:
    page = io.BytesIO()
    canvas = Canvas(page, invariant=1)
    canvas.drawString(72, 720, text)
    canvas.save()
    return page.getvalue()


def photographed(text: str = REQUEST) -> bytes:
    """A page with *text*, as a telephone takes its picture."""
    font = Path(letter_templates.__path__[0]) / "fonts" / "DejaVuSans.ttf"
    page = Image.new("RGB", (1700, 1100), "white")
    ImageDraw.Draw(page).text((120, 150), text, "black", ImageFont.truetype(str(font), 48), spacing=30)
    picture = io.BytesIO()
    page.save(picture, "JPEG", quality=95)
    return picture.getvalue()


def scanned_pdf(text: str = REQUEST) -> bytes:
    """A PDF of one page that is nothing but a picture."""
    page = io.BytesIO()
    canvas = Canvas(page, invariant=1)
    canvas.drawImage(ImageReader(io.BytesIO(photographed(text))), 0, 300, width=595, height=385)
    canvas.save()
    return page.getvalue()


def pdf_form(value: str) -> bytes:
    page = io.BytesIO()
    canvas = Canvas(page, invariant=1)
    canvas.drawString(72, 720, "Blankett")
    canvas.acroForm.textfield(name="onskemal", value=value, x=72, y=600, width=400, height=30)
    canvas.save()
    return page.getvalue()


def locked_pdf() -> bytes:
    locked = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        document.save(locked, encryption=pikepdf.Encryption(user="hemligt", owner="hemligt"))
    return locked.getvalue()


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def docx(body: str = f"<w:p><w:r><w:t>{REQUEST}</w:t></w:r></w:p>", more: Mapping[str, str | bytes] = {}) -> bytes:
    document = f'<w:document xmlns:w="urn:w"><w:body>{body}</w:body></w:document>'
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": document, **more})


def odt(body: str = f"<text:p>{REQUEST}</text:p>", manifest: str = "<m/>") -> bytes:
    document = (
        '<o:document-content xmlns:o="urn:o" xmlns:text="urn:t"><o:automatic-styles>x</o:automatic-styles>'
        f"<o:body><o:text>{body}</o:text></o:body></o:document-content>"
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": manifest,
            "content.xml": document,
        }
    )


def ole(*names: str) -> bytes:
    """Head of a compound file and the directory entries of that name."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + b"".join(name.encode("utf-16-le") for name in names)


def locked_zip() -> bytes:
    """A zip file whose one member has the flag of encryption set."""
    content = bytearray(zipped({"brev.txt": REQUEST}))
    for start, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(start) + place] |= 1
    return bytes(content)


def tnef(body: str = "", **files: bytes) -> bytes:
    """[MS-OXTNEF] s. 2.1.3: signature, key, then level, id, type, length, data and checksum of each attribute."""

    def attribute(level: int, name: int, kind: int, data: bytes) -> bytes:
        sized = level.to_bytes(1) + name.to_bytes(2, "little") + kind.to_bytes(2, "little")
        return sized + len(data).to_bytes(4, "little") + data + (sum(data) & 0xFFFF).to_bytes(2, "little")

    parts = [attribute(1, 0x800C, 2, body.encode("cp1252") + b"\0")] if body else []
    for name, content in files.items():
        parts += [
            attribute(2, 0x9002, 6, b"\0" * 14),
            attribute(2, 0x8010, 1, name.encode() + b"\0"),
            attribute(2, 0x800F, 6, content),
        ]
    return (0x223E9F78).to_bytes(4, "little") + b"\1\0" + b"".join(parts)


def _identity() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Anna Ek")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def smime_signed(inner: bytes) -> bytes:
    """*inner* within an opaque signature, DER."""
    key, certificate = _identity()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def smime_sealed(inner: bytes) -> bytes:
    """*inner* encrypted, DER."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(inner).add_recipient(_identity()[1])
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


def in_pieces(inner: bytes) -> bytes:
    """*inner* within a signature as streaming mail programs write it: BER, of indefinite length, 16 bytes at a time."""
    pieces = [inner[at : at + 16] for at in range(0, len(inner), 16)]
    octets = b"\x24\x80" + b"".join(b"\x04" + bytes([len(piece)]) + piece for piece in pieces) + b"\0\0"
    data = b"\x30\x80" + bytes.fromhex("06092a864886f70d010701") + b"\xa0\x80" + octets + b"\0\0" + b"\0\0"
    sha256 = bytes.fromhex("300b0609608648016503040201")
    signed = b"\x30\x80\x02\x01\x01" + b"\x31" + bytes([len(sha256)]) + sha256 + data + b"\x31\x00" + b"\0\0"
    return b"\x30\x80" + bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80" + signed + b"\0\0" + b"\0\0"
