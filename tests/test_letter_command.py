"""`dsar letter`: previews with invented data, and faults of an installation's own templates by file and line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dsar.letters import compose, compose_export, markdown_of
from dsar.letters.checking import faults
from dsar.letters.rules import ACCESS_EXPORT, RULES
from dsar.letters.samples import sample_facts
from dsar.markdown import to_text
from dsar.model import Controller, LetterKind

US = Controller(
    name="Exempelbolaget AB",
    orgnr="556000-0000",
    address="Storgatan 1",
    postcode_city="432 41 Varberg",
    country="SE",
    email="integritet@example.se",
)


def dsar(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dsar", "--settings", "none.ini", "letter", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def template(folder: Path, name: str, text: str) -> Path:
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, "utf-8")
    return folder


def text_of(name: str, language: str) -> str:
    facts = sample_facts(name, language, controller=US)
    if name == ACCESS_EXPORT:
        return to_text(compose_export(language, facts))
    return to_text(markdown_of(LetterKind(name), language, facts))


# --------------------------------------------------------------------------------------------------- how it reads


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", RULES)
def test_no_letter_holds_what_was_forgotten(name: str, language: str) -> None:
    """Placeholders, double spaces, a space before a full stop, words of the program, dates that are none."""
    for line in text_of(name, language).splitlines():
        words = line.strip()
        assert not re.search(r"\{[{%]|[}%]\}|None|TODO|XXX|undefined|\bTrue\b|\bFalse\b", words), line
        assert not re.search(r" [.,;:!?](\s|$)", words), line
        assert not re.search(r"\.\.|,,|,\.|\bden den\b|\bthe the\b", words), line
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b", words), line


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", RULES)
def test_no_letter_has_two_spaces_within_a_sentence(name: str, language: str) -> None:
    facts = sample_facts(name, language, controller=US)
    if name == ACCESS_EXPORT:
        return  # tables have columns
    paragraphs = re.findall(r"<p>(.*?)</p>", compose(LetterKind(name), language, facts).html, re.DOTALL)
    assert paragraphs
    assert not [each for each in paragraphs if "  " in each]


@pytest.mark.parametrize("name", RULES)
def test_every_date_is_one_of_the_facts(name: str) -> None:
    """A letter names the statutory date as it is, never one that was moved past a weekend."""
    facts = sample_facts(name, "sv", controller=US)
    months = "januari februari mars april maj juni juli augusti september oktober november december".split()  # noqa: SIM905
    said = re.findall(rf"\b(\d{{1,2}}) ({'|'.join(months)}) (\d{{4}})", text_of(name, "sv"))
    known = {value for value in vars(facts).values() if hasattr(value, "isoformat")}
    known |= {line.searched_on for line in facts.coverage or ()} | {each.read_at.date() for each in facts.records or ()}
    known |= {each.step.until for each in facts.outcomes or () if each.step.until}
    for day, month, year in said:
        told = (int(year), months.index(month) + 1, int(day))
        assert told in {(each.year, each.month, each.day) for each in known} or told == (2029, 12, 31)


# -------------------------------------------------------------------------------------------------------- preview


def test_preview_shows_a_letter_without_settings(tmp_path: Path) -> None:
    done = dsar("preview", "refusal", "--lang", "en", folder=tmp_path)
    assert done.returncode == 0
    assert "district court (tingsrätt)" in " ".join(done.stdout.split())


def test_preview_writes_a_pdf(tmp_path: Path) -> None:
    assert dsar("preview", "access_export", "--format", "pdf", "--out", "svar.pdf", folder=tmp_path).returncode == 0
    assert (tmp_path / "svar.pdf").read_bytes().startswith(b"%PDF-1.7")


def test_preview_of_what_does_not_exist_lists_what_does(tmp_path: Path) -> None:
    done = dsar("preview", "svar", folder=tmp_path)
    assert done.returncode == 2
    assert "acknowledgement" in done.stderr


# ---------------------------------------------------------------------------------------------------------- check


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("sv/question.md.j2", "Hej\n{% if %}\n", "sv/question.md.j2:2: "),
        ("sv/question.md.j2", "Hej\n\n{{ persn_name }}\n", "sv/question.md.j2:3: there is no fact 'persn_name'"),
        ("sv/brev.md.j2", "Hej\n", "sv/brev.md.j2:1: no letter has this name"),
        (
            "sv/_court.md.j2",
            "Du kan inte göra något.\n",
            "sv/_court.md.j2:1: the block 'court' must not be changed or left out",
        ),
        ("en/refusal.md.j2", '{% include "en/_head.md.j2" %}\n', "en/refusal.md.j2:1: the block 'imy' must not"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    found = faults(template(tmp_path, name, text), controller=US)
    assert any(told in fault for fault in found), found


def test_a_block_that_was_left_out_is_told_at_the_line_where_it_stood(tmp_path: Path) -> None:
    import letter_templates

    shipped = (Path(letter_templates.__file__).parent / "sv" / "refusal.md.j2").read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(shipped) if "_court.md.j2" in line)
    template(tmp_path, "sv/refusal.md.j2", "\n".join(shipped[:at] + shipped[at + 1 :]))
    template(tmp_path, "sv/_contact.md.j2", (Path(letter_templates.__file__).parent / "sv/_contact.md.j2").read_text())

    assert faults(tmp_path, controller=US) == [
        f"sv/refusal.md.j2:{at + 1}: the block 'court' must not be changed or left out"
    ]


def test_an_unknown_fact_is_found_in_a_branch_that_the_sample_does_not_take(tmp_path: Path) -> None:
    head = '{% extends "sv/_frame.md.j2" %}\n{% block body %}\n'
    text = head + "{% if clock_paused %}\n{{ nonsens }}\n{% endif %}\n{% endblock %}"
    assert faults(template(tmp_path, "sv/question.md.j2", text), controller=US) == [
        "sv/question.md.j2:4: there is no fact 'nonsens'"
    ]


def test_copies_of_the_shipped_templates_are_in_order(tmp_path: Path) -> None:
    import letter_templates

    for language in ("sv", "en"):
        for source in (Path(letter_templates.__file__).parent / language).glob("*.j2"):
            template(tmp_path, f"{language}/{source.name}", source.read_text("utf-8"))
    assert faults(tmp_path, controller=US) == []


def test_check_exits_1_on_a_fault(tmp_path: Path) -> None:
    template(tmp_path / "own", "sv/question.md.j2", "{{ nonsens }}")
    done = dsar("check", "own", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "sv/question.md.j2:1: there is no fact 'nonsens'\n")
