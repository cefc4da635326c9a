"""The staff of the company: somebody who walks the queue, through a process that may be killed at any command."""

import json
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .people import Person
from .place import Place

_PROGRAM = ("-m", "faults.clerk")

#: What staff are told that no command may say: an error that the program did not foresee.
Unforeseen = Callable[[str], None]


class Clerk:
    """Commands of `dsar`, one after the other."""

    def __init__(self, place: Place, *, unforeseen: Unforeseen) -> None:
        self._place, self._unforeseen = place, unforeseen
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self.at_work = False  #: A command is under way.
        self.commands: list[tuple[str, ...]] = []  #: Those that decided something.

    def kill(self) -> bool:
        """Whether a command was killed in its midst."""
        process, busy = self._process, self.at_work
        if process is None or not busy:
            return False
        process.kill()
        return True

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    with suppress(OSError):
                        stream.close()
            self._process = None

    def do(self, *arguments: str, actor: str = "bo") -> tuple[int, str]:
        """Exit code and what was printed; -9 if the command was killed."""
        with self._lock:
            if self._process is None:
                self._process = self._place.start(
                    *_PROGRAM,
                    str(self._place.settings),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            assert self._process.stdin
            assert self._process.stdout
            self.at_work = True
            try:
                self._process.stdin.write(json.dumps([actor, *arguments]) + "\n")
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except OSError:
                answer = ""
            finally:
                self.at_work = False
            if not answer:
                self.close()
                return -9, ""
        code, out = json.loads(answer)
        if code == -1:
            self._unforeseen(f"dsar {' '.join(arguments)}: {out}")
        if code == 0 and arguments[0] in {"approve", "release", "verify"}:
            self.commands.append(arguments)
        return code, out

    def lines(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command prints with --json; nothing if it did not work."""
        code, out = self.do(*arguments, "--json")
        return [json.loads(line) for line in out.splitlines()] if code == 0 else []


def walk(
    clerk: Clerk,
    place: Place,
    *,
    whose: Callable[[str], str],
    uncertain: Callable[[str], dict[int, bool]],
    healed: bool,
) -> None:
    """
    Look at everything in the queue once, and do what a careful member of staff would do.

    Args: whose: number of the person of a case; uncertain: of each mail of a case of which the program is not sure,
    whether the mail server took it; healed: nothing goes wrong any more, so that such a mail can be decided about.
    """
    wishes = {person.number: person for person in place.people}
    lines = clerk.lines("queue")
    open_ = {line["reference"] for line in lines}
    # erasures first: that of a person who wants both is then approved, and waits until the answer has left
    for line in sorted(lines, key=lambda line: not line["reference"].endswith("/erase")):
        reference, waits_for = str(line["reference"]), line["waits_for"]
        case = reference.partition("/")[0]
        person = wishes.get(whose(case))
        if person is None or "left" in person.wish:
            continue
        if waits_for == "person: approve":
            _answer(clerk, case, reference, person, line["blockers"])
        elif waits_for == "person: sort" and person.wish == "agent":
            clerk.do("sort", reference, "--right", "access")
        elif waits_for == "person: verify" and person.wish == "extract":
            clerk.do("verify", case, "--method", "call_back", "--phone", person.phone)
        elif waits_for == "person: verify" and person.wish == "agent":
            clerk.do("mandate", case, "--kind", "advokat", "--person", f"email={person.email}")
        elif waits_for == "person: release" and healed:
            _release(clerk, line, uncertain(case), is_answered=f"{case}/access" not in open_)
    for task in clerk.lines("task", "list"):
        clerk.do("task", "answer", task["reference"], "--nothing")
    for notice in clerk.lines("notices"):
        if notice["state"] == "prepared":
            clerk.do("notices", "show", str(notice["number"]))
            clerk.do("notices", "approve", str(notice["number"]))


def _release(clerk: Clerk, line: dict[str, Any], uncertain: dict[int, bool], *, is_answered: bool) -> None:
    """Decide about what is blocked; an erasure that is late goes on by a person's word only."""
    reference = line["reference"]
    if line["blockers"] == ["access_first"]:
        if is_answered and line["days_left"] < 0:
            clerk.do("release", reference, "--continue")
        return
    for mail, was_taken in uncertain.items():
        clerk.do("release", reference.partition("/")[0], "--mail", str(mail), "--sent" if was_taken else "--resend")


def _answer(clerk: Clerk, case: str, reference: str, person: Person, blockers: list[str]) -> None:
    """See to what is in the way, look, and approve."""
    if person.wish == "update":
        clerk.do("verify", case, "--method", "call_back", "--phone", person.phone)
    if any(words.startswith("identity is") for words in blockers):  # a criminal record is for who has shown an ID
        clerk.do("verify", case, "--method", "id_shown")
    for document in clerk.lines("document", case) if person.receipt else ():
        if document["open"] and document["state"] == "kept":
            clerk.do("document", case, str(document["number"]), "--annex")
    if any(" failed" in words or " partial" in words for words in blockers):
        clerk.do("decide", case, "--search-failed")
        return
    clerk.do("show", reference, "--letter")
    clerk.do("approve", reference)
