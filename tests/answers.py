"""
What an access answer must hold, read from its PDF as the eye and as a screen reader get it.

Fields are numbered as in docs/law-map.md: F01 to F10 frame, D01 to D14 data, I01 to I15 information.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Field -> words by which it is known in the Swedish answer of every person whom it concerns.
_KNOWN_BY = {
    "F01": ("Svar på din begäran om tillgång",),
    "F02": ("Xelent Office Sweden AB", "556402-9584", "Annebergsvägen 1B", "432 48 Varberg", "gdpr@xelent.example"),
    "F03": ("Dataskyddsombud",),
    "F04": ("Begäran kom in", "Så har vi uppfattat den"),
    "F05": ("Uppgifterna visar läget",),
    "F06": ("Ja, vi behandlar personuppgifter om dig",),
    "F07": ("Vi har sökt på",),
    "F08": ("Här har vi sökt",),
    "F09": ("Det här har vi utelämnat", "artikel 15.4"),
    "F10": ("Det du också bad om", "få dina uppgifter raderade"),
    "D01": ("kontaktuppgift",),
    "D02": (),
    "D03": (),
    "D04": (),
    "D05": (),
    "D06": ("[utelämnat: namn]",),
    "D07": (),
    "D08": (),
    "D09": (),
    "D10": (),
    "D11": (),
    "D12": (),
    "D13": (),
    "I01": ("Ändamål:",),
    "I02": ("Rättslig grund:",),
    "I03": ("Kategorier av uppgifter:",),
    "I04": ("Mottagare", "Hallands Affärsdrift AB"),
    "I05": ("Så länge sparar vi dem:",),
    "I06": ("Rättelse:", "Radering:", "Begränsning:", "Invändning:"),
    "I07": ("Du kan alltid säga nej till direkt marknadsföring",),
    "I08": ("Dataportabilitet:", "Återkalla samtycke:"),
    "I09": ("Integritetsskyddsmyndigheten (IMY), Box 8114, 104 20 Stockholm",),
    "I10": ("tingsrätt",),
    "I11": ("Varifrån de kommer:",),
    "I12": ("Automatiserade beslut:",),
    "I13": ("Överföring till länder utanför EU/EES",),
    "I14": ("Uppgifterna i din begäran använder vi bara",),
    "I15": ("Du kan svara på det här meddelandet",),
}


def fields(about: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Field -> all that it must say, with what it says *about* one person; D14 is the machine-readable copy."""
    assert set(about) <= set(_KNOWN_BY)
    wanted = {name: (*words, *about.get(name, ())) for name, words in _KNOWN_BY.items()}
    assert all(wanted.values()), [name for name, words in wanted.items() if not words]
    return wanted


def said_by(*command: str | Path) -> str:
    done = subprocess.run([*command], capture_output=True, check=True, text=True)
    return " ".join(done.stdout.split())


def seen(document: Path) -> str:
    """The answer as the eye meets it."""
    return said_by("pdftotext", document, "-").casefold()


def heard(document: Path) -> str:
    """
    The answer by the structure of the document, as a screen reader goes through it, without spaces.

    Poppler does not read the ActualText that gives the spaces at the ends of lines; tests/test_pdf.py does.
    """
    return squeezed(said_by("pdfinfo", "-struct-text", document).replace('"', "")).casefold()


def not_seen(words: Sequence[str], text: str) -> list[str]:
    """Those of *words* that are not in what is seen."""
    return [each for each in words if each.casefold() not in text]


def not_heard(words: Sequence[str], text: str) -> list[str]:
    """Those of *words* that are not in what is heard."""
    return [each for each in words if squeezed(each).casefold() not in text]


def squeezed(text: str) -> str:
    """Without the blanks and breaks of a page's lines and columns."""
    return "".join(text.split())
