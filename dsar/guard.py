"""
Raw bytes of a mail -> InboundMail and its Triage, read in a child process within limits.

Effects: starts a child process on first use and keeps it, one for each thread that reads at the same time; a mail costs
one exchange over two pipes. Reading a mail is the only work that runs foreign parsers over hostile bytes, and triage
runs many patterns over its text, so both run where they can neither hold the worker, nor take its memory, nor see its
secrets: the child has no environment of ours, no core dumps, writes no files, and says nothing but frames. What comes
back is JSON and bytes, checked; nothing is unpickled. It is no jail: code that a mail managed to run there would run as
our user.

    request   own domain, content, and JSON of the Office if it shall be sorted, too; as one frame each
    at start  no frame
    answer    "mail", JSON of the InboundMail, JSON of the Triage or nothing, bytes of each attachment;
              or "malformed", why
    frame     8 bytes of length, then so many bytes
"""

import atexit
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache, lru_cache
from typing import BinaryIO, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from dsar import identity, ocr
from dsar.errors import MalformedMailError, ReaderLostError, ReaderUnavailableError
from dsar.model import InboundMail, SenderAuthentication, Triage
from dsar.triage import Form, triage, vocabulary

__all__ = [
    "AT_ONCE",
    "Examined",
    "Guard",
    "Limits",
    "Office",
    "Readers",
    "as_mail",
    "authentication",
    "examine",
    "read_mail",
    "triage_of",
]

_Value = TypeVar("_Value")

#: So many mails are worth reading at the same time.
AT_ONCE = min(len(os.sched_getaffinity(0)), 4)

_LENGTH_BYTES = 8
_LARGE_BYTES = 8_000_000
_START_SECONDS = 60.0
#: A child that answers more than this per byte of mail is not ours any more.
_LARGEST_ANSWER_BYTES = 1 << 30
_MAIL: Final = TypeAdapter(InboundMail)
_TRIAGE: Final = TypeAdapter(Triage)


@dataclass(frozen=True, kw_only=True)
class Office:
    """What triage must know about us."""

    own_domain: str  #: Of our Message-IDs and of colleagues.
    own_addresses: frozenset[str]
    own_servers: tuple[str, ...]  #: Mail servers of ours, by their names or parent domains.
    trusted_authserv_ids: tuple[str, ...]
    staff_names: tuple[str, ...]
    known_domains: tuple[str, ...]  #: Of customers, which a sender might imitate.
    forms: tuple[Form, ...]  #: Web forms that are read by their layout.
    languages: tuple[str, ...]  #: Those in which mail is handled without a person's confirmation.
    phrases: Mapping[str, Sequence[str]]  #: What triage looks for beside its own phrases.


_OFFICE: Final = TypeAdapter(Office)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """A mail as read, and what it asks."""

    mail: InboundMail
    triage: Triage


def triage_of(mail: InboundMail, office: Office) -> Triage:
    """Triage of a mail with what our own mail server found out about its sender."""
    vocabulary.add(office.phrases)
    return triage(
        mail,
        sender_authentication=authentication(mail, office),
        own_addresses=office.own_addresses,
        staff_domain=office.own_domain,
        staff_names=office.staff_names,
        languages=office.languages,
        known_domains=office.known_domains,
        forms=office.forms,
    )


def authentication(mail: InboundMail, office: Office) -> SenderAuthentication:
    """What our own mail server found out about the sender of a mail."""
    results = identity.believable(
        mail.authentication_results, mail.hops_above, hops=mail.hops, own_servers=office.own_servers
    )
    return identity.authenticate(results, trusted=office.trusted_authserv_ids, sender=mail.sender)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one mail may take; far beyond what people send."""

    cpu_seconds: int = 20
    wall_seconds: float = 120.0  #: Beside the first, for a reader that waits instead of working.
    memory_bytes: int = 1 << 30  #: Address space of the child; the parser takes eight times the size of a mail.


class Guard:
    """One child process that reads mails, started on first use and again whenever it was lost. Safe among threads."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read_mail(self, content: bytes, *, own_domain: str) -> InboundMail:
        """
        As dsar.mime.read_mail.

        Raises: MalformedMailError; ReaderLostError if reading broke a limit or the reader; ReaderUnavailableError.
        """
        return _mail(self._answer(content, own_domain.encode(), content))

    def examine(self, content: bytes, office: Office) -> Examined:
        """Read a mail and sort it. Raises: as read_mail."""
        answer = self._answer(content, office.own_domain.encode(), content, _OFFICE.dump_json(office))
        return Examined(mail=_mail(answer), triage=_checked(_TRIAGE, answer[2]))

    def _answer(self, content: bytes, *request: bytes) -> list[bytes]:
        """A child that dies is tried once more with the same mail, because others than the mail can have killed it."""
        with self._lock:
            for last in (False, True):
                try:
                    answer = self._ask(request)
                except _LostError as lost:
                    if last or lost.by_limit:
                        raise ReaderLostError(lost.why) from None
                else:
                    if len(content) > _LARGE_BYTES:
                        self.close()  # a large mail leaves its memory behind
                    if answer[0] == b"malformed":
                        raise MalformedMailError(answer[1].decode())
                    return answer
        raise AssertionError

    def close(self) -> None:
        """End the child; the next mail starts another."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # it leads a session of its own; what reads pictures is in it
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, request: Sequence[bytes]) -> list[bytes]:
        child = self._running()
        try:
            return _exchange(child, _packed(request), time.monotonic() + self._limits.wall_seconds)
        except TimeoutError:
            self.close()
            raise _LostError("reading it took too long", by_limit=True) from None
        except (OSError, EOFError):
            with suppress(subprocess.TimeoutExpired):
                child.wait(1)  # it is gone, unless it sent nonsense
            slow = child.returncode == -signal.SIGXCPU
            self.close()
            raise _LostError("reading it took too long" if slow else "the reader died of it", by_limit=slow) from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._owner != os.getpid() or self._child.poll() is not None:
            self.close()
            self._child, self._owner = _start(self._limits), os.getpid()
            try:
                _exchange(self._child, (), time.monotonic() + _START_SECONDS)
            except (OSError, EOFError):  # TimeoutError is one
                self.close()
                raise ReaderUnavailableError from None
        return self._child


class _LostError(Exception):
    def __init__(self, why: str, *, by_limit: bool) -> None:
        super().__init__(why)
        self.why = why
        self.by_limit = by_limit


#: One mail is read on one processor: as many children run side by side as there are.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _start(limits: Limits) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-P", "-B", "-m", "dsar.guard", str(limits.cpu_seconds), str(limits.memory_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what a parser complains about quotes the mail (P9)
        bufsize=0,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LC_ALL": "C.UTF-8"} | _ONE_THREAD,
        start_new_session=True,  # Ctrl-C is for the parent, which closes the pipes
    )
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return child


# -------------------------------------------------------------------------------------------------------- frames


def _packed(frames: Sequence[bytes]) -> list[bytes]:
    """Number of frames, then each after its length; in pieces, because a mail may be large."""
    sized = (piece for frame in frames for piece in (len(frame).to_bytes(_LENGTH_BYTES), frame))
    return [len(frames).to_bytes(_LENGTH_BYTES), *sized]


class _Answer:
    """Frames as they arrive."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._received = bytearray()
        self._left: int | None = None

    def take(self, data: bytes) -> bool:
        """Add *data*; whether the answer is complete. Raises: EOFError if this cannot be an answer."""
        self._received += data
        at = 0
        while self._left != 0 and len(self._received) - at >= _LENGTH_BYTES:
            size = int.from_bytes(self._received[at : at + _LENGTH_BYTES])
            if size > _LARGEST_ANSWER_BYTES:
                raise EOFError
            if self._left is None:
                self._left = size
                at += _LENGTH_BYTES
                continue
            if len(self._received) - at - _LENGTH_BYTES < size:
                break
            self.frames.append(bytes(self._received[at + _LENGTH_BYTES : at + _LENGTH_BYTES + size]))
            at += _LENGTH_BYTES + size
            self._left -= 1
        del self._received[:at]
        return self._left == 0


def _exchange(child: subprocess.Popen[bytes], request: Sequence[bytes], deadline: float) -> list[bytes]:
    """Write *request* and read the answer's frames. Raises: TimeoutError; OSError, EOFError if the child is gone."""
    if child.stdin is None or child.stdout is None:
        raise EOFError
    into, out_of = child.stdin.fileno(), child.stdout.fileno()
    unsent = [memoryview(piece) for piece in request if piece]
    answer = _Answer()
    poll = select.poll()
    poll.register(out_of, select.POLLIN)
    if unsent:
        poll.register(into, select.POLLOUT)
    while True:
        ready = dict(poll.poll(max(0, deadline - time.monotonic()) * 1000))
        if not ready:
            raise TimeoutError
        if ready.get(into):
            written = os.writev(into, unsent)
            while unsent and written >= len(unsent[0]):
                written -= len(unsent.pop(0))
            if unsent:
                unsent[0] = unsent[0][written:]
            else:
                poll.unregister(into)
        if ready.get(out_of):
            data = os.read(out_of, 1 << 20)
            if not data:
                raise EOFError
            if answer.take(data):
                return answer.frames


def _checked(kind: TypeAdapter[_Value], body: bytes) -> _Value:
    try:
        return kind.validate_json(body)
    except ValidationError:
        raise ReaderLostError("the reader's answer makes no sense") from None


def _mail(answer: Sequence[bytes]) -> InboundMail:
    _, body, _, *contents = answer
    mail = _checked(_MAIL, body)
    pairs = zip(mail.attachments, contents, strict=True)
    return replace(mail, attachments=tuple(replace(attachment, content=content) for attachment, content in pairs))


# ----------------------------------------------------------------------------------------------------- the child


def _serve(cpu_seconds: int, memory_bytes: int) -> None:
    """Read mails until the parent closes the pipe."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # a parser that prints must not speak for us
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    import dsar.mime  # noqa: F401  # before the first mail, whose time counts

    answers.writelines(_packed([]))
    answers.flush()
    while (count := requests.read(_LENGTH_BYTES)) != b"":
        own_domain, content, *office = (_frame(requests) for _ in range(int.from_bytes(count)))
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
        answers.writelines(_packed(_examined(content, own_domain.decode(), *map(_office, office))))
        answers.flush()


def _frame(stream: BinaryIO) -> bytes:
    return stream.read(int.from_bytes(stream.read(_LENGTH_BYTES)))


@lru_cache(maxsize=8)
def _office(described: bytes) -> Office:
    return _OFFICE.validate_json(described)


@cache
def _prepare_triage() -> None:
    """Load what triage reads mails with; who only reads documents needs none of it."""
    from dsar.triage.encoder import heard_in

    heard_in([])


def _examined(content: bytes, own_domain: str, office: Office | None = None) -> list[bytes]:
    from dsar.mime import read_mail as read_here  # the parsers of others are loaded by the child alone

    if office:
        _prepare_triage()  # before a large mail has taken the memory
    try:
        mail = read_here(content, own_domain=own_domain, read_picture=ocr.picture_reader())
    except MalformedMailError as error:
        return [b"malformed", error.why.encode()]
    bare = replace(mail, attachments=tuple(replace(attachment, content=b"") for attachment in mail.attachments))
    sorted_as = _TRIAGE.dump_json(triage_of(mail, office)) if office else b""
    return [b"mail", _MAIL.dump_json(bare), sorted_as, *(attachment.content for attachment in mail.attachments)]


# ---------------------------------------------------------------------------------------- the children of a process


class Readers:
    """Guards that read side by side: a mail goes to one that is idle, and only if none is, another is made."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits
        self._idle: list[Guard] = []

    @contextmanager
    def one(self) -> Iterator[Guard]:
        """A guard for this thread alone while the `with` block runs."""
        try:
            guard = self._idle.pop()
        except IndexError:
            guard = Guard(self._limits)
        try:
            yield guard
        finally:
            self._idle.append(guard)

    def close(self) -> None:
        """End the children that are idle."""
        while self._idle:
            self._idle.pop().close()


_SHARED = Readers()
atexit.register(_SHARED.close)


def read_mail(content: bytes, *, own_domain: str) -> InboundMail:
    """Read one mail in a child of this process, as Guard.read_mail."""
    with _SHARED.one() as guard:
        return guard.read_mail(content, own_domain=own_domain)


def as_mail(content: bytes, *, ending: str) -> bytes:
    """
    A document as the only attachment of a mail, so that it is read where mails are.

    Without its own name, which may hold anything; *ending*, e.g. ".pdf", and its first bytes tell what it is.
    """
    envelope = EmailMessage(policy=SMTP)
    envelope["From"], envelope["Message-ID"] = "files@localhost", "<document@localhost>"
    envelope.set_content("")
    kind = ("text", "plain") if ending in {".txt", ".md"} else ("application", "octet-stream")
    envelope.add_attachment(content, *kind, filename=f"document{ending}")
    return bytes(envelope)


def examine(content: bytes, office: Office) -> Examined:
    """Read and sort one mail in a child of this process, as Guard.examine."""
    with _SHARED.one() as guard:
        return guard.examine(content, office)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
