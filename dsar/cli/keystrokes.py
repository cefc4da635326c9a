"""
The keys of `dsar review`: what each asks, and what it does.

Nothing that cannot be taken back happens without the reference, typed. A key is the same letter in every language.

Effects: asks on the terminal, or reads the answers from a pipe; whatever the use case does.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import click

from dsar import staff
from dsar.casework import (
    answering,
    approving,
    asking,
    extending,
    freezing,
    intervening,
    redacting,
    searching,
    sending,
    sorting,
    verifying,
    views,
)
from dsar.casework.context import LineChoice, LineWord
from dsar.cli import show
from dsar.cli.console import ask, clean, now, say
from dsar.cli.correct import correct_line
from dsar.cli.decisions import tell_where
from dsar.cli.proving import phone_number
from dsar.cli.screen import Look
from dsar.clock import ExtensionReason
from dsar.errors import UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.locale import _, said
from dsar.model import Right, Strength

_OPEN = frozenset(State) - {State.CLOSED}
_BEFORE_LETTER = (State.IDENTITY, State.CLARIFYING, State.SEARCHING, State.REVIEW)


@dataclass(frozen=True, kw_only=True)
class Key:
    """One thing that can be done on a screen."""

    does: str  #: As the list of keys says it, in English.
    act: Callable[[Look], None]
    fits: Callable[[Look], bool] | None = None  #: Whether there is anything to do with it now; None: always.
    then: Literal["screen", "keys", "next"] = "screen"  #: The screen anew if it still waits; the keys; the next entry.


def _choose(template: str, choices: Sequence[str]) -> str:
    """One of *choices*, typed. Raises: UsageError."""
    typed = ask(f"{{question}} ({', '.join(choices)})", question=_(template)).lower()
    if typed not in choices:
        raise UsageError(said("{typed!r} is none of {choices}", typed=typed, choices=", ".join(choices)))
    return typed


def _confirm(reference: str) -> None:
    """Nothing irreversible without a typed reference."""
    if ask("Type {reference} to confirm", reference=reference).upper() != reference.upper():
        raise UsageError("the reference does not match")


def _is_sure(template: str) -> bool:
    return click.confirm(_(template), default=False)


# ------------------------------------------------------------------------------------------------------ the letter


def _approve(look: Look) -> None:
    case, request = look.request(State.REVIEW)
    _confirm(case.reference)
    approving.approve(look.opened.app, case, request, actor=look.opened.actor(), now=now())
    say("Approved.")


def _reject(look: Look) -> None:
    case, request = look.request(State.REVIEW)
    reason = ask("What is wrong with it")
    answering.reject(look.opened.app, case, request, reason=reason, actor=look.opened.actor(), now=now())
    say("The draft was sent back.")


def _refuse(look: Look) -> None:
    case, request = look.request(*_BEFORE_LETTER)
    actor, app = look.opened.actor(), look.opened.app
    why = _choose("Why", ("law", "unidentified", "deceased"))
    if why == "unidentified":
        answering.give_up_identity(app, request, actor=actor, now=now())
    elif why == "deceased":
        answering.answer_estate(app, request, actor=actor, now=now())
    else:
        ground = ask("Article and section that it rests on")
        reasons = ask("Reasons of this very case, in the language of the letter")
        answering.refuse(app, case, request, reasons=reasons, legal_ground=ground, actor=actor, now=now())
    say("The letter waits for approval.")


def _note(look: Look) -> None:
    case, request = look.request(*_OPEN)
    words = ask("Your words, in the language of the letter (empty: take them back)", default="")
    answering.add_note(look.opened.app, case, request, words, actor=look.opened.actor(), now=now())


def _correct(look: Look) -> None:
    case, request = look.request(State.REVIEW)
    typed = ask("Number of the line")
    choice = _choose("What becomes of it", ("keep", "erase", "task", "again", "harmless", "undo"))
    word = None
    if choice != "undo":
        law = ask("Law and section, or the claim or agreement with its reference") if choice == "keep" else ""
        until = _day(ask("Last day on which it is kept, YYYY-MM-DD")) if choice == "keep" else None
        reason = ask("Reason, in the language of the letter")
        word = LineWord(choice=LineChoice(choice), reason=reason, law=law, until=until)
    number = int(typed) if typed.isdecimal() else 0
    correct_line(look.opened.app, case, request, number, word, actor=look.opened.actor())
    say("The letter is made anew.")


def _day(typed: str) -> date:
    try:
        return datetime.strptime(typed, "%Y-%m-%d").date()  # noqa: DTZ007  # a day, no moment
    except ValueError:
        raise UsageError(said("{typed!r} is no date such as 2026-12-28", typed=typed)) from None


def _open_files(look: Look) -> None:
    """The files of the letter for the caller's own eyes, and gone when they have looked."""
    case, request = look.request(State.REVIEW)
    current = answering.show(look.opened.app, case, request, actor=look.opened.actor(), now=now())
    if not current.letter.annexes:
        say("The letter has no files.")
        return
    folder = Path(tempfile.mkdtemp(prefix="dsar-"))
    try:
        staff.lend(folder, os.environ)
        for annex in current.letter.annexes:
            place = folder / Path(annex.filename).name
            place.write_bytes(annex.content)
            staff.lend(place, os.environ)
            click.echo(clean(str(place)))
            _view(place)
        ask("Press Enter when you have looked; then they are removed", default="")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _view(place: Path) -> None:
    """Open a file where there is a desktop; not through sudo, whose user has none."""
    viewer = shutil.which("xdg-open")
    if viewer and "SUDO_UID" not in os.environ and {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        subprocess.run(  # noqa: S603  # the desktop's own viewer, by its full path, on a file that was written here
            [viewer, str(place)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


# ------------------------------------------------------------------------------------------------- what is held


def _decide(look: Look) -> None:
    text = ask("Numbers of the candidates (empty: all)", default="")
    numbers = [int(word) for word in text.replace(",", " ").split() if word.isdecimal()]
    accepted = _is_sure("Are they about this person")
    count = searching.decide(
        look.opened.app, look.case, numbers, accepted=accepted, actor=look.opened.actor(), now=now()
    )
    if accepted:
        say("{count} candidate(s) accepted.", count=count)
    else:
        say("{count} candidate(s) left out.", count=count)


def _redact(look: Look) -> None:
    """One passage after the other, each with its own answer."""
    case, actor = look.case, look.opened.actor()
    for each in redacting.passages(look.opened.app, case):
        if each.removed is None:
            click.echo(clean(f"{each.passage.kind} in {each.passage.system}/{each.passage.object}: {each.context}"))
            removed = _choose("[r]emove or [k]eep", ("r", "k")) == "r"
            redacting.decide(look.opened.app, case, [each.number], removed=removed, actor=actor, now=now())
    say("Decided. The letter is made anew.")


def _all_data(look: Look) -> None:
    show.SHOW["data"](show.Look(opened=look.opened, reference=look.case.reference))


def _timeline(look: Look) -> None:
    show.SHOW["timeline"](show.Look(opened=look.opened, reference=look.case.reference))


def _clock(look: Look) -> None:
    show.SHOW["clock"](show.Look(opened=look.opened, reference=look.line.reference))


# -------------------------------------------------------------------------------------------------- to the requester


def _ask(look: Look) -> None:
    case, request = look.request(State.IDENTITY, State.REVIEW)
    app, actor = look.opened.app, look.opened.actor()
    about = asking.About(_choose("What is it about", [each.value for each in asking.About]))
    given = {}
    if about is asking.About.SCOPE:
        given = {"overview": ask("What we process, as an overview"), "choices": ask("What they may choose between")}
    elif about is not asking.About.MANDATE:
        given = {"text": ask("Your words, in the language of the letter")}
    query = asking.Query(about=about, **given)
    show.print_letter(asking.show(app, case, request, query, actor=actor, now=now()), wrapped=True)
    _confirm(case.reference)
    asking.send(app, case, request, query, actor=actor, now=now())
    say("It is on its way; the case waits for the requester.")


def _extend(look: Look) -> None:
    case, request = look.request(*_OPEN)
    app, actor = look.opened.app, look.opened.actor()
    because = ExtensionReason(_choose("What makes it longer", [each.value for each in ExtensionReason]))
    reasons = ask("What makes this very request so, in the language of the letter")
    typed = ask("New date, YYYY-MM-DD (empty: all that the law allows)", default="")
    until = _day(typed) if typed else None
    shown = extending.show(app, case, request, reasons=reasons, until=until, actor=actor, now=now())
    show.print_letter(shown, wrapped=True)
    _confirm(case.reference)
    extending.send(app, case, request, because=because, reasons=reasons, until=until, actor=actor, now=now())
    say("The notice is on its way; the date moves when it has left.")


# ------------------------------------------------------------------------------------- triage, identity, blocks


def _sort(look: Look) -> None:
    text = ask("Rights ({rights}; none: no request)", rights=", ".join(Right), default="")
    words = text.replace(",", " ").lower().split()
    if unknown := [word for word in words if word not in set(Right)]:
        raise UsageError(said("there is no right {right!r}", right=unknown[0]))
    reference, actor, app = look.line.reference, look.opened.actor(), look.opened.app
    rights = [Right(word) for word in words]
    if not rights:
        _confirm(reference.partition("/")[0])
    if reference.startswith("M-"):
        opened = sorting.sort_message(app, views.find_message(app, reference), rights, actor=actor, now=now())
        tell_where(app, reference, opened)
    else:
        sorting.sort_case(app, look.case, rights, actor=actor, now=now())
        say("{case} is sorted.", case=look.case.reference)


def _verify(look: Look) -> None:
    methods = [CheckMethod.CALL_BACK, CheckMethod.SHOP_LOGIN, CheckMethod.ID_SHOWN]
    method = CheckMethod(_choose("How did you make sure", [each.value for each in methods]))
    phone = ask("Number that you called, on file for the person") if method is CheckMethod.CALL_BACK else None
    contact = ask("Proven e-mail address (empty: the sender's)", default="")
    level = verifying.verify(
        look.opened.app,
        look.case,
        method=method,
        contact=contact or None,
        phone=phone_number(phone) if phone else None,
        actor=look.opened.actor(),
        now=now(),
    )
    say("{case} now has identity level {level}.", case=look.case.reference, level=level)


def _release(look: Look) -> None:
    """Ask what the reason of the block wants to know."""
    case, request = look.request(State.BLOCKED)
    actor = look.opened.actor()
    if request.blocked_reason == sending.UNCERTAIN:
        for row in sending.uncertain_mails(look.opened.app, case):
            say("Mail {mail}", mail=sending.described(row))
            sent = click.confirm(_("Did the mail leave"), default=True)
            _confirm(case.reference)
            sending.decide_uncertain(look.opened.app, case, sent=sent, mail=row.id, actor=actor, now=now())
        return
    go_on = _is_sure("Let it go on as approved (no: stop it, and tell what is done)")
    waits = go_on and request.blocked_reason == freezing.ACCESS_ELSEWHERE
    reason = ask("Why the answer in the other case is not waited for") if waits else None
    _confirm(case.reference)
    if go_on:
        intervening.go_on(look.opened.app, case, request, reason=reason, actor=actor, now=now())
    else:
        intervening.stop(look.opened.app, case, request, actor=actor, now=now())


def _has_candidates(look: Look) -> bool:
    records = searching.numbered_records(look.opened.app, look.case)
    return any(record.strength is Strength.CANDIDATE or word is not None for _number, record, word in records)


def _has_passages(look: Look) -> bool:
    return look.case.unredacted > 0


def _has_plan(look: Look) -> bool:
    return not _is_access(look)


def _is_access(look: Look) -> bool:
    return look.line.reference.endswith(f"/{Right.ACCESS}")


_APPROVE = Key(does="approve the letter, with the plan if there is one; asks for the reference", act=_approve)
_REJECT = Key(does="send the draft back, with a reason", act=_reject, then="next")
_VERIFY = Key(does="record that you made sure who asks", act=_verify)
_CANDIDATES = Key(does="decide which candidates are about the person", act=_decide, fits=_has_candidates)
_PASSAGES = Key(does="decide about passages on other people", act=_redact, fits=_has_passages)
_ALL_DATA = Key(does="show every value that was found", act=_all_data, then="keys")
_FILES = Key(does="look at the files of the letter (PDF)", act=_open_files, fits=_is_access, then="keys")
_LINE = Key(does="change a line of the plan, with a reason", act=_correct, fits=_has_plan)
_NOTE = Key(does="add words of your own to the letter", act=_note)
_QUESTION = Key(does="ask the requester something; shown before it leaves", act=_ask)
_EXTEND = Key(does="tell that it takes longer; shown before it leaves", act=_extend)
_REFUSE = Key(does="prepare a refusal, which a second person approves", act=_refuse)
_TIMELINE = Key(does="show what happened so far", act=_timeline, then="keys")
_CLOCK = Key(does="explain the dates", act=_clock, then="keys")

#: Who is waited for -> {key: what it does}.
KEYS: dict[str, dict[str, Key]] = {
    "person: approve": {
        "a": _APPROVE,
        "r": _REJECT,
        "v": _VERIFY,
        "c": _CANDIDATES,
        "p": _PASSAGES,
        "f": _FILES,
        "i": _ALL_DATA,
        "l": _LINE,
        "n": _NOTE,
        "k": _QUESTION,
        "e": _EXTEND,
        "u": _REFUSE,
        "t": _TIMELINE,
        "d": _CLOCK,
    },
    "person: sort": {"o": Key(does="say which rights it exercises, if any", act=_sort)},
    "person: verify": {
        "v": _VERIFY,
        "k": _QUESTION,
        "e": _EXTEND,
        "u": _REFUSE,
        "t": _TIMELINE,
        "d": _CLOCK,
    },
    "person: release": {
        "r": Key(does="decide about what is blocked; asks for the reference", act=_release),
        "t": _TIMELINE,
    },
}


def keys_of(look: Look) -> dict[str, Key]:
    """The keys that fit what is looked at."""
    return {name: key for name, key in KEYS.get(look.line.waits_for, {}).items() if key.fits is None or key.fits(look)}
