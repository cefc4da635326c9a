"""What an approval binds, and who may give one."""

from dataclasses import replace
from datetime import date

import pytest

from dsar.approval import Role, binding, changed_parts, check_may_approve, sha256_of_plan, still_holds
from dsar.errors import NotPermittedError
from dsar.model import Annex, FieldChange, Letter, LetterKind, PlanStep, Right, StepAction, Text

LETTER = Letter(
    kind=LetterKind.ACCESS_ANSWER,
    language="sv",
    subject="Ärende D-2026-00042",
    text="Hej Anna,\n",
    html="<p>Hej Anna,</p>",
    annexes=(Annex(filename="D-2026-00042.pdf", content_type="application/pdf", content=b"%PDF-1.7"),),
    template_sha256="0" * 64,
)
STEP = PlanStep(
    system="shop",
    object="customer",
    object_label=Text(sv="Kund", en="Customer"),
    key="17",
    action=StepAction.UPDATE,
    changes=(FieldChange(path="email", label=Text(sv="E-post", en="E-mail"), before="a@kund.se", after="b@kund.se"),),
    until=date(2033, 12, 31),
)


def _binding(
    letter: Letter = LETTER,
    recipient: str = "anna@kund.se",
    channel: str = "mail",
    plan: tuple[PlanStep, ...] = (STEP,),
    mime: str = "1" * 64,
) -> dict[str, str]:
    return binding(letter, recipient=recipient, channel=channel, plan_sha256=sha256_of_plan(plan), mime_sha256s=[mime])


def _annexes(**changes: object) -> Letter:
    return replace(LETTER, annexes=(replace(LETTER.annexes[0], **changes),))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------ binding


def test_an_approval_holds_while_nothing_changes() -> None:
    assert still_holds(_binding(), _binding())


@pytest.mark.parametrize(
    ("current", "changed"),
    [
        (_binding(replace(LETTER, subject="Ärende D-2026-00043")), "subject"),
        (_binding(replace(LETTER, text="Hej Anna!\n")), "text"),
        (_binding(replace(LETTER, html="<p>Hej Anna!</p>")), "html"),
        (_binding(_annexes(content=b"%PDF-1.7 ")), "annexes"),
        (_binding(_annexes(filename="D-2026-00043.pdf")), "annexes"),
        (_binding(replace(LETTER, annexes=())), "annexes"),
        (_binding(recipient="Anna@kund.se"), "recipient"),
        (_binding(channel="post"), "channel"),
        (_binding(plan=()), "plan"),
        (_binding(mime="2" * 64), "mime"),
    ],
)
def test_any_change_voids_it_and_is_named(current: dict[str, str], changed: str) -> None:
    assert not still_holds(_binding(), current)
    assert changed_parts(_binding(), current) == (changed,)


def test_a_part_that_was_never_approved_voids_it() -> None:
    assert changed_parts({}, {"plan": "none"}) == ("plan",)


def test_the_binding_holds_no_personal_data() -> None:
    """Not even the hash of the bare address, from which it could be guessed."""
    assert not any("anna" in value.lower() for value in _binding().values())
    other_text = replace(LETTER, text="Hello,\n")
    assert _binding()["recipient"] != _binding(other_text)["recipient"]


# --------------------------------------------------------------------------------------------------------- plan


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (STEP, STEP),
        (replace(STEP, key="18"),),
        (replace(STEP, action=StepAction.ERASE),),
        (replace(STEP, changes=()),),
        (replace(STEP, changes=(replace(STEP.changes[0], after=None),)),),
        (replace(STEP, changes=(replace(STEP.changes[0], after="None"),)),),
        (replace(STEP, until=None),),
        (replace(STEP, document_sha256="a" * 64),),
    ],
)
def test_another_plan_has_another_hash(steps: tuple[PlanStep, ...]) -> None:
    assert sha256_of_plan(steps) != sha256_of_plan([STEP])


def test_the_order_of_steps_is_part_of_the_plan() -> None:
    other = replace(STEP, key="18")
    assert sha256_of_plan([STEP, other]) != sha256_of_plan([other, STEP])


def test_the_hash_of_a_plan_stays_the_same_from_release_to_release() -> None:
    """Plans that were approved before an upgrade must still match after it."""
    assert sha256_of_plan([STEP]) == "935c50d8bb64b3e4454ff00d509dffda2242867809b61d2b75163e6dbefe4c2b"


def test_values_with_broken_characters_have_a_hash() -> None:
    assert sha256_of_plan([replace(STEP, key="\udcff")]) != sha256_of_plan([STEP])


# ---------------------------------------------------------------------------------------------------- permission


@pytest.mark.parametrize("role", [Role.APPROVER, Role.ADMIN])
def test_approvers_and_admins_approve_what_they_prepared_themselves(role: Role) -> None:
    check_may_approve("eva", roles=[role], authors=["eva"], right=Right.ACCESS, high_risk=False, single_approver=False)


def test_a_handler_approves_nothing() -> None:
    with pytest.raises(NotPermittedError, match="eva may not approve: the role approver or admin is needed"):
        check_may_approve(
            "eva", roles=[Role.HANDLER], authors=[], right=Right.ACCESS, high_risk=False, single_approver=True
        )


FOUR_EYES = [
    (Right.ERASE, False, False, "an erasure"),
    (Right.ACCESS, True, False, "an answer of high risk"),
    (Right.UPDATE, False, True, "a refusal"),
    (Right.ERASE, True, True, "a refusal"),
]


@pytest.mark.parametrize(("right", "high_risk", "refusal", "what"), FOUR_EYES)
def test_erasure_refusal_and_high_risk_need_two_people(
    right: Right, *, high_risk: bool, refusal: bool, what: str
) -> None:
    with pytest.raises(NotPermittedError, match=f"{what} needs a second person"):
        check_may_approve(
            "eva",
            roles=[Role.APPROVER],
            authors=["olle", "Eva"],
            right=right,
            high_risk=high_risk,
            single_approver=False,
            refusal=refusal,
        )


@pytest.mark.parametrize(("authors", "single_approver"), [(["olle"], False), ([], False), (["eva"], True)])
def test_a_second_author_the_program_or_the_setting_satisfies_that(
    authors: list[str], *, single_approver: bool
) -> None:
    for right, high_risk, refusal, _ in FOUR_EYES:
        check_may_approve(
            "eva",
            roles=[Role.APPROVER],
            authors=authors,
            right=right,
            high_risk=high_risk,
            single_approver=single_approver,
            refusal=refusal,
        )
