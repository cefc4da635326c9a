"""What the test servers share: free ports, the password, certificates, waiting for a greeting."""

import ipaddress
import os
import secrets
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dsar.mailserver import Credential

PASSWORD = "test"
_START_SECONDS = 10


def password() -> Credential:
    """The credential that every test server takes."""
    return Credential(kind="password", secret=PASSWORD)


#: Not among the ports that the system hands out, which others may get meanwhile.
_PORTS = range(20_000, 32_000)
#: Where tests run side by side each process has its own, for a server starts later than its port was looked for.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_OURS = list(_PORTS[_WORKER::_WORKERS])
secrets.SystemRandom().shuffle(_OURS)  # of several runs on one machine, too


def free_port() -> int:
    """A port that nobody listens at, each once."""
    while True:
        port = _OURS.pop()
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def missing(program: str) -> NoReturn:
    """unproven() for a program that is not there."""
    unproven(f"{program} is not installed")


def unproven(why: str) -> NoReturn:
    """Skip the test loudly; where CI is set, fail it: there everything is proven."""
    message = f"{why}, so nothing about it is proven here"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def await_greeting(port: int, greeting: bytes) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if connection.recv(100).startswith(greeting):
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"no server answers on port {port}")
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """A CA of our own and a certificate for localhost signed by it, as PEM files."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def make_tls(directory: Path) -> TlsFiles:
    """Write a new CA and certificate into *directory*, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - timedelta(days=1)

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=30))
        certificate = builder.add_extension(extension, critical=True).sign(ca_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    files = TlsFiles(ca_file=directory / "ca.pem", cert_file=directory / "cert.pem", key_file=directory / "key.pem")
    files.ca_file.write_bytes(signed(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None)))
    files.cert_file.write_bytes(signed(name, key.public_key(), names))
    files.key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
