"""Approved mails go from every folder, and nothing else does."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from postroom import connect, found, mail
from servers import DovecotServer

from dsar.errors import SystemContractError
from dsar.model import IdentifierType, PlanStep, StepAction

ERIK = "erik.lindqvist@example.se"


def _steps(server: DovecotServer, user: str) -> Sequence[PlanStep]:
    connector = connect(server, user, changes="on")
    steps: Sequence[PlanStep] = connector.plan_erase(found(connector, IdentifierType.EMAIL, ERIK))
    return steps


def test_a_mail_is_removed_and_its_neighbours_stay(dovecot_server: DovecotServer, mail_user: str) -> None:
    for text in ("Före", ERIK, "Efter"):
        dovecot_server.append(mail(text), mail_user)
    connector = connect(dovecot_server, mail_user, changes="on")
    (step,) = _steps(dovecot_server, mail_user)

    connector.apply(step, key="case-1")

    assert connector.verify(step).done
    assert dovecot_server.count(mail_user) == 2


def test_what_its_owner_has_only_marked_as_deleted_is_not_taken_along(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    for text in ("Markerat", ERIK):
        dovecot_server.append(mail(text), mail_user)
    with dovecot_server.session(mail_user) as client:
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Deleted)")
    connector = connect(dovecot_server, mail_user, changes="on")
    (step,) = _steps(dovecot_server, mail_user)

    connector.apply(step, key="case-1")

    assert dovecot_server.count(mail_user) == 1


def test_a_mail_that_was_moved_after_the_approval_is_not_called_erased(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(mail(ERIK), mail_user)
    (step,) = _steps(dovecot_server, mail_user)
    with dovecot_server.session(mail_user) as client:
        client.create("Papperskorg")
        client.select("INBOX")
        client.copy("1", "Papperskorg")
        client.store("1", "+FLAGS", r"(\Deleted)")
        client.expunge()
    connector = connect(dovecot_server, mail_user, changes="on")

    assert not connector.verify(step).done
    connector.apply(step, key="case-1")

    assert connector.verify(step).done
    assert dovecot_server.count(mail_user, "Papperskorg") == 0


def test_a_mail_of_which_the_server_tells_another_size_now_is_found_and_removed(
    dovecot_server: DovecotServer, mail_user: str
) -> None:
    dovecot_server.append(mail(ERIK), mail_user)
    connector = connect(dovecot_server, mail_user, changes="on")
    (step,) = _steps(dovecot_server, mail_user)
    place, _, digest = step.key.rpartition(".")
    then = replace(step, key=f"{place}7.{digest}")  # its size began with the same digits and was ten times as large

    assert not connector.verify(then).done
    connector.apply(then, key="case-1")

    assert connector.verify(then).done
    assert dovecot_server.count(mail_user) == 0


def test_a_folder_that_is_gone_proves_no_erasure(dovecot_server: DovecotServer, mail_user: str) -> None:
    with dovecot_server.session(mail_user) as client:
        client.create("Kunder")
    dovecot_server.append(mail(ERIK), mail_user, "Kunder")
    (step,) = _steps(dovecot_server, mail_user)
    with dovecot_server.session(mail_user) as client:
        client.delete("Kunder")

    outcome = connect(dovecot_server, mail_user, changes="on").verify(step)

    assert (outcome.done, outcome.detail) == (False, "a folder that it lay in is not shown any more")


def test_a_folder_with_commas_in_its_name_is_no_missing_one(dovecot_server: DovecotServer, mail_user: str) -> None:
    with dovecot_server.session(mail_user) as client:
        client.create('"Kunder, gamla"')
    for folder in ("INBOX", '"Kunder, gamla"'):
        dovecot_server.append(mail(ERIK), mail_user, folder)
    connector = connect(dovecot_server, mail_user, changes="on")
    (step,) = _steps(dovecot_server, mail_user)

    connector.apply(step, key="case-1")

    assert connector.verify(step).done


def test_every_copy_goes_and_the_second_time_changes_nothing(dovecot_server: DovecotServer, mail_user: str) -> None:
    with dovecot_server.session(mail_user) as client:
        client.create("Kunder")
    for folder in ("INBOX", "INBOX", "Kunder"):
        dovecot_server.append(mail(ERIK), mail_user, folder)
    connector = connect(dovecot_server, mail_user, changes="on")
    (step,) = _steps(dovecot_server, mail_user)

    connector.apply(step, key="case-1")
    connector.apply(step, key="case-1")

    assert (dovecot_server.count(mail_user), dovecot_server.count(mail_user, "Kunder")) == (0, 0)
    assert connector.verify(step).done


def test_only_the_named_mailbox_is_touched(dovecot_server: DovecotServer, mail_user: str) -> None:
    other = f"{mail_user}2"
    for user in (mail_user, other):
        dovecot_server.append(mail(ERIK), user)
    connector = connect(dovecot_server, mail_user, other, changes="on")
    steps = connector.plan_erase(found(connector, IdentifierType.EMAIL, ERIK))

    connector.apply(next(step for step in steps if step.key.startswith(f"{mail_user}/")), key="case-1")

    assert (dovecot_server.count(mail_user), dovecot_server.count(other)) == (0, 1)


def test_a_step_that_is_no_erasure_is_refused(dovecot_server: DovecotServer, mail_user: str) -> None:
    dovecot_server.append(mail(ERIK), mail_user)
    (step,) = _steps(dovecot_server, mail_user)
    kept = PlanStep(
        system=step.system, object=step.object, object_label=step.object_label, key=step.key, action=StepAction.KEEP
    )

    with pytest.raises(SystemContractError, match="can be removed and not be changed"):
        connect(dovecot_server, mail_user, changes="on").apply(kept, key="case-1")

    assert dovecot_server.count(mail_user) == 1


def test_without_the_right_to_change_nothing_can_be_planned(dovecot_server: DovecotServer, mail_user: str) -> None:
    assert not hasattr(connect(dovecot_server, mail_user), "plan_erase")
