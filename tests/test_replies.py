"""What a colleague's words mean: plain ones are taken, whatever could be two things is nobody's to guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.casework.desks import CANNOT, DONE, HELD, NOTHING
from dsar.casework.replies import Meaning, meaning, split
from dsar.mime import read_mail

REFERENCE, OTHER = "TASK-7K3MX9Q2XA", "TASK-4HJKM8NPQR"
FILE = (("kort.csv", b"Namn\nMaria\n"),)


@pytest.mark.parametrize(
    "text",
    [
        "saknas",
        "Saknas.",
        "Hej!\n\nSaknas hos oss.",
        "Hej Anna,\nFinns inte här",
        "Hej alla på dataskydd!\nSaknas",
        "Hej Anna-Lena Berg\nIngenting",
        "Hello data protection team,\nNone found",
        "Nej",
        "Saknas hos oss i Varberg, tyvärr.",
        "Vi har inget om henne.",
        "Jag hittar ingenting",
        "*saknas*",
        "nothing",
        "Hello,\n\nNothing found.",
        "We don't have anything",
        "No data",
    ],
)
def test_nothing(text: str) -> None:
    assert meaning(text, kind="search") == Meaning(word=NOTHING)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("finns: Maria, 070-111 22 33", "Maria, 070-111 22 33"),
        ("Hej!\nFinns: kund sedan 2019", "kund sedan 2019"),
        ("found: a card with her phone", "a card with her phone"),
        ("maria.oberg@example.se står i min telefon", "maria.oberg@example.se står i min telefon"),
        ("Namn: Maria\nTelefon: 070-174 06 08", "Namn: Maria\nTelefon: 070-174 06 08"),
    ],
)
def test_held(text: str, held: str) -> None:
    assert meaning(text, kind="search") == Meaning(word=HELD, text=held)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Tack för mejlet",
        "Jag återkommer i morgon",
        "Saknas hos mig, men Lisa kanske har något",
        "Nej, fråga ekonomi",
        "Vem är det?",
        "Nej vänta",
        "Inget nytt, återkommer",
        "saknas?",
        "Ja",
        "Finns det något särskilt ni letar efter?",
        "Nej, vi har henne här",
        "No, I found her here",
        "Hej, Maria Öberg finns hos oss\nInget i telefonen",  # what stands beside a greeting is no part of it
        "Hej, det står en del i pärmen\nNej",
        "Hello, she is in our binder\nNothing",
    ],
)
def test_nobody_can_tell(text: str) -> None:
    assert meaning(text, kind="search").word == ""


def test_a_file_is_an_answer_and_a_contradiction_is_none() -> None:
    assert meaning("Här kommer vårt kort", kind="search", files=FILE) == Meaning(word=HELD, files=FILE)
    assert meaning("saknas", kind="search", files=FILE).word == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("klart", DONE),
        ("Klart, kortet är rivet.", DONE),
        ("Hej!\n\nJag har tagit bort kortet", DONE),
        ("done", DONE),
        ("finns inte", NOTHING),  # it is gone already
        ("går inte: den ligger i arkivet", CANNOT),
        ("Det går inte, vi måste ha kvar den", CANNOT),
        ("cannot: it is in the archive", CANNOT),
        ("Klart, men inte pärmen", ""),
        ("klart?", ""),
        ("Är det klart att jag ska göra det?", ""),
        ("inte klart", ""),
        ("nej", ""),
        ("Nej vänta", ""),
        ("Klart i morgon", ""),
        ("Klart på två av tre", ""),
        ("Raderat hälften", ""),
        ("Done with one of them", ""),
        ("Ska titta på det sen", ""),
    ],
)
def test_changes(text: str, word: str) -> None:
    assert meaning(text, kind="erase").word == word


@given(st.text(max_size=400))
def test_whatever_is_written_is_one_of_the_answers_or_none(text: str) -> None:
    assert meaning(text, kind="search").word in {NOTHING, HELD, ""}
    assert meaning(text, kind="erase").word in {DONE, CANNOT, NOTHING, ""}


def parts(text: str) -> tuple[str, dict[str, str]]:
    content = f"From: karin@xelent.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()
    return split(read_mail(content, own_domain="xelent.example"))


def test_words_stand_under_their_reference() -> None:
    text = f"Hej\n{REFERENCE} saknas\n{OTHER}: finns: Maria,\n070-111 22 33\n"
    assert parts(text) == ("Hej", {REFERENCE: "saknas", OTHER: "finns: Maria,\n070-111 22 33"})


def test_an_answer_between_quoted_lines_belongs_to_what_it_stands_below() -> None:
    text = (
        f"Den 26 nov. 2026 09:12 skrev Xelent:\n> {REFERENCE}  Kontoret\n>   Vad har du om Maria?\n\nsaknas\n\n"
        f"> {OTHER}  Kontoret\n\nfinns: John\n"
    )
    assert parts(text) == ("", {REFERENCE: "saknas", OTHER: "finns: John"})


def test_what_is_only_quoted_is_no_answer() -> None:
    text = f"saknas\n\nDen 26 nov. 2026 09:12 skrev Xelent:\n> {REFERENCE}  Kontoret\n>   finns: följt av det du har\n"
    assert parts(text) == ("saknas", {})


@given(
    st.lists(
        st.sampled_from(["saknas", "> saknas", REFERENCE, f"> {OTHER}", "", "Den 3 mars 2026 skrev X:"]), max_size=12
    )
)
def test_no_own_word_is_lost(lines: list[str]) -> None:
    loose, words = parts("\n".join(lines))
    own = read_mail("\n".join(["From: a@b.example", "", *lines]).encode(), own_domain="xelent.example").own_text
    assert " ".join([loose, *words.values()]).count("saknas") == own.count("saknas")
