"""
Other rights of the same matter -> what an access answer says became of them.

Effects: none.
"""

from collections.abc import Mapping
from datetime import date

from dsar.letters.environment import said
from dsar.letters.words import WISHES
from dsar.lifecycle import Outcome
from dsar.model import Right, Text

#: How it ended, after "Du bad om att ...: ".
_ENDED: Mapping[Outcome, Text] = {
    Outcome.FULFILLED: Text(sv="klart den {day}", en="done on {day}"),
    Outcome.PARTLY: Text(sv="delvis klart den {day}", en="partly done on {day}"),
    Outcome.NOTHING_FOUND: Text(sv="vi hade inga sådana uppgifter ({day})", en="we held no such data ({day})"),
    Outcome.REFUSED: Text(
        sv="vi har sagt nej, med skäl, i ett eget brev den {day}",
        en="we have said no, with reasons, in a letter of its own on {day}",
    ),
    Outcome.UNIDENTIFIED: Text(
        sv="vi kunde inte bekräfta vem som bad om det ({day})", en="we could not confirm who asked for it ({day})"
    ),
    Outcome.WITHDRAWN: Text(sv="du har tagit tillbaka det ({day})", en="you have taken it back ({day})"),
}
_ASKED = Text(sv="Att {wish}: {how}.", en="{wish}: {how}.")
_OPEN = Text(
    sv="svaret kommer i ett eget brev, senast den {day}", en="the answer comes in a letter of its own, by {day}"
)


def outcome_words(right: Right, outcome: Outcome, on: date, language: str) -> str:
    """A request that has ended, in "sv" or "en"."""
    return _line(right, _ENDED[outcome], on, language)


def open_words(right: Right, by: date, language: str) -> str:
    """A request that is not answered yet. Args: by: the date that letters name."""
    return _line(right, _OPEN, by, language)


def _line(right: Right, how: Text, day: date, language: str) -> str:
    told = how.in_language(language).format(day=said(day, language))
    wish = WISHES[right].in_language(language)
    line = _ASKED.in_language(language).format(wish=wish, how=told)
    return line[:1].upper() + line[1:]
