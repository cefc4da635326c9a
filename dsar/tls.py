"""
Whom connections to other machines believe: a CA file -> verified TLS; a host -> whether it is this machine.

Effects: reads the CA file. Only what stays on this machine may go unencrypted and unproven: Art. 32(1)(a) GDPR asks for
"encryption of personal data", and RFC 9325 section 3.1.1 for no version of TLS below 1.2.
"""

import ipaddress
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

#: The parameters of a URL, as SQLAlchemy reads them.
Query = Mapping[str, str | tuple[str, ...]]


def is_loopback(host: str) -> bool:
    """Whether *host* names this machine, so that nobody can listen on the way."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_context(ca_file: Path | str | None) -> ssl.SSLContext:
    """
    A context that verifies certificate and host name.

    Args: ca_file: PEM file with the only CAs to trust; None: those of the operating system.
    Raises: OSError, ssl.SSLError if the file is missing or not PEM.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def direct_opener() -> Any:  # noqa: ANN401  # urllib's, which would cost the start of the command line to name
    """What asks for https:// URLs and sends nothing elsewhere: no redirect is followed, no proxy of the environment."""
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, build_opener

    class NoRedirect(HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            return None

    return build_opener(ProxyHandler({}), NoRedirect, HTTPSHandler(context=tls_context(None)))


# ------------------------------------------------------------------------------------------------------- databases


def libpq_tls(host: str | None, query: Query, *, ca_file: str = "") -> dict[str, str]:
    """
    What libpq must be told in order to speak to a proven PostgreSQL server only; nothing for one on this machine.

    By itself it takes any certificate, and goes on unencrypted where the server says that it has none
    (https://www.postgresql.org/docs/current/libpq-ssl.html, table 32.1). Sockets of this machine have and need no TLS.

    Args: host, query: of the database's URL; ca_file: PEM file with the only CAs to trust, "": `sslrootcert` of the
        URL, else those of the operating system.
    Raises: ValueError if the URL asks for less.
    """
    if not ca_file and "service" not in query and _stays_here([host or "", *_hosts(query)]):
        return {}
    if query.get("sslmode", "verify-full") != "verify-full":
        raise ValueError("a database on another machine needs sslmode=verify-full, which is the default")
    trusted = ca_file or query.get("sslrootcert") or ssl.get_default_verify_paths().cafile or "system"
    return {"sslmode": "verify-full", "sslrootcert": str(trusted), "ssl_min_protocol_version": "TLSv1.2"}


def mysql_tls(host: str | None, query: Query, *, ca_file: str = "") -> dict[str, ssl.SSLContext]:
    """
    What PyMySQL must be told in order to speak to a proven MariaDB or MySQL server only; nothing for this machine.

    Args: as libpq_tls; the URL may name `ssl_ca`, `ssl_cert` and `ssl_key`.
    Raises: ValueError if the URL asks for less; OSError if a file cannot be read.
    """
    if not ca_file and ("unix_socket" in query or _stays_here([host or "localhost"])):
        return {}
    if weaker := sorted(each for each in query if each.startswith("ssl") and each not in _MYSQL_FILES):
        raise ValueError(f"a database on another machine needs proven TLS, so its URL may not say {weaker[0]}")
    files = {each: str(query[each]) for each in _MYSQL_FILES if each in query}
    context = tls_context(ca_file or files.get("ssl_ca"))
    if "ssl_cert" in files:
        context.load_cert_chain(files["ssl_cert"], files.get("ssl_key"))
    return {"ssl": context}


_MYSQL_FILES = ("ssl_ca", "ssl_cert", "ssl_key")


def _hosts(query: Query) -> Iterator[str]:
    """Every host that the parameters of a PostgreSQL URL name: HOST, HOST:PORT, with commas, or a socket's folder."""
    for key in ("host", "hostaddr"):
        said = query.get(key, ())
        for text in (said,) if isinstance(said, str) else said:
            for each in text.split(","):
                head, _, port = each.rpartition(":")
                yield head if port.isdecimal() and ":" not in head else each


def _stays_here(hosts: Sequence[str]) -> bool:
    named = [host for host in hosts if host]
    return bool(named) and all(host.startswith("/") or is_loopback(host) for host in named)
