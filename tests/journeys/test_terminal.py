"""
A newcomer at a terminal handles one case of each kind, from queue to sent letter, by what the screen says alone.

The screens are kept in screens/*.txt; `DSAR_KEEP_SCREENS=1` writes them anew.
"""

import re

import pytest
from servers import Fault, SmtpSink

from .company import Company, body
from .terminal import CAME, Terminal, is_kept
from .test_access import REQUEST

pytestmark = pytest.mark.journey

PETER, MARIA, JOHN = "peter.sandberg@example.se", "maria.oberg@example.se", "john.whitfield@example.com"

ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nPeter Sandberg\n"
UPDATE = (
    "Hej,\n\njag har bytt telefonnummer. Mitt gamla nummer är 070-1740608 och mitt nya är 070-174 06 99. "
    "Kan ni ändra det hos er?\n\n/Maria Öberg\n"
)
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"

APPROVE = "approve the letter, with the plan if there is one; asks for the reference"


def comes(company: Company, sender: str, text: str) -> None:
    """A mail arrives, and the program does its part."""
    company.write(sender, text, arrives=CAME)
    with Terminal(company, "poll") as terminal:
        terminal.ends()


def queued(company: Company) -> str:
    """The queue as the newcomer sees it first."""
    with Terminal(company, "queue", NO_COLOR="1") as terminal:
        return terminal.ends()


def approves(terminal: Terminal) -> None:
    """Press the key that approves, and type the reference that the screen names."""
    terminal.presses("a", APPROVE)
    terminal.answers("Type D-2026-00001 to confirm", "D-2026-00001")


def test_access_with_records_that_may_be_a_namesakes(company: Company) -> None:
    comes(company, f"Peter Sandberg <{PETER}>", ACCESS)
    screens = queued(company)
    assert "'dsar review' walks through what waits for a person" in screens

    with Terminal(company, "review", NO_COLOR="1") as terminal:
        terminal.presses("c", "decide which candidates are about the person")
        terminal.answers("Numbers of the candidates", "")
        terminal.answers("Are they about this person", "n")
        approves(terminal)
        screens += terminal.ends()

    is_kept("access", screens)
    assert len(company.letters_to(PETER)) == 2, "the acknowledgement and the answer"


def test_update_after_a_call_to_the_number_on_file(company: Company) -> None:
    comes(company, f"Maria Öberg <{MARIA}>", UPDATE)
    screens = queued(company)
    assert "identity is L1, L2 is needed" in re.sub(r"\s+", " ", screens)

    with Terminal(company, "review", NO_COLOR="1") as terminal:
        terminal.presses("v", "record that you made sure who asks")
        terminal.answers("How did you make sure", "call_back")
        terminal.answers("Number that you called", "070-1740608")
        terminal.answers("Proven e-mail address", "")
        approves(terminal)
        screens += terminal.ends()

    is_kept("update", screens)
    assert "ändrat" in body(company.letters_to(MARIA)[-1])


def test_erase(company: Company) -> None:
    comes(company, f"John Whitfield <{JOHN}>", ERASE)
    screens = queued(company)

    with Terminal(company, "review", NO_COLOR="1") as terminal:
        approves(terminal)
        screens += terminal.ends()

    is_kept("erase", screens)
    assert "erased" in body(company.letters_to(JOHN)[-1])


def test_a_line_of_the_plan_is_left_to_a_person(company: Company) -> None:
    comes(company, f"John Whitfield <{JOHN}>", ERASE)
    company.dsar("check", "--clock-is-right")
    company.ok("poll")

    shown = company.ok("review", stdin="l\n3\ntask\nIt names his employer, too.\nq\n").out

    assert "The letter is made anew." in shown
    assert "[3] Note 2: a person does it" in company.ok("show", "D-2026-00001", "--plan").out


def test_of_two_uncertain_mails_each_is_asked_about(company: Company, smtp_sink: SmtpSink) -> None:
    """The server lost the acknowledgement, and took the answer."""
    smtp_sink.faults.append(Fault.CUT_BEFORE_STORING)
    comes(company, f"Maria Öberg <{MARIA}>", REQUEST)
    smtp_sink.faults.append(Fault.CUT_AFTER_STORING)
    with Terminal(company, "review", NO_COLOR="1") as terminal:
        approves(terminal)
        terminal.presses("r", "decide about what is blocked")
        terminal.answers("Did the mail leave", "n")
        terminal.answers("Type D-2026-00001 to confirm", "D-2026-00001")
        terminal.answers("Did the mail leave", "y")
        terminal.answers("Type D-2026-00001 to confirm", "D-2026-00001")
        shown = terminal.ends()

    assert re.findall(r"Mail \d \((\w+), <", shown) == ["acknowledgement", "access_answer"]
    assert len(company.letters_to(MARIA)) == 2, "each once"


def test_the_same_in_swedish(company: Company) -> None:
    """By the locale of who calls; keys and references are the same."""
    comes(company, f"Maria Öberg <{MARIA}>", UPDATE)
    with Terminal(company, "queue", locale="sv_SE.UTF-8", NO_COLOR="1") as terminal:
        screens = terminal.ends()
    assert "'dsar review' går igenom det som väntar på en person" in screens

    with Terminal(company, "review", locale="sv_SE.UTF-8", NO_COLOR="1") as terminal:
        terminal.presses("v", "anteckna att du har styrkt vem som frågar", prompt="Tangent")
        terminal.answers("Hur styrkte du det", "call_back")
        terminal.answers("Nummer som du ringde", "070-1740608")
        terminal.answers("Styrkt e-postadress", "")
        terminal.presses("a", "godkänn brevet", prompt="Tangent")
        terminal.answers("Skriv D-2026-00001 för att bekräfta", "D-2026-00001")
        screens += terminal.ends()

    is_kept("swedish", screens)
    assert "ändrat" in body(company.letters_to(MARIA)[-1])


def test_colour_says_nothing_that_the_words_do_not(company: Company) -> None:
    """Without its escape sequences a coloured screen is the same, and NO_COLOR leaves none."""
    comes(company, f"John Whitfield <{JOHN}>", ERASE)
    shown = {}
    for name, environ in {"colour": {}, "none": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        with Terminal(company, "review", **environ) as terminal:
            terminal.presses("q", "quit")
            shown[name] = (terminal.ends(), terminal.raw)

    assert "\x1b[" in shown["colour"][1]
    assert "\x1b[" not in shown["none"][1] + shown["dumb"][1]
    assert shown["colour"][0] == shown["none"][0] == shown["dumb"][0]


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_table_without_colour_is_columns_of_text(company: Company, environ: dict[str, str]) -> None:
    """No escape sequence and no drawn line, which a screen reader would read out; in 80 columns as ever."""
    comes(company, f"John Whitfield <{JOHN}>", ERASE)
    with Terminal(company, "show", "D-2026-00001", "--timeline", **environ) as terminal:
        shown = terminal.ends()
        raw = terminal.raw
    assert "case_opened" in shown
    assert ("\x1b[" in raw, "─" in shown) == (False, False)
    assert max(map(len, shown.splitlines())) <= 80


def test_a_long_work_tells_how_far_it_is_on_a_terminal_only(company: Company) -> None:
    """And takes it back: the screen, and what a pipe gets, hold the result alone."""
    search = ("search", "--email", JOHN)
    with Terminal(company, *search) as terminal:
        shown = terminal.ends()

    assert "Searching the systems [####################] 2/2" in terminal.passing
    assert "Searching" not in shown
    assert company.ok(*search).err == ""
