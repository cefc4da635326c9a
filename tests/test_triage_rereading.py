"""Judged again: what the encoder hears is weighed together with the rules and the other opinions."""

from dsar.mime import read_mail
from dsar.model import Right
from dsar.triage.facts import Facts, read_facts
from dsar.triage.signs import BY_ENCODER

_HEAD = "From: Anna Ek <anna.ek@mejl.example>\nMessage-ID: <1@x>\nContent-Type: text/plain; charset=utf-8\n"
#: Sentences of business, of which a mail of any length can be made.
_BUSINESS = (
    "Kaffemaskinen på plan {} läcker igen och teknikern kom inte i tisdags som han lovade.",
    "Skrivbordet i rum {} går inte längre att höja, vi tror att motorn är trasig.",
    "Kan ni samtidigt ta med fyra svarta toner till skrivaren på plan {}?",
    "Faktura {} är betald sedan förra veckan, så påminnelsen kan ni bortse från.",
)


def facts(text: str, *, subject: str = "Hej", head: str = "") -> Facts:
    return read_facts(read_mail(f"{_HEAD}{head}Subject: {subject}\n\n{text}".encode()), "xelent.se")


def test_what_all_hear_is_certain() -> None:
    assert facts("Hej! Jag vill att ni raderar alla mina personuppgifter. Mvh Anna Ek").certainty > 0.93


def test_what_only_the_encoder_hears_is_found_with_its_sentence() -> None:
    found = facts("Je voudrais que plus rien chez vous ne se souvienne de moi. Stina Ek, Varberg, kundnummer 40112")
    assert Right.ERASE not in found.first.wanted
    assert found.wanted[Right.ERASE].reason == BY_ENCODER
    assert found.wanted[Right.ERASE].evidence == "Je voudrais que plus rien chez vous ne se souvienne de moi."


def test_a_sentence_that_denies_a_right_is_no_evidence_of_it() -> None:
    found = facts("Jag vill inte att ni raderar mina uppgifter. Skicka en kopia på dem i stället.")
    assert {right.value for right in found.wanted} == {"access"}


def test_what_a_list_sent_is_not_read_again() -> None:
    letter = facts("Radera ditt konto när du vill.", head="List-Unsubscribe: <https://news.example/u>\n")
    assert letter.heard is None
    assert letter.judged == letter.first


def test_so_few_words_are_not_read_again() -> None:
    assert facts("Radera inte mina uppgifter.").heard is None


def test_a_wish_is_heard_below_much_else() -> None:
    business = " ".join(sentence.format(number) for number in range(3) for sentence in _BUSINESS)
    assert [*facts(f"{business} Radera allt ni har om mig.").wanted] == [Right.ERASE]


def test_a_long_mail_is_heard_to_its_end() -> None:
    business = " ".join(sentence.format(number) for number in range(6) for sentence in _BUSINESS)  # two windows
    heard = facts(f"{business} Radera allt ni har om mig.").heard
    assert heard is not None
    assert len(heard.sentences) == 26
    assert heard.most("erase") > 0


def test_where_the_encoder_has_not_read_to_the_end_the_second_opinion_must_hear_nothing_either() -> None:
    business = " ".join(
        f"{sentence.format(number)[:-1]}, som ni vet." for number in range(14) for sentence in _BUSINESS
    )
    found = facts(f"{business} Radera allt ni har om mig.")
    assert found.heard is not None
    assert (found.heard.whole, found.heard.any_right < -1) == (False, True)
    assert not found.hears_no_right
