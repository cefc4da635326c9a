"""
The demo that has run -> what a newcomer may open and type next.

Effects: none.
"""

from dataclasses import dataclass

from dsar.demo.servers import PRIVACY, MailServer
from dsar.demo.telling import commands, paragraph, table
from dsar.demo.world import World

#: Who wrote new-mail.eml; the envelope has to name the same domain.
_NEW_SENDER = "bjorn_ogren@example.se"


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Words before and after the story."""

    world: World
    server: MailServer
    program: str  #: How the program is called from this folder.

    def introduction(self) -> str:
        """What is about to happen, and where."""
        words = paragraph(
            "Everything here happens on this machine, and everybody in it is invented. The mail servers and the "
            "systems are small but real, and what works on them is dsar itself. At the right of each heading stands "
            "the command that does the same."
        )
        places = (
            ("Mail", f"IMAP on 127.0.0.1:{self.server.imap_port}, SMTP on 127.0.0.1:{self.server.smtp_port}"),
            ("Systems", "business system and web shop (SQLite), office register (CSV)"),
            ("Staff", "Anna Berg handles the cases, Bo Ek approves the letters"),
            ("Settings", f"{self.world.settings_file}"),
        )
        return f"dsar demo\n=========\n\n{words}\n\n{table(places[0], places[1:])}"

    def conclusion(self, *, erased: str, seconds: float) -> str:
        """What to open, and commands that need no mail server. Args: erased: the case of the erasure."""
        answers = [str(file) for letter in self.server.sent for file in letter.files if file.suffix == ".pdf"]
        looks = (
            ("these stand for --settings and for who is at the keyboard", self._environment()),
            ("what waits for whom", f"{self.program} queue"),
            ("how the erasure went, step by step", f"{self.program} show {erased} --timeline"),
            ("what a mail asks, and why the program thinks so", f"{self.program} triage --why {self.world.new_mail}"),
        )
        return "\n".join(
            (
                f"\nAll of it happened as it must, in {seconds:.0f} seconds. The two answers, as PDF:\n",
                *(f"  {answer}" for answer in answers),
                f"\nLook behind it:\n\n{commands(looks)}",
            )
        )

    def farewell(self) -> str:
        """How to go on when the servers are gone."""
        again = ("the mail servers have stopped; this leaves them up, to go on by hand", f"{self.program} demo --keep")
        return commands([again])

    def invitation(self, *, waiting: str) -> str:
        """What to try while the servers are up. Args: waiting: the case that waits for an identity check."""
        case = (
            ("these stand for --settings and for who is at the keyboard", self._environment()),
            (
                f"somebody has shown an ID: {waiting} is searched for",
                f"{self.program} verify {waiting} --method id_shown",
            ),
            ("what was found, numbered; two records are doubtful", f"{self.program} show {waiting} --data"),
            (
                "a note about another customer names her, so it is hers, too",
                f"{self.program} decide {waiting} 2 --accept",
            ),
            ("a stranger's account claims her customer number", f"{self.program} decide {waiting} 11 --leave-out"),
            ("the note is about two people; the other one's name", f"{self.program} redact {waiting}"),
            ("is left out, and the letter says so", f"{self.program} redact {waiting} 1 --remove"),
            ("Bo reads the letter as it would leave", f"DSAR_ACTOR=bo {self.program} show {waiting} --letter"),
            ("he approves it, and it is sent", f"DSAR_ACTOR=bo {self.program} approve {waiting}"),
        )
        mail = (
            (f"send {self.world.new_mail}, changed as you like", self._send()),
            ("fetch it, and see what has become of it", f"{self.program} poll && {self.program} queue"),
        )
        return "\n".join(
            (
                "\nThe mail servers stay up until Ctrl-C. In another terminal, in this folder:\n",
                commands(case),
                f"\nWrite to {PRIVACY} yourself:\n",
                commands(mail),
                f"\nLetters that are sent appear in {self.world.letters}/.",
            )
        )

    def _environment(self) -> str:
        return f"export DSAR_SETTINGS={self.world.settings_file} DSAR_ACTOR=anna"

    def _send(self) -> str:
        return (
            f'python3 -c \'import smtplib; smtplib.SMTP("127.0.0.1", {self.server.smtp_port}).sendmail(\n'
            f'    "{_NEW_SENDER}", "{PRIVACY}",\n'
            f'    open("{self.world.new_mail}", "rb").read())\''
        )
