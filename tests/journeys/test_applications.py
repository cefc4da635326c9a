"""An applicant asks: in a mailbox and a folder lie the application and an extract from the criminal record."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company
from .quick import QuickCompany
from .test_identity_code import ON_FILE, only_line

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

REQUEST = "Jag sökte jobb hos er och vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"
EXTRACT = "POLISMYNDIGHETEN\nUtdrag ur belastningsregistret\nMaria Öberg\n" + ON_FILE


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    made = QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)
    (tmp_path / "cv").mkdir()
    made.settings.write_text(
        made.settings.read_text("utf-8")
        + f"""
[staff.chef]
role = admin
name = Eva Chef
email = chef@xelent.example
[system.mailboxes]
connector = imap
declaration = data/mailboxes.toml
host = localhost
port = {dovecot_server.imaps_port}
ca_file = {dovecot_server.ca_file}
user = dsar
password = test
mailboxes = jobb-{mail_user}
changes = on
[system.applications]
connector = files
declaration = data/applications.toml
folder = cv
changes = on
""",
        "utf-8",
    )
    return made


def applied(company: Company, *, arrived: str) -> None:
    """Put an application with an extract from the criminal record into the folder of applications of a mailbox."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Maria Öberg <{ON_FILE}>", "jobb@xelent.example", "Ansökan"
    mail.set_content("Hej! Jag söker tjänsten som tekniker.\n", cte="base64")
    mail.add_attachment(EXTRACT.encode(), "application", "octet-stream", filename="utdrag.txt")
    mailbox = f"jobb-{company.user}"
    with company.dovecot.session(mailbox) as session:
        session.create("Ans&APY-kningar")
    company.dovecot.append(bytes(mail), mailbox, "Ans&APY-kningar", internal_date=arrived)


def asked(company: Company, right: str) -> str:
    company.write(f"Maria Öberg <{ON_FILE}>", REQUEST)
    company.ok("poll")
    case = str(only_line(company)["reference"])
    if only_line(company)["state"] == "triage":
        company.ok("sort", case, "--right", right)
    return case.partition("/")[0]


def test_both_places_are_searched_and_management_hears_of_the_extract_at_once(company: Company) -> None:
    applied(company, arrived='"24-Nov-2025 08:30:00 +0000"')
    (company.folder / "cv" / "oberg.txt").write_text(f"CV\nMaria Öberg, {ON_FILE}\nTekniker", "utf-8")

    case = asked(company, "access")

    shown = company.ok("show", case, "--data").out
    assert "Tekniker" in shown
    assert "Jag söker tjänsten som tekniker" in shown
    (told,) = company.letters_to("chef@xelent.example")
    assert case in str(told["Subject"])
    assert "mailboxes" in told.get_content()
    assert "Öberg" not in told.as_string()  # no person in it (P9)
    assert "criminal_record" in company.ok("show", case).out
