"""
Whom connections to systems believe: verified certificates, and plain text on this very machine only.

Effects: reads files of certificates.
"""

import ssl
from functools import cache

from dsar.errors import SettingsError

#: What needs no encryption, for it does not leave the machine.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@cache  # reading the certificates of the system takes long, and every system trusts the same
def trust(name: str, ca_file: str | None) -> ssl.SSLContext:
    """Whom TLS connections believe. Raises: SettingsError."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:  # ssl.SSLError is one
        raise SettingsError([f"system {name}: ca_file cannot be read"]) from None
