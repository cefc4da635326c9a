"""
What a letter must hold and must not say: kind and facts -> problems.

Effects: none. The tables below are the mandatory contents of each kind; an installation can reword a template but
cannot talk its way around them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dsar.model import Activity, LetterFacts, LetterKind, Record, StepAction, StepOutcome, SystemOutcome

#: EU member states and the EEA states Iceland, Liechtenstein and Norway (ISO 3166); all others are third countries.
EEA = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()  # noqa: SIM905
)

#: Outcomes of a search after which nobody can say "nothing" (promise P5).
UNFINISHED = frozenset({SystemOutcome.PARTIAL, SystemOutcome.FAILED, SystemOutcome.WAITING})

#: Steps that an erasure may consist of; a task was done by a person who confirmed it.
_MAY_END_ERASED = frozenset({StepAction.ERASE, StepAction.ANONYMISE, StepAction.SUPPRESS, StepAction.TASK})

#: Name of the template with the access answer itself.
ACCESS_EXPORT = "access_export"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one kind of letter must hold whatever its template says."""

    blocks: tuple[str, ...]  #: Templates `_<name>.md.j2` of the package whose words must all be there.
    facts: tuple[str, ...] = ()  #: Facts that must be given and said.


#: Art. 12(4): reasons, complaint and judicial remedy cannot be taken out of a refusal; nor can the person to turn to.
_REFUSAL = Rule(
    blocks=("head", "imy", "court", "contact"),
    facts=("case_reference", "received_on", "reasons", "legal_ground", "handler"),
)

RULES: Mapping[str, Rule] = {
    LetterKind.ACKNOWLEDGEMENT: Rule(
        blocks=("head", "reqpriv", "contact"), facts=("case_reference", "received_on", "nominal_on")
    ),
    LetterKind.ACCESS_ANSWER: Rule(
        blocks=("head", "imy", "contact"), facts=("case_reference", "received_on", "reference_on")
    ),
    ACCESS_EXPORT: Rule(
        blocks=("head", "imy", "court", "reqpriv", "contact"), facts=("case_reference", "received_on", "reference_on")
    ),
    LetterKind.NOTHING_FOUND: Rule(
        blocks=("head", "reqpriv", "imy", "court", "contact"), facts=("case_reference", "received_on")
    ),
    LetterKind.REFUSAL: _REFUSAL,
    LetterKind.UPDATE_REFUSED: _REFUSAL,
    # Art. 12(3): the extension, its reasons and the new date are told within the first month.
    LetterKind.EXTENSION: Rule(
        blocks=("head", "imy", "contact"), facts=("case_reference", "received_on", "reasons", "extended_nominal_on")
    ),
    LetterKind.UNIDENTIFIED: Rule(blocks=("head", "imy", "court", "contact"), facts=("case_reference", "received_on")),
    LetterKind.IDENTITY_CHECK: Rule(blocks=("head", "contact"), facts=("case_reference", "reply_by_on")),
    LetterKind.IDENTITY_REMINDER: Rule(blocks=("head", "contact"), facts=("case_reference", "reply_by_on")),
    LetterKind.QUESTION: Rule(blocks=("head", "contact"), facts=("case_reference", "reasons", "reply_by_on")),
    # Recital 63, EDPB 01/2022 s. 2.3: the letter tells which processing exists, so that the person can choose.
    LetterKind.CLARIFICATION: Rule(
        blocks=("head", "contact"), facts=("case_reference", "overview", "choices", "reply_by_on")
    ),
    LetterKind.MANDATE_REQUEST: Rule(blocks=("head", "contact"), facts=("case_reference", "received_on")),
    # Recital 27: the GDPR "does not apply to the personal data of deceased persons".
    LetterKind.DECEASED: Rule(blocks=("head", "imy", "contact"), facts=("case_reference",)),
    LetterKind.UPDATE_DONE: Rule(blocks=("head", "imy", "contact"), facts=("case_reference", "received_on", "done_on")),
    LetterKind.ERASURE_DONE: Rule(
        blocks=("head", "imy", "contact"), facts=("case_reference", "received_on", "done_on")
    ),
    LetterKind.ERASURE_PARTLY: Rule(
        blocks=("head", "imy", "court", "contact"), facts=("case_reference", "received_on")
    ),
    LetterKind.OBJECTION_DONE: Rule(blocks=("head", "imy", "contact"), facts=("case_reference", "done_on")),
    # Art. 7(3): withdrawal "shall not affect the lawfulness of processing based on consent before its withdrawal".
    LetterKind.CONSENT_WITHDRAWN: Rule(blocks=("head", "imy", "contact"), facts=("case_reference", "done_on")),
    LetterKind.NOT_REQUEST: Rule(blocks=("head", "contact"), facts=("case_reference", "received_on", "reasons")),
    LetterKind.RESTRICTION_DONE: Rule(
        blocks=("head", "imy", "contact"), facts=("case_reference", "received_on", "done_on")
    ),
    LetterKind.CONTACT_CHANGED_NOTICE: Rule(blocks=("head", "contact"), facts=("case_reference", "done_on")),
    LetterKind.PASS_PHRASE: Rule(blocks=("head", "contact"), facts=("case_reference", "pass_phrase")),
}


def rule_for(name: str, facts: LetterFacts) -> Rule:
    """
    The rule of template *name*, with what these facts add to it.

    An access answer that withholds something is a refusal in part (Art. 12(4)); one that is locked tells how it is
    opened (Art. 12(1), "easily accessible"); what staff add for one person is always said.
    """
    rule = RULES[name]
    more = {
        "court": name == LetterKind.ACCESS_ANSWER and bool(facts.withheld),
        "opening": name == LetterKind.ACCESS_ANSWER and facts.phrase_by is not None,
        "note": name != ACCESS_EXPORT and facts.staff_note is not None,
    }
    return Rule(blocks=(*rule.blocks, *(block for block, due in more.items() if due)), facts=rule.facts)


def problems(name: str, facts: LetterFacts) -> tuple[str, ...]:
    """Everything that forbids template *name* to be written from *facts*, in words without personal data."""
    missing = [f"fact '{fact}' is missing" for fact in rule_for(name, facts).facts if not getattr(facts, fact)]
    return (*missing, *_FURTHER.get(name, _nothing)(facts))


def _nothing(_facts: LetterFacts) -> Iterator[str]:
    return iter(())


# ------------------------------------------------------------------------------------------------- access (Art. 15)


#: Art. 13(1)(a): "the identity and the contact details of the controller".
_OF_CONTROLLER = ("name", "orgnr", "address", "postcode_city", "email")
#: Art. 15(1)(a), (b), (d), and the legal basis (EDPB 01/2022 s. 4.3): fact -> the field that it fills.
_OF_ACTIVITY = {"label": "I01", "purposes": "I01", "legal_basis": "I02", "categories": "I03", "retention": "I05"}
#: Fact -> the field that it fills; their names are in dsar.letters.mandatory.
_OF_ANSWER = {"rights": "F04", "search_keys": "F07", "coverage": "F08", "records": "D01", "activities": "I01"}


def _export(facts: LetterFacts) -> Iterator[str]:
    """Traps 8, 10, 11 and 12: no answer with an unnamed recipient, missing information or an unexplained code."""
    for fact, field in _OF_ANSWER.items():
        if not getattr(facts, fact):
            yield f"{field}: fact '{fact}' is missing"
    for name in _OF_CONTROLLER:
        if not getattr(facts.controller, name):
            yield f"F02: the controller's {name} is missing"
    known = {activity.id for activity in facts.activities or ()}
    for record in facts.records or ():
        yield from _unexplained(record)
        for unknown in sorted(set(record.activities) - known):
            yield f"processing activity '{unknown}' of {record.system}/{record.object} is not described"
    for activity in facts.activities or ():
        yield from (f"activity '{activity.id}': {lack}" for lack in _lacks(activity))


def _lacks(activity: Activity) -> Iterator[str]:
    yield from activity.unknown
    for name, field in _OF_ACTIVITY.items():
        said = getattr(activity, name)
        if not (said.sv.strip() and said.en.strip()):
            yield f"{field}: {name} is missing"
    for recipient in activity.recipients:
        if not recipient.name:
            yield "I04: a recipient has no name"  # C-154/21
        if recipient.country not in EEA and recipient.transfer_basis is None:  # Art. 15(2)
            yield f"I13: recipient '{recipient.name}' has no transfer basis"


def _unexplained(record: Record) -> Iterator[str]:
    for value in record.values:
        if value.code_unknown:
            yield f"D02: a code of {record.system}/{record.object}/{value.path} has no explanation"


def _nothing_found(facts: LetterFacts) -> Iterator[str]:
    if not facts.coverage:
        yield "fact 'coverage' is missing"
    if not facts.rights:
        yield "fact 'rights' is missing"
    if facts.records:
        yield "records were found"
    for place in facts.coverage or ():
        if place.outcome in UNFINISHED:
            yield f"'{place.label.en}' has not been searched to the end"


# --------------------------------------------------------------------------------------------------- changed data


def _kept(outcomes: tuple[StepOutcome, ...]) -> Iterator[str]:
    """Art. 17(3), 5(1)(e): what is kept is told with reason, law and end date."""
    for outcome in outcomes:
        step = outcome.step
        if step.action is StepAction.KEEP and (step.reason is None or step.law is None or step.until is None):
            yield f"the kept {step.system}/{step.object} has no reason, law or end date"


def _by_hand(facts: LetterFacts) -> bool:
    """Whether the letter tells what a member of staff did, in their words."""
    return facts.ended == "by_hand" and bool(facts.reasons)


def _updated(facts: LetterFacts) -> Iterator[str]:
    """Art. 16: what is changed is verified; what a person still has to change is told as such."""
    if not facts.outcomes and not _by_hand(facts):
        yield "fact 'outcomes' is missing"
    yield from _kept(facts.outcomes or ())
    for outcome in facts.outcomes or ():
        if not outcome.done and outcome.step.action not in {StepAction.KEEP, StepAction.TASK}:
            yield f"the {outcome.step.action} of {outcome.step.system}/{outcome.step.object} is not verified"


def _changed(facts: LetterFacts) -> Iterator[str]:
    if not facts.outcomes:
        if not _by_hand(facts):
            yield "fact 'outcomes' is missing"
        return
    yield from _kept(facts.outcomes)
    for outcome in facts.outcomes:
        if not outcome.done and outcome.step.action is not StepAction.KEEP:
            yield f"the {outcome.step.action} of {outcome.step.system}/{outcome.step.object} is not verified"


def _erased(facts: LetterFacts) -> Iterator[str]:
    """Promise P7: "erased" means verified, and nothing else."""
    yield from _changed(facts)
    for outcome in facts.outcomes or ():
        if outcome.step.action not in _MAY_END_ERASED:
            yield f"{outcome.step.system}/{outcome.step.object} was not erased but '{outcome.step.action}'"


def _erased_partly(facts: LetterFacts) -> Iterator[str]:
    if not facts.outcomes:
        yield "fact 'outcomes' is missing"
        return
    yield from _kept(facts.outcomes)
    if facts.ended:
        return
    if all(outcome.done and outcome.step.action is not StepAction.KEEP for outcome in facts.outcomes):
        yield "everything was erased"


def _mandate(facts: LetterFacts) -> Iterator[str]:
    if facts.requester is None:
        yield "fact 'requester' is missing"


def _refused(facts: LetterFacts) -> Iterator[str]:
    if not facts.rights:
        yield "fact 'rights' is missing"


_FURTHER: Mapping[str, Callable[[LetterFacts], Iterator[str]]] = {
    ACCESS_EXPORT: _export,
    LetterKind.NOTHING_FOUND: _nothing_found,
    LetterKind.UPDATE_DONE: _updated,
    LetterKind.RESTRICTION_DONE: _changed,
    LetterKind.ERASURE_DONE: _erased,
    LetterKind.ERASURE_PARTLY: _erased_partly,
    LetterKind.REFUSAL: _refused,
    LetterKind.EXTENSION: _refused,
    LetterKind.MANDATE_REQUEST: _mandate,
}
