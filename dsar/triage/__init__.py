"""
InboundMail -> Triage: what a mail asks, about whom, by whom, with the evidence.

Effects: none. By meaning, not by word: sentences, clauses, denial and condition are told apart, quoted text does not
count, and in doubt it is a request (GDPR Art. 12(2)) that a person looks at.

    languages.py   text -> language
    sentences.py   text -> sentences and clauses
    vocabulary.py  sv.toml, en.toml ... -> one pattern per concept
    rights.py      sentences -> rights, by a table of rules
    opinion.py     sentences -> chances, by weights trained from the labelled mails
    impression.py  all sentences together -> chances, likewise
    compact.py     the weights of that in little memory
    signs.py       rules and opinions -> numbers, each with its name
    judgement.py   those -> rights, and how certain that is
    pieces.py      text -> pieces of words
    encoder.py     sentences in pieces -> chances, by a network that has read much
    rereading.py   judgement and those -> judged again
    letter.py      mail -> the letter in it, its writer and role
    forms.py       mail of a web form -> what was entered
    forwards.py    forwarded mail -> when a colleague got it
    facts.py       mail -> all that decides
    dispositions.py  facts -> what it is, by a table of rules
    people.py      letter -> persons with identifiers and requests
    owners.py      text -> the identifiers that are the person's own
    changes.py     sentences -> old and new values
    flags.py       mail -> flags, and what is told about the sender
    anonymise.py   a mail sorted wrongly -> an entry of the corpus
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from dsar.model import (
    RIGHTS_IN_ORDER,
    Disposition,
    FoundRequest,
    IdentifierType,
    InboundMail,
    RequestedChange,
    Requester,
    Right,
    SenderAuthentication,
    Triage,
    TriageSubject,
)
from dsar.triage.changes import find_changes
from dsar.triage.dispositions import DISPOSITIONS, WANTED, DispositionRule, is_plainly_noise, is_reminder
from dsar.triage.facts import Facts, read_facts
from dsar.triage.flags import Known, find_flags
from dsar.triage.forms import Form
from dsar.triage.languages import READ_WELL, is_one_of, languages_in
from dsar.triage.letter import Letter
from dsar.triage.owners import region_of
from dsar.triage.people import names_another, subjects, with_changes
from dsar.triage.rights import CONSENT_WITHDRAWN, SAYS_STOP, Hit, Stance, is_about_marketing
from dsar.triage.sentences import LONGEST_TEXT
from dsar.triage.signs import Reading
from dsar.triage.vocabulary import concept, fold, reading, says

__all__ = ["Form", "triage"]

_PASSED_ON = frozenset({Requester.COLLEAGUE_FORWARD, Requester.WEB_FORM})

_ATTACHMENT = "-----Attachment: {}-----"
#: Chance from which a machine-readable copy is wanted.
_PORTABLE = 0.5
#: From this certainty on no person is needed to say what is asked.
_CERTAIN = 0.95
#: The same for a plain mail of so few words: nothing is hidden in it.
_CERTAIN_IF_PLAIN, _SHORT = 0.85, 25
#: The same of an erasure that no rule clearly sees, for it cannot be undone.
_CERTAIN_IF_UNSEEN = 0.98
#: Chance from which a marketing stop that the rules clearly see is beyond doubt.
_PLAIN_STOP = 0.9
#: What else the mail asks may be in doubt; that may not.
_GOES_ON = "the marketing stop goes on without a person (Art. 21(3))"
#: By which marketing may reach somebody.
_CONTACTS = frozenset({IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS})
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
#: Log-odds of noise in one sentence from which a request may be one about goods or machines, unless it is so certain.
_BUSINESS, _CERTAIN_BESIDE_BUSINESS = -0.5, 0.97
#: Log-odds of a right in a sentence by itself below which none is in it.
_NOTHING_ALONE = -3.0
#: Whose answers report on mails of ours, in whatever form.
_POSTMASTER = re.compile(r"(?:postmaster|mailer-daemon)@", re.IGNORECASE)
#: An option of a form that is not ticked: which words are the person's is beyond a reader of sentences.
_UNTICKED = re.compile(r"\[\s?\]|\(\s\)|[☐□]")
#: Who writes less than this may mean his attachment.
_FEW_WORDS = 60

OWN_ADDRESSES = frozenset({"gdpr@xelent.se", "info@xelent.se", "dataskydd@xelent.se"})


def triage(
    mail: InboundMail,
    *,
    sender_authentication: SenderAuthentication,
    own_addresses: frozenset[str] = OWN_ADDRESSES,
    staff_domain: str = "xelent.se",
    staff_names: Sequence[str] = (),
    known_domains: Sequence[str] = (),
    forms: Sequence[Form] = (),
    languages: Collection[str] = READ_WELL,
) -> Triage:
    """
    Sort one mail.

    Args: sender_authentication: what our own server found out about the sender; own_addresses: e-mail addresses of
    ours, which point at nobody; staff_domain: domain whose senders are colleagues; staff_names, known_domains: people
    of ours and domains of customers that a sender might imitate; forms: web forms whose mails are read by their layout;
    languages: those in which mail is handled without a person's confirmation.
    """
    with reading(languages_in(f"{mail.subject}\n{mail.own_text}")):
        return _sorted(
            mail,
            own_addresses,
            Known(staff_domain=staff_domain, staff_names=tuple(staff_names), domains=tuple(known_domains)),
            forms,
            languages,
            sender_authentication,
        )


def _sorted(
    mail: InboundMail,
    own_addresses: frozenset[str],
    known: Known,
    forms: Sequence[Form],
    languages: Collection[str],
    sender_authentication: SenderAuthentication,
) -> Triage:
    staff_domain = known.staff_domain
    facts, attached = _facts(mail, staff_domain, forms)
    verdict = _verdict(facts)
    requests = _requests(facts) if verdict.keeps_requests and not _only_answers(facts) else ()
    people = subjects(
        facts.letter,
        facts.body,
        requests,
        language=facts.language,
        is_ours=lambda address: address in own_addresses or address.endswith((f"@{staff_domain}", f".{staff_domain}")),
    )
    if any(request.right is Right.UPDATE for request in requests):
        people = (with_changes(people[0], _changes(facts, own_addresses), facts.letter), *people[1:])
    flags, sender_evidence = find_flags(mail, facts.letter, facts.folded, known=known)
    doubts = _doubts(facts, verdict, people, flags, sender_authentication)
    machine = verdict.disposition in (Disposition.BOUNCE, Disposition.AUTO_REPLY)
    if not (machine or facts.is_bulk or is_one_of(facts.language, languages)):
        doubts.append(f"the language is {facts.language}")
    attached &= verdict.disposition is not Disposition.BOUNCE  # it returns a letter of ours
    doubts += ["what is asked stands in an attachment"] if attached else []
    doubts += [] if machine or facts.is_bulk else mail.unread
    stops = bool(requests) and not doubts and _stops_plainly(facts, people) and not _makes_an_exception(facts, requests)
    doubts += [] if machine else _doubts_of_asking(facts, requests)
    reasons = [f"{verdict.disposition}: {verdict.reason}"]
    reasons += [f"{hit.right}: {hit.rule} ({hit.stance})" for hit in facts.hits]
    if any(request.right is Right.UPDATE for request in requests) and not people[0].changes:
        reasons.append("the change has no value")  # what is asked is clear; a person enters it when all is found
    if stops and doubts:
        people = _beyond_doubt(people, Right.OBJECT)
        reasons.append(_GOES_ON)
    return Triage(
        disposition=verdict.disposition,
        subjects=people,
        language=facts.language,
        requester=facts.letter.requester,
        flags=flags,
        sender_authentication=_of_who_asks(facts.letter, sender_authentication),
        needs_person=bool(doubts),
        reasons=tuple(dict.fromkeys([*reasons, *doubts])),
        asked_by=facts.letter.address,
        sender_evidence=sender_evidence,
        first_received_at=facts.letter.first_received_at,
        is_reminder=is_reminder(facts),
    )


def _is_plain(facts: Facts) -> bool:
    """Short, and the rules clearly see each right that counts as exercised, and speak of no other."""
    clear = all(wanted.reading is Reading.CLEAR for wanted in facts.wanted.values())
    others = any(hit.right not in facts.wanted for hit in facts.hits)
    return clear and not others and len(facts.letter.body.split()) <= _SHORT


def _of_who_asks(letter: Letter, found: SenderAuthentication) -> SenderAuthentication:
    """What passed on a form or a forward proves the form or the colleague, never the person."""
    if letter.requester in _PASSED_ON and found is SenderAuthentication.PASS:
        return SenderAuthentication.NONE
    return found


def _facts(mail: InboundMail, staff_domain: str, forms: Sequence[Form]) -> tuple[Facts, bool]:
    """
    The facts of the mail, and whether they come from its attachments, too.

    Those are read where the mail itself asks nothing and says little, or nothing that any rule knows.
    """
    facts = read_facts(_with(mail), staff_domain, forms)
    short = len(mail.own_text.split()) < _FEW_WORDS
    if not mail.attachment_texts or facts.hits or facts.is_bulk or not (short or _verdict(facts).doubtful):
        return facts, False
    texts = [f"{_ATTACHMENT.format(each.filename)}\n{each.text}" for each in mail.attachment_texts]
    with_attachments = read_facts(_with(mail, *texts), staff_domain, forms)
    return (with_attachments, True) if with_attachments.hits else (facts, False)


def _with(mail: InboundMail, *texts: str) -> InboundMail:
    """*mail* with its signature, which names the writer, and *texts* above that in its own text."""
    return replace(mail, own_text="\n\n".join(filter(None, (mail.own_text, *texts, mail.signature))))


def _verdict(facts: Facts) -> DispositionRule:
    return next(rule for rule in DISPOSITIONS if rule.holds(facts))


def _only_answers(facts: Facts) -> bool:
    """An answer to a letter of ours, so short that only opinions heard a right in it: "Mitt kundnummer är K20005"."""
    guessed = bool(facts.mail.own_message_ids) and facts.heard is None and not facts.hits
    return guessed and max(facts.heard_alone) < _NOTHING_ALONE


def _requests(facts: Facts) -> tuple[FoundRequest, ...]:
    """One request per right, with the clearest evidence, in the order of handling."""
    found = []
    for right in RIGHTS_IN_ORDER:
        wanted = facts.wanted.get(right)
        if wanted is None:
            continue
        hits = [hit for hit in facts.hits if hit.right is right and hit.stance in WANTED]
        portable = right is Right.ACCESS and (any(hit.portability for hit in hits) or _is_portable(facts))
        found.append(
            FoundRequest(
                right=right,
                portability=portable,
                general=right is Right.OBJECT and not any(is_about_marketing(hit) for hit in hits),
                consent=any(hit.rule == CONSENT_WITHDRAWN for hit in hits),
                evidence=wanted.evidence,
                reason=wanted.reason,
            )
        )
    return tuple(found)


def _is_portable(facts: Facts) -> bool:
    return facts.opinion.chance("portable") >= _PORTABLE


# ------------------------------------------------------------------------------------------- changes and doubts


def _changes(facts: Facts, own_addresses: frozenset[str]) -> tuple[RequestedChange, ...]:
    """Values from the sentences that ask for a change and those right after them."""
    places = {at for at, s in enumerate(facts.body) for h in facts.hits if h.right is Right.UPDATE and h.sentence is s}
    near = sorted({at + step for at in places for step in (-1, 0, 1, 2)} or range(len(facts.body)))
    return find_changes(
        [facts.body[at] for at in near if 0 <= at < len(facts.body)],
        written_on=facts.mail.written_on,
        is_ours=own_addresses,
        region=region_of(facts.language),
    )


def _doubts(
    facts: Facts,
    verdict: DispositionRule,
    people: Sequence[TriageSubject],
    flags: Sequence[str],
    authentication: SenderAuthentication,
) -> list[str]:
    """Why a person must look at the mail itself, its sender or its persons, in words; empty if nothing is in doubt."""
    if verdict.disposition is Disposition.BOUNCE:
        return []
    if verdict.disposition is Disposition.AUTO_REPLY:
        of_server = _POSTMASTER.match(facts.mail.sender or "") is not None  # it may tell of a lost letter
        silent = is_plainly_noise(facts) and not of_server
        asks = bool(facts.wanted) or (facts.has(Stance.WANTED) and not silent)
        return ["a machine answered, yet its text asks for something"] if asks else []
    noise = verdict.disposition is Disposition.NOT_REQUEST
    doubts = {
        f"a person decides: {verdict.reason}": verdict.doubtful,
        f"flags: {', '.join(flags)}": bool(
            set(flags)
            - (
                {"hidden_text", "breach", "complaint", "legal_person", "sender_mismatch", "list_relay"}
                if noise and facts.is_bulk
                else set()
            )
        ),
        "a list or a machine sent it": any(person.requests for person in people)
        and (facts.is_bulk or "auto-submitted" in facts.signs)
        and facts.letter.requester is not Requester.WEB_FORM
        and not facts.asks_as_self,
        "somebody asks for another person": facts.letter.requester not in (Requester.SELF, Requester.WEB_FORM)
        and not noise,
        "it is about several persons": not noise and (len(people) > 1 or names_another(facts.letter)),
        "the sender failed authentication": authentication is SenderAuthentication.FAIL and not noise,
        "the sender is unknown": facts.mail.sender is None,
        "it has boxes to tick": _UNTICKED.search(facts.letter.body) is not None and not noise,
        "it is too long to be read by a machine": len(facts.letter.body) > LONGEST_TEXT,
        "its text and HTML say different things": any("different" in defect for defect in facts.mail.defects)
        and not noise,
    }
    return [reason for reason, holds in doubts.items() if holds] + ([] if noise else list(facts.letter.doubts))


def _doubts_of_asking(facts: Facts, requests: Sequence[FoundRequest]) -> list[str]:
    """Why a person must say what is asked, in words; empty if nothing is in doubt."""
    if not requests:
        return []
    plain, rights = _is_plain(facts), {each.right for each in requests}
    earlier = {hit.right for hit in facts.hits if hit.stance in (Stance.REMEMBERED, Stance.STATUS)}
    doubts = {
        f"certain to {facts.certainty:.0%} only": facts.certainty < _least_certainty(facts, plain=plain),
        "it speaks of an earlier request": not rights >= earlier,
        "it makes an exception": _makes_an_exception(facts, requests),
        "it asks for a change and for an erasure": {Right.ERASE, Right.UPDATE} <= rights,  # "the old address must go"
        "it may be about business": not plain
        and Right.UPDATE not in rights  # a new address is told in the words of business
        and facts.certainty < _CERTAIN_BESIDE_BUSINESS
        and facts.opinion.heard["noise"].below_subject > _BUSINESS,
    }
    return [reason for reason, holds in doubts.items() if holds]


def _makes_an_exception(facts: Facts, requests: Sequence[FoundRequest]) -> bool:
    """Where it says what is to go or to stop, or right after that, it says what is not: "Radera allt. Utom bilden."."""
    ending = {each.evidence for each in requests if each.right in (Right.ERASE, Right.OBJECT)}
    texts = facts.witnesses.texts  # the subject, too
    places = [at for at, text in enumerate(texts) if text in ending]
    return any(says("exception", fold(text)) for at in places for text in texts[at : at + 2])


def _least_certainty(facts: Facts, *, plain: bool) -> float:
    erasure = facts.wanted.get(Right.ERASE)
    if erasure is not None and erasure.reading is not Reading.CLEAR:
        return _CERTAIN_IF_UNSEEN
    return _CERTAIN_IF_PLAIN if plain else _CERTAIN


def _stops_plainly(facts: Facts, people: Sequence[TriageSubject]) -> bool:
    """
    Marketing to the sender is to stop, whatever else is asked.

    Art. 21(3): "the personal data shall no longer be processed for such purposes": what else stands in the mail must
    not keep it. A sentence that says more, of a channel, of a time or of somebody else, is not plain.
    """
    hits = [hit for hit in facts.hits if hit.right is Right.OBJECT]
    elsewhere = {each.value for each in people[0].identifiers if each.type in _CONTACTS} - {facts.letter.address}
    wanted = facts.wanted.get(Right.OBJECT) is not None and facts.chances[Right.OBJECT] >= _PLAIN_STOP
    return wanted and bool(hits) and not elsewhere and all(map(_says_no_more, hits))


def _says_no_more(hit: Hit) -> bool:
    """Its sentence tells to stop marketing, and nothing beside."""
    text = hit.sentence.folded
    if hit.stance is not Stance.WANTED or says("stop_denied", text):
        return False
    named = any(says(name, text) for name in ("marketing", "mailing_list"))
    return hit.rule == SAYS_STOP or (
        named and all(concept("plain_stop").fullmatch(word) for word in _WORD.findall(text))
    )


def _beyond_doubt(people: tuple[TriageSubject, ...], right: Right) -> tuple[TriageSubject, ...]:
    first, *others = people
    requests = tuple(replace(each, beyond_doubt=each.right is right) for each in first.requests)
    return (replace(first, requests=requests), *others)
