"""Two employees' mailboxes with folders, and bodies packed in the ways in which mails come."""

from email.message import EmailMessage

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it has no types

from lab.people import ANNA, ERIK, NAMESAKE, OTHERS, Person
from lab.seeds.clients import port, tls

_FOLDERS = ("Kunder/Varberg", "Skickat", "Papperskorg")
_STAFF = {"saljare1": "Säljare Ett <saljare1@xelent.example>", "saljare2": "Säljare Två <saljare2@xelent.example>"}


def run() -> None:
    for owner in _STAFF:
        with IMAPClient("127.0.0.1", port("IMAP"), ssl_context=tls()) as mailbox:
            mailbox.login(f"{owner}*dsar", "masterpw")
            for folder in _FOLDERS:
                mailbox.create_folder(folder)
            for number, (place, folder, message) in enumerate(_mails()):
                if place == owner:
                    message["Message-ID"] = f"<{number}@lab.example>"
                    mailbox.append(folder, message.as_bytes(), flags=["\\Seen"])


def _mails() -> list[tuple[str, str, EmailMessage]]:
    one, two = _STAFF.values()
    erik = f"Hej! {ERIK.name}, {ERIK.street}, 19121212-1212. Hör av er på {ERIK.phone}."
    anna = "<p>Hej!<br>Ring mig p&aring; 070-123 45 67.<br>Anna-Lena &Ouml;berg</p>"
    told = f"Hej Anna-Lena! Erik på {ERIK.phone} ({ERIK.street}) har också frågat."
    copy = f"Kopia för kännedom till {ERIK.email}"
    mails = [
        ("saljare1", "INBOX", _mail(_address(ERIK), one, "Offert på hyrskrivare", erik, cte="base64")),
        ("saljare1", "Skickat", _mail(one, _address(ANNA), "Sv: kopiator", told, cte="quoted-printable")),
        ("saljare1", "INBOX", _mail(two, one, "internt", "Kunden Lindqvist klagar", cte="7bit")),
        (
            "saljare1",
            "Kunder/Varberg",
            _mail("Reception <info@tandvard.example>", one, "Leverans", copy, cc=ERIK.email),
        ),
        ("saljare2", "INBOX", _mail(_address(ANNA), two, "Ny kopiator på kliniken", anna, html=True)),
        ("saljare2", "Papperskorg", _mail(_address(NAMESAKE), two, "Fråga om toner", "Finns svart toner? /Anna Öberg")),
    ]
    for number, each in enumerate(OTHERS[:30]):
        owner, to = list(_STAFF.items())[number % 2]
        text = f"Hej, vi behöver pris på service.\nMvh {each.name}\n{each.phone}"
        packed = ("quoted-printable", "base64")[number % 2]
        mails.append((owner, "INBOX", _mail(_address(each), to, f"Förfrågan {number}", text, cte=packed)))
    return mails


def _address(person: Person) -> str:
    return f"{person.name} <{person.email}>"


def _mail(
    sender: str, to: str, subject: str, text: str, *, cte: str = "8bit", cc: str | None = None, html: bool = False
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    if cc:
        message["Cc"] = cc
    message["Date"] = "Mon, 12 Oct 2026 09:15:00 +0200"
    message.set_content(text, subtype="html" if html else "plain", charset="utf-8", cte=cte)
    return message
