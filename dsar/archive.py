"""
Plain bytes -> an encrypted file that goes on to other media, and back.

Effects: writes and reads the file it is given. Whatever leaves this machine as a copy is sealed by a key that the
master key and a random salt give: who holds the copy holds nothing.

    magic (14 bytes) | salt (16) | chunks of at most 64 KiB, each AES-256-GCM with a tag of 16 bytes

A chunk's nonce counts the chunks and marks the last one, so that a file that was cut, reordered or mixed with another
does not open (the STREAM construction, Hoang, Reyhanitabar, Rogaway, Vizár 2015).
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsar.errors import BackupUnavailableError, WrongKeyError

_MAGIC = b"dsar-backup 1\n"
_SALT_BYTES = 16
_CHUNK_BYTES = 1 << 16
_TAG_BYTES = 16


def write(path: Path, plain: Iterable[bytes], *, master_key: bytes, kind: str) -> None:
    """
    Seal *plain* into a new file that only its owner may read; it appears under its name when it is whole.

    Args: kind: what it is, e.g. "keys"; a file of another kind does not open.
    Raises: BackupUnavailableError if the disk says no.
    """
    beside = path.with_name(f".{path.name}.new")
    salt = os.urandom(_SALT_BYTES)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_MAGIC + salt)
            for sealed in _sealed(plain, _cipher(master_key, salt), kind):
                file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise BackupUnavailableError(error.strerror or type(error).__name__) from error
    finally:
        with suppress(OSError):  # it is gone already if all went well
            beside.unlink()


def read(path: Path, *, master_key: bytes, kind: str) -> Iterator[bytes]:
    """
    What *write* sealed, in chunks; the last one tells that nothing is missing, so use nothing before the end.

    Raises: WrongKeyError if the file was made with another master key, is of another kind, or was changed or cut;
    BackupUnavailableError if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC) + _SALT_BYTES)
            if not head.startswith(_MAGIC) or len(head) != len(_MAGIC) + _SALT_BYTES:
                raise WrongKeyError(path.name)
            cipher = _cipher(master_key, head[len(_MAGIC) :])
            number, sealed = 0, file.read(_CHUNK_BYTES + _TAG_BYTES)
            while True:
                following = file.read(_CHUNK_BYTES + _TAG_BYTES)
                yield cipher.decrypt(_nonce(number, is_last=not following), sealed, kind.encode())
                if not following:
                    return
                number, sealed = number + 1, following
    except InvalidTag:
        raise WrongKeyError(path.name) from None
    except OSError as error:
        raise BackupUnavailableError(error.strerror or type(error).__name__) from error


def _cipher(master_key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=b"dsar backup 1").derive(master_key))


def _sealed(plain: Iterable[bytes], cipher: AESGCM, kind: str) -> Iterator[bytes]:
    number, held = 0, bytearray()
    for part in plain:
        held += part
        while len(held) > _CHUNK_BYTES:
            yield cipher.encrypt(_nonce(number, is_last=False), bytes(held[:_CHUNK_BYTES]), kind.encode())
            del held[:_CHUNK_BYTES]
            number += 1
    yield cipher.encrypt(_nonce(number, is_last=True), bytes(held), kind.encode())


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
