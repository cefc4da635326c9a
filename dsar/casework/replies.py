"""
A colleague's reply -> what they say to each task, or one question about what they mean, or a person.

It counts only from whoever was asked, and only if our mail server confirms the address. Several tasks are answered in
one mail by their references; what is quoted tells which one an answer stands below, and is no answer itself. A machine
answers nothing: an out-of-office notice sends the question to the deputy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dsar.casework import desks, digests, tasks, thread
from dsar.casework.context import PROGRAM, AnswerContent, App
from dsar.casework.desks import ANSWERED, CANNOT, DONE, HELD, LATE, NOTHING, OPEN, PERSON, SEARCH
from dsar.errors import SystemContractError
from dsar.mentions import find_identifiers
from dsar.model import Attachment, Disposition, InboundMail, SenderAuthentication, Triage
from dsar.store import Transaction
from dsar.store.tables import Message, Task

#: Flags of a mail: it answers a task and comes from somebody who was not asked, or whom nobody confirms; it asks for
#: something, or adds to an answered task what only a person understands.
FROM_ELSEWHERE, REMARK = "task_reply_from_elsewhere", "task_remark"

_BY_MACHINE = frozenset({"auto-submitted", "auto-replied", "null-return-path", "report"})

#: What mail programs and senders attach without saying anything by it.
_DECORATION = ("image/", "application/pkcs7-signature", "application/pgp-signature", "text/calendar")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a colleague's words and files say to one task."""

    word: str  #: desks.NOTHING, HELD, DONE or CANNOT; "": nobody can tell.
    text: str = ""  #: What is held, or why it cannot be done.
    files: tuple[tuple[str, bytes], ...] = ()


# ------------------------------------------------------------------------------------------------------- the words

#: A greeting and whom it greets; whatever else stands in its line may be the answer, or say the opposite of the next.
_GREETING = re.compile(
    r"(?i:hej(?:san)?|hallå|god (?:morgon|dag|kväll)|hi|hello|dear|tjena|tja)"
    r"(?:(?i: (?!(?:ja|finns|har|står|ligger|yes|found|have|has)\b)\w+)(?=[,!. ]*$)"
    r"|(?:[ ,]+(?:(?i:alla|på|igen|där|och|team|data|protection|dataskydd|there|all|everyone|and)\b"
    r"|[A-ZÅÄÖÉÜØÆ][\w-]*)){0,4})[,!. ]*"
)
_NOTHING = re.compile(
    r"(?:svar:? )?(?:(?:det |jag |vi )?(?:saknas|finns (?:inte|ej|ingen(?:ting)?|inget|inga)|hittar (?:inte|inget|inga|"
    r"ingenting)|har (?:inte|inget|inga|ingenting))|ingenting|inget|inga uppgifter|nej|(?:nothing|none)(?: found)?"
    r"|no(?: data| records?)?(?: found)?|not found|(?:i|we) have (?:nothing|no data|no records)"
    r"|(?:i|we) (?:do not|don.t) have any(?:thing)?)\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"(?:(?:det |nu )?(?:är )?(?:klart?|gjort|fixat|ordnat|utfört|borttage[tn]|raderat|raderad|ändrat|ändrad|uppdaterat"
    r"|åtgärdat)|(?:jag|vi) har (?:tagit bort|raderat|ändrat|uppdaterat)|(?:all )?done|removed|deleted|changed"
    r"|updated)\b",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"(?:(?:det )?går (?:inte|ej)|(?:jag|vi)? ?kan (?:inte|ej)|inte möjligt|(?:i|we)? ?can(?:not|.t)|not possible"
    r"|unable)\b\W*",
    re.IGNORECASE,
)
_FOUND = re.compile(
    r"(?:(?:det |detta |följande )?finns(?: hos mig| hos oss)?|ja|(?:jag|vi) har|found|yes|(?:i|we) have)\b"
    r"\s*[:,.–-]*\s*",
    re.IGNORECASE,
)
#: A change of which this is said is none that is needed.
_GONE = re.compile(r"(?:det |jag |vi )?(?:saknas|finns|hittar|har|nothing|not found|no data)", re.IGNORECASE)
#: What may stand beside "nothing": where, and about whom. The name of a place follows one of _IN.
_IN = frozenset({"i", "på", "in", "at"})
_WHERE = frozenset(
    """
    a about alls alltså all any at den denna det han hans helst henne hennes her here hon honom hos här i in
    jag kontoret me mig min mina mitt name namnet något of om on oss our person personen på record records som sorry
    tack thanks the them this tyvärr us vi vår våra vårt with
    """.split()  # noqa: SIM905  # words read better than strings
)
#: A change of which one of these is said is not done, or not all of it.
_UNDONE = re.compile(
    r"[?]|\b(?:inte|ej|not|men|fast|dock|utom|förutom|kanske|tror|vänta|snart|strax|senare|sen|morgon|nästan|delvis|ska"
    r"|hälften|resten|(?:en|ett|två|tre|några|\d+) av|half|(?:one|two|three|some|\d+) of"
    r"|but|except|maybe|perhaps|think|wait|soon|later|tomorrow|almost|partly|will|however|although)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 12


def meaning(text: str, *, kind: str, files: Sequence[tuple[str, bytes]] = ()) -> Meaning:
    """
    What *text*, the colleague's own words about one task, and *files* say.

    A short answer is one only if it stands alone; what could be either is nobody's to guess (P5).
    """
    said = _without_greeting(text)
    if kind != SEARCH:
        return _about_change(said)
    if _is_nothing(said):
        return Meaning(word="" if files else NOTHING)
    found = _FOUND.match(said)
    rest = said[found.end() :].strip() if found else said
    is_told = bool(rest) and (found is not None or bool(find_identifiers(said)))
    if files or (is_told and "?" not in rest):
        return Meaning(word=HELD, text=rest if is_told else "", files=tuple(files))
    return Meaning(word="")


def _about_change(said: str) -> Meaning:
    if _CANNOT.match(said):
        return Meaning(word=CANNOT, text=said)
    if _GONE.match(said) and _is_nothing(said):
        return Meaning(word=NOTHING)
    begun = _DONE.match(said)
    is_done = begun and len(said.split()) <= _MOST_WORDS and not _UNDONE.search(said[begun.end() :])
    return Meaning(word=DONE if is_done else "")


def _is_nothing(said: str) -> bool:
    """Whether *said* is that nothing is held, and where, and nothing else."""
    begun = _NOTHING.match(said)
    if begun is None or "?" in said:
        return False
    before = ""
    for word in re.findall(r"\w+", said[begun.end() :]):
        if word.casefold() not in _WHERE and before not in _IN:
            return False
        before = "" if word == "I" else word.casefold()  # the English pronoun comes before what somebody did
    return True


def _without_greeting(text: str) -> str:
    """*text* without blank lines at its ends and a greeting above."""
    lines = [line.strip() for line in text.strip().splitlines()]
    while lines and (not lines[0] or _GREETING.fullmatch(lines[0])):
        lines.pop(0)
    return "\n".join(lines).strip(" \t\n*_-–•")


def split(mail: InboundMail) -> tuple[str, dict[str, str]]:
    """
    The sender's own words, by the reference above or before which they stand.

    Returns: (words before any reference, {reference: words}). A reference in a quoted line counts: answers between the
    lines of a mail belong to what they stand below.
    """
    own = mail.own_text.split("\n")
    at, current = 0, ""
    parts: dict[str, list[str]] = {"": []}
    for line in mail.text.split("\n"):
        is_own = at < len(own) and line == own[at]
        at += is_own
        for reference in desks.references_in(line):
            current = reference
            parts.setdefault(current, [])
        if is_own:
            parts[current].append(desks.REFERENCE.sub("", line).strip(" :–-\t"))
    if at < len(own):  # the cut text is not a part of the whole one line by line
        return mail.own_text, {}
    words = {reference: "\n".join(lines).strip() for reference, lines in parts.items()}
    return words.pop(""), {reference: said for reference, said in words.items() if said}


# ------------------------------------------------------------------------------------------------------- the reply


def settle(
    app: App,
    message_id: int,
    mail: InboundMail,
    found: Triage,
    *,
    authentication: SenderAuthentication,
    now: datetime,
) -> bool:
    """Act on a mail that answers tasks, once; True if it is one."""
    with app.store.transaction(read_only=True) as tx:
        listed = _listed(tx, mail)
        asked = [task for task in listed if _was_asked(app, tx, task, mail.sender)]
    if not listed:
        return False
    if found.disposition is Disposition.AUTO_REPLY or _BY_MACHINE & set(mail.machine_signs):
        return bool(asked) and _is_away(app, message_id, asked, now=now)
    if not asked or authentication is not SenderAuthentication.PASS:
        if not asked and (thread.asks(found) or found.disposition is Disposition.AUTHORITY):
            return False  # whatever it quotes, it wants something for itself
        return _from_elsewhere(app, message_id, listed, now=now)
    meanings = _meanings(mail, asked)
    contents = {
        task.reference: _content(app, task, meanings[task.reference]) for task in asked if task.reference in meanings
    }
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        _file(message, Disposition.INTERNAL)
        for task in asked:
            if task.reference in meanings:
                _take(app, tx, task.id or 0, mail, message, meanings[task.reference], contents[task.reference], now=now)
        if thread.asks(found) and any(said.word in {"", HELD} for said in meanings.values()):
            message.status, message.flags = "person", [REMARK]  # a request of theirs, or one that they pass on (P1)
    return True


def _listed(tx: Transaction, mail: InboundMail) -> list[Task]:
    """The tasks that a mail can be about: of the mail that it answers, or those that it names."""
    found: dict[int, Task] = {}
    for message_id in (*mail.in_reply_to, *reversed(mail.references)):
        row = tx.outgoing_by_message_id(message_id)
        if row is not None and row.case_id is None:
            found |= {task.id or 0: task for task in tx.tasks_of_mail(row.id or 0)}
            break
    for reference in desks.references_in(f"{mail.subject}\n{mail.text}"):
        task = tx.task_by_reference(reference)
        if task is not None:
            found[task.id or 0] = task
    return list(found.values())


def _was_asked(app: App, tx: Transaction, task: Task, sender: str | None) -> bool:
    return sender is not None and tx.was_asked(task.id or 0, desks.person_index(app, sender))


def _meanings(mail: InboundMail, asked: Sequence[Task]) -> dict[str, Meaning]:
    """{reference: what is said to it}; a task to which nothing is said is left out."""
    loose, words = split(mail)
    files = _files(mail.attachments)
    kinds = {task.reference: task.kind for task in asked}
    words = {reference: said for reference, said in words.items() if reference in kinds}
    waiting = [task.reference for task in asked if task.state in {OPEN, PERSON}] or list(kinds)
    if not words and len(waiting) == 1:
        words = {waiting[0]: loose}
    elif not words:
        return {reference: Meaning(word="") for reference in waiting}  # which of them is meant?
    found = {reference: meaning(said, kind=kinds[reference]) for reference, said in words.items()}
    if not files:
        return found
    holding = [reference for reference in found if kinds[reference] == SEARCH]
    holding = [each for each in holding if found[each].word != NOTHING or len(holding) == 1]
    if len(holding) != 1:
        return {reference: Meaning(word="") for reference in found}  # to which do the files belong?
    found[holding[0]] = meaning(words[holding[0]], kind=SEARCH, files=files)
    return found


def _files(attachments: Sequence[Attachment]) -> list[tuple[str, bytes]]:
    return [(each.filename, each.content) for each in attachments if not each.content_type.startswith(_DECORATION)]


def _content(app: App, task: Task, said: Meaning) -> AnswerContent | None:
    """What is kept of an answer; None: only a person can read it."""
    if said.word != HELD:
        return AnswerContent(said=said.text)
    try:
        return tasks.held(app, task, said.text, said.files)
    except SystemContractError:
        return None


def _take(
    app: App,
    tx: Transaction,
    task_id: int,
    mail: InboundMail,
    message: Message,
    said: Meaning,
    content: AnswerContent | None,
    *,
    now: datetime,
) -> None:
    """Keep an answer, or ask what it means, or put it before a person."""
    task = tx.task(task_id)
    if task is None or mail.sender is None:
        return
    case = tx.case_by_id(task.case_id)
    detail = {"task": task.reference, "message": str(message.id)}
    if said.word and content is not None:
        colleague = app.settings.colleague(mail.sender)
        signer = colleague.name if colleague else mail.sender
        keep = tasks.keep_answer
        keep(
            app,
            tx,
            case,
            task,
            word=said.word,
            content=content,
            signer=signer,
            message_id=message.id,
            actor=PROGRAM,
            now=now,
        )
    elif task.state in {ANSWERED, LATE}:
        message.status, message.flags = "person", [REMARK]
        tx.record("task_remark", actor=PROGRAM, at=now, case_id=case.id, detail=detail)
    elif content is not None and not task.clarified:
        digests.clarify(app, tx, task, mail.sender, in_reply_to=mail.message_id, now=now)
    else:
        task.state, task.why = PERSON, "unclear" if content is not None else "unreadable"
        tx.record("task_before_person", actor=PROGRAM, at=now, case_id=case.id, detail=detail | {"because": task.why})


def _is_away(app: App, message_id: int, asked: Sequence[Task], *, now: datetime) -> bool:
    """An automatic reply answers nothing; what waited for its sender goes to the deputy, or others are told."""
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        _file(message, Disposition.AUTO_REPLY)
        for each in asked:
            task = tx.task(each.id or 0)
            if task is not None and task.state == OPEN:
                task.deputised = True
                tx.enqueue("ask", task.id or 0, due_at=now)
                tx.record(
                    "colleague_away", actor=PROGRAM, at=now, case_id=task.case_id, detail={"task": task.reference}
                )
    return True


def _from_elsewhere(app: App, message_id: int, listed: Sequence[Task], *, now: datetime) -> bool:
    """Whoever was not asked, or may be somebody else, answers nothing: a person looks, and may write it down."""
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        _file(message, Disposition.INTERNAL)
        message.status, message.flags = "person", [FROM_ELSEWHERE]
        for task in listed:
            detail = {"task": task.reference, "message": str(message_id)}
            tx.record(FROM_ELSEWHERE, actor=PROGRAM, at=now, case_id=task.case_id, detail=detail)
    return True


def _file(message: Message, disposition: Disposition) -> None:
    message.disposition, message.status = disposition, "sorted"
