"""IMY asks how a case was handled: the administrator exports its record, and proves that the trail is whole."""

import json
import stat

import pytest

from .company import Company

pytestmark = pytest.mark.journey

MARIA = "Maria Öberg <maria.oberg@example.se>"


def test_the_record_of_a_case_is_exported_for_the_authority(company: Company) -> None:
    with company.settings.open("a", encoding="utf-8") as settings:
        settings.write("[staff.asa]\nrole = admin\nname = Åsa Chef\nemail = asa@xelent.example\n")
    company.write(MARIA, "Jag vill ha ett registerutdrag över mina personuppgifter.\n\nMaria Öberg\n")
    company.ok("poll")
    (reference,) = [line["reference"] for line in company.queue()]
    case = reference.removesuffix("/access")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    into = company.folder / "imy"

    refused = company.dsar("audit", "export", case, "--to", str(into))
    assert (refused.exit_code, "admin is needed" in refused.err, into.exists()) == (1, True, False)
    company.ok("audit", "export", case, "--to", str(into), actor="asa")

    record = json.loads((into / f"{case}-handling.json").read_text("utf-8"))
    assert [letter["approved_by"] for letter in record["letters"]] == [None, "Bo Ek"]
    assert (into / f"{case}-handling.pdf").read_bytes().startswith(b"%PDF-")
    assert min(file.name for file in (into / "mails").iterdir()) == "in-01.eml"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in into.rglob("*") if file.is_file()}
    assert (modes, stat.S_IMODE(into.stat().st_mode)) == ({0o600}, 0o700)


def test_an_anchor_kept_elsewhere_shows_whether_the_trail_still_goes_through_it(company: Company) -> None:
    company.write(MARIA, "Jag vill ha ett registerutdrag över mina personuppgifter.\n\nMaria Öberg\n")
    company.ok("poll")
    anchor = company.folder / "anchor.json"
    anchor.write_text(company.ok("audit", "verify", "--json").out, "utf-8")
    company.ok("poll")
    company.ok("audit", "verify", "--anchor", str(anchor))
    anchor.write_text('{"sealed": 2, "head": "another"}', "utf-8")
    assert company.dsar("audit", "verify", "--anchor", str(anchor)).exit_code == 1
    anchor.write_text("{}", "utf-8")
    assert company.dsar("audit", "verify", "--anchor", str(anchor)).exit_code == 2
