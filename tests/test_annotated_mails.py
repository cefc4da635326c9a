"""The annotated mails that the weights of triage are learned from: lines and head agree, and no request is lost."""

from pathlib import Path

import pytest
from annotated_mails import FOLDER, AnnotatedMail, MalformedMailError, read_annotated

from dsar.model import SenderAuthentication
from dsar.triage import triage

NOISE = {"not_request", "bounce", "auto_reply"}


def test_lines_of_every_mail_exercise_what_its_head_says() -> None:
    assert len(read_annotated()) > 1000  # reading refuses a mail whose lines say otherwise


def test_mail_whose_lines_say_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sv.txt").write_text("=== sv request self access\nS Hej\ne Radera mig.\n", encoding="utf-8")
    with pytest.raises(MalformedMailError):
        read_annotated(tmp_path)


def test_mail_is_read_with_subject_lines_and_classes(tmp_path: Path) -> None:
    (tmp_path / "sv.txt").write_text("=== sv request self erase\nS Konto\nn Hej!\ne Radera mig.\n", encoding="utf-8")
    mail = read_annotated(tmp_path)["sv:1"]
    assert (mail.mail.subject, mail.mail.own_text) == ("Konto", "Hej!\nRadera mig.")
    assert mail.lines == ((frozenset(), "Hej!"), (frozenset({"erase"}), "Radera mig."))


def test_subject_that_asks_for_something_has_letters_too(tmp_path: Path) -> None:
    (tmp_path / "sv.txt").write_text("=== sv request self erase\nSe Radera mig\nn Hej!\n", encoding="utf-8")
    mail = read_annotated(tmp_path)["sv:1"]
    assert (mail.subject, mail.of_subject) == ("Radera mig", frozenset({"erase"}))


def _is_lost(mail: AnnotatedMail) -> bool:
    return triage(mail.mail, sender_authentication=SenderAuthentication.NONE).disposition.value in NOISE


def test_no_request_is_filed_as_noise() -> None:
    """Of an eighth of those that the encoder has not learned from; all of them would take many minutes."""
    some = {*(FOLDER.parent / "unseen_by_encoder.txt").read_text(encoding="utf-8").split()[::8]}
    requests = [mail for name, mail in read_annotated().items() if name in some and mail.disposition == "request"]
    assert [mail.name for mail in requests if _is_lost(mail)] == []
