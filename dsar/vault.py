"""
Plain bytes -> sealed bytes, and back.

Effects: reads and writes wrapped keys through the KeyStore it is given; never writes a plain key or text.

Every mail and every case has a random key of its own. A mail's key is wrapped by its mailbox's key until triage and
by the key of each case it joined from then on; mailbox and case keys are wrapped by the master key. Destroying a key
makes all that it sealed unreadable, backups included once the key store's own backups have rotated (promise P9).

    master key ── mailbox:NAME ── mail:SHA256
               └─ case:REFERENCE ── mail:SHA256

Sealed form: version byte, 12 bytes nonce, AES-256-GCM ciphertext; the context is authenticated, so that a sealed value
moved to another row or column does not open.
"""

import base64
import hashlib
import hmac
import math
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsar.errors import WrongKeyError
from dsar.model import Identifier

_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_MASTER = "master"
_PROOF = "proof"

#: A key that was opened is known for so long at most, see Vault.opened_once().
_REMEMBERED_SECONDS = 2.0


class KeyStore(Protocol):
    """Where wrapped keys live: apart from the data, with a shorter backup rotation."""

    def one_commit(self) -> AbstractContextManager[None]:
        """What this thread reads and stores within is one transaction, committed at its end unless it raises."""
        ...

    def get(self, key_id: str) -> dict[str, bytes]:
        """{id of the wrapping key: wrapped key}; empty if the key is unknown or destroyed."""
        ...

    def get_many(self, key_ids: Collection[str]) -> dict[str, dict[str, bytes]]:
        """{key id: what `get` answers}; unknown and destroyed keys are left out."""
        ...

    def put(self, key_id: str, wrapped_by: str, wrapped: bytes) -> bool:
        """Store one wrap; False if this pair exists already, which then stays as it is."""
        ...

    def put_new(self, wraps: Sequence[tuple[str, str, bytes]]) -> None:
        """
        Store (key id, wrapped by, wrapped key) of every key that has no wrap at all yet, all at once.

        Of two processes that make the same key, under whatever wraps, one makes it: a key id never stands for two keys.
        """
        ...

    def remove(self, key_id: str, wrapped_by: str | None = None) -> None:
        """Forget one wrap, or all wraps of the key; removing what is not there is no error."""
        ...

    def truncate_log(self) -> None:
        """Leave no trace of removed wraps in the store's own log."""
        ...


class _Opened:
    """Keys that were opened lately."""

    def __init__(self, seconds: float) -> None:
        """Args: seconds: so long each is known."""
        self._seconds = seconds
        self._keys: dict[str, tuple[bytes, float]] = {}

    def get(self, key_id: str) -> bytes | None:
        key, until = self._keys.get(key_id, (None, 0.0))
        return key if time.monotonic() < until else None

    def keep(self, key_id: str, key: bytes) -> None:
        self._keys[key_id] = key, time.monotonic() + self._seconds

    def forget(self) -> None:
        self._keys.clear()


class Vault:
    """Seals and opens what the store keeps, and computes the blind indexes that stand in for plain look-ups."""

    def __init__(self, master_key: bytes, keys: KeyStore) -> None:
        """
        Args: master_key: 32 random bytes.
        Raises: WrongKeyError if the key store was made with another master key.
        """
        if len(master_key) != _KEY_BYTES:
            raise WrongKeyError("the vault")
        self._keys = keys
        self._within = threading.local()  # of `one_commit`
        self._wrap_key = _derive(master_key, b"dsar wrap 1")
        self._index_key = _derive(master_key, b"dsar index 1")
        self._prove_master_key()

    def _prove_master_key(self) -> None:
        if _MASTER not in self._keys.get(_PROOF):
            self._keys.put(_PROOF, _MASTER, _encrypt(self._wrap_key, _PROOF, os.urandom(_KEY_BYTES)))
        try:
            _decrypt(self._wrap_key, _PROOF, self._keys.get(_PROOF)[_MASTER])
        except InvalidTag:
            raise WrongKeyError("the vault") from None

    # ------------------------------------------------------------------------------------------------------- keys

    @contextmanager
    def one_commit(self) -> Iterator[None]:
        """
        Keys that are made, shared and withdrawn within are stored at its end, all at once, or not at all if it raises.

        Ends before the transaction that uses them: a key without a value harms nobody. Within, no key is opened twice.
        """
        with self._remembered(math.inf), self._keys.one_commit():
            yield

    @contextmanager
    def opened_once(self) -> Iterator[None]:
        """
        Within, this thread opens no key twice in a few seconds: most of what a step costs is asking for the same key.

        So long may a key that another process destroys be of use here; after that nothing opens with it any more.
        """
        with self._remembered(_REMEMBERED_SECONDS):
            yield

    @contextmanager
    def _remembered(self, seconds: float) -> Iterator[None]:
        """What is opened within is known for so long, and forgotten at the end: it may not have been stored."""
        around = getattr(self._within, "opened", None)
        self._within.opened = _Opened(seconds)
        try:
            yield
        finally:
            self._within.opened = around
            self._forget()  # keys may have been removed

    def create_key(self, key_id: str, *, wrapped_by: str = _MASTER) -> None:
        """Make a random key unless it exists; *wrapped_by* names the master key or another key of this vault."""
        if not self._keys.get(key_id):
            new = _encrypt(self._wrapping_key(wrapped_by), key_id, os.urandom(_KEY_BYTES))
            self._keys.put_new([(key_id, wrapped_by, new)])

    def share_key(self, key_id: str, *, wrapped_by: str) -> None:
        """Wrap an existing key by one more key: whoever has either of them can open it."""
        self._keys.put(key_id, wrapped_by, _encrypt(self._wrapping_key(wrapped_by), key_id, self._key(key_id)))

    def wrapped_by(self, key_id: str) -> frozenset[str]:
        """Names of the keys that open this one."""
        return frozenset(self._keys.get(key_id))

    def withdraw_key(self, key_id: str, *, wrapped_by: str) -> None:
        """Undo share_key; with its last wrap the key is gone for good."""
        self._forget()
        self._keys.remove(key_id, wrapped_by)

    def destroy_key(self, key_id: str) -> None:
        """Make everything that this key sealed, and every key that only it wraps, unreadable for good."""
        self._forget()
        self._keys.remove(key_id)

    def truncate_log(self) -> None:
        """Leave no trace of destroyed keys in the log of the key store."""
        self._keys.truncate_log()

    def _forget(self) -> None:
        """What was opened may have hung on a key that is removed."""
        opened: _Opened | None = getattr(self._within, "opened", None)
        if opened is not None:
            opened.forget()

    def _wrapping_key(self, name: str) -> bytes:
        return self._wrap_key if name == _MASTER else self._key(name)

    def _key(self, key_id: str) -> bytes:
        opened: _Opened | None = getattr(self._within, "opened", None)
        key = opened.get(key_id) if opened is not None else None
        if key is None:
            key = self._found(key_id)
            if opened is not None:
                opened.keep(key_id, key)
        return key

    def _found(self, key_id: str) -> bytes:
        for wrapped_by, wrapped in self._keys.get(key_id).items():
            try:
                return _decrypt(self._wrapping_key(wrapped_by), key_id, wrapped)
            except (InvalidTag, WrongKeyError):
                continue  # that way in was destroyed or damaged; another wrap may still hold
        raise WrongKeyError(key_id)

    # ------------------------------------------------------------------------------------------------------- data

    def seal(self, key_id: str, context: str, plain: bytes) -> bytes:
        """
        Encrypt *plain* under the key *key_id*.

        Args: context: where the value is kept, e.g. "letter.content:17"; the same must be given to unseal.
        """
        return _encrypt(self._key(key_id), context, plain)

    def seal_each(self, plains: Mapping[str, bytes], *, wrapped_by: str, context: str) -> dict[str, bytes]:
        """
        Encrypt each of {key id: value} under its own key, made if it is missing: many mails with few commits.

        Args: wrapped_by: wraps the keys that are made; context: as for seal.
        """
        wrapping = self._wrapping_key(wrapped_by)
        new = [(key_id, wrapped_by, _encrypt(wrapping, key_id, os.urandom(_KEY_BYTES))) for key_id in plains]
        self._keys.put_new(new)
        keys = self._opened(plains, wrapped_by)  # what was stored before, or by another process meanwhile, counts
        return {key_id: _encrypt(keys[key_id], context, plain) for key_id, plain in plains.items()}

    def unseal_each(self, sealed: Mapping[str, bytes], *, wrapped_by: str, context: str) -> dict[str, bytes]:
        """
        Decrypt each of {key id: what seal_each made}; whatever does not open is left out: many mails at one go.

        Args: wrapped_by: wraps most of the keys.
        """
        opened = {}
        for key_id, key in self._opened(sealed, wrapped_by).items():
            with suppress(InvalidTag):
                opened[key_id] = _decrypt(key, context, sealed[key_id])
        return opened

    def _opened(self, key_ids: Collection[str], wrapped_by: str) -> dict[str, bytes]:
        """{key id: key} of those that are there, most of them wrapped by the same key."""
        wrapping = self._wrapping_key(wrapped_by)
        return {
            key_id: self._unwrapped(key_id, wraps, wrapped_by, wrapping)
            for key_id, wraps in self._keys.get_many(key_ids).items()
        }

    def _unwrapped(self, key_id: str, wraps: Mapping[str, bytes], wrapped_by: str, wrapping: bytes) -> bytes:
        if wrapped_by not in wraps:
            return self._key(key_id)
        try:
            return _decrypt(wrapping, key_id, wraps[wrapped_by])
        except InvalidTag:
            raise WrongKeyError(key_id) from None

    def unseal(self, key_id: str, context: str, sealed: bytes) -> bytes:
        """
        Decrypt what seal made.

        Raises: WrongKeyError if the key is gone, or the value was changed or moved.
        """
        try:
            return _decrypt(self._key(key_id), context, sealed)
        except InvalidTag:
            raise WrongKeyError(key_id) from None

    def index(self, kind: str, value: str) -> str:
        """Blind index: equal values give equal digests, and without the master key nobody can compute them."""
        return hmac.new(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def index_under(self, key_id: str, kind: str, value: str) -> str:
        """A blind index that nobody can compute any more once the key *key_id* is destroyed."""
        key = _derive(self._key(key_id), b"dsar index 1")
        return hmac.new(key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()

    def index_identifier(self, identifier: Identifier) -> str:
        """Blind index of an identifier in normal form."""
        return self.index(identifier.type, identifier.value)


def fernet_key(master_key: bytes, purpose: str) -> str:
    """A key derived from *master_key* for one purpose, in the form that cryptography.fernet takes."""
    return base64.urlsafe_b64encode(_derive(master_key, f"dsar {purpose}".encode())).decode("ascii")


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(master_key)


def _encrypt(key: bytes, context: str, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def _decrypt(key: bytes, context: str, sealed: bytes) -> bytes:
    if sealed[:1] != _VERSION:
        raise InvalidTag
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    return AESGCM(key).decrypt(nonce, ciphertext, context.encode())
