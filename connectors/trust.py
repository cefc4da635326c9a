"""
Whom connections to systems believe: the file of certificates in a system's settings -> verified TLS.

Effects: reads that file.
"""

import ssl
from functools import cache

from dsar.errors import SettingsError
from dsar.tls import tls_context


@cache  # reading the certificates of the system takes long, and every system trusts the same
def trust(name: str, ca_file: str | None) -> ssl.SSLContext:
    """Whom TLS connections of the system *name* believe. Raises: SettingsError."""
    try:
        return tls_context(ca_file)
    except OSError:  # ssl.SSLError is one
        raise SettingsError([f"system {name}: ca_file cannot be read"]) from None
