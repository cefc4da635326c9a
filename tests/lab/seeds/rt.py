"""Ticketing: a queue with two fields, users, tickets with replies, comments and a file, and equipment."""

# rows of data and queries are read as one line each

import base64
import subprocess
from typing import Any

from lab.people import ANNA, ERIK, NAMESAKE, OTHERS, serial
from lab.seeds.clients import answer, web

#: What REST2 cannot do: put the fields on the queue, and make a catalog of equipment.
_PERL = """
use RT -init; my $queue = RT::Queue->new(RT->SystemUser); $queue->Load("Service");
for my $name (qw(Serienummer Kundnummer)) {
  my $field = RT::CustomField->new(RT->SystemUser); $field->Load($name); $field->AddToObject($queue) }
RT::Catalog->new(RT->SystemUser)->Create(Name => "Kundutrustning", Lifecycle => "assets");
"""
_SUBJECTS = ("Toner slut", "Streck på kopian", "Faktura fel adress", "Skannar inte till e-post", "Byta kontaktperson")


def run() -> None:
    with web("RT", "/REST/2.0/", auth=("root", "rootpass")) as rt:

        def post(path: str, body: dict[str, Any]) -> Any:
            return answer(rt.post(path, json=body))

        post(
            "queue", {"Name": "Service", "Description": "Serviceärenden", "CorrespondAddress": "service@xelent.example"}
        )
        for name in ("Serienummer", "Kundnummer"):
            post(
                "customfield",
                {"Name": name, "Type": "FreeformSingle", "LookupType": "RT::Queue-RT::Ticket", "MaxValues": 1},
            )
        subprocess.run(["perl", "-I/usr/share/request-tracker5/lib", "-e", _PERL], check=True)
        for each in (ANNA, ERIK, NAMESAKE, *OTHERS[:30]):
            names = {"Name": each.email, "EmailAddress": each.email, "RealName": each.name}
            post("user", {**names, "MobilePhone": each.phone, "Privileged": 0})

        def ticket(subject: str, requestor: str, text: str, *, customer: str, cc: str = "", device: str = "") -> str:
            body: dict[str, Any] = {"Queue": "Service", "Subject": subject, "Requestor": requestor, "Content": text}
            body |= {"ContentType": "text/plain", **({"Cc": cc} if cc else {})}
            fields = {"Kundnummer": customer, **({"Serienummer": device} if device else {})}
            return str(post("ticket", {**body, "CustomFields": fields})["id"])

        text = "Hej, kopiatorn hos oss krånglar. Ring mig på 070-123 45 67. /Anna-Lena Öberg"
        ticket("Papperstrassel XM4521A00017", ANNA.email, text, customer="K10234", cc=ERIK.email, device="XM4521A00017")
        text = "Hej! Jag heter Erik Lindqvist, personnr 19121212-1212, adress Västergatan 9."
        his = ticket("Hyrskrivare går sönder", ERIK.email, text, customer="K20077")
        report = base64.b64encode("Servicerapport Erik Lindqvist Västergatan 9".encode()).decode()
        file = {"FileName": "rapport-Erik-Lindqvist.txt", "FileType": "text/plain", "FileContent": report}
        reply = {"Content": "Hej Erik, vi har bokat tekniker.", "ContentType": "text/plain", "Attachments": [file]}
        post(f"ticket/{his}/correspond", reply)
        comment = "Intern: kunden (erik.lindqvist@example.se) är otrevlig"
        post(f"ticket/{his}/comment", {"Content": comment, "ContentType": "text/plain"})
        for name, holder, about in (
            ("XM4521A00017", ANNA, "Kopiator MX-4071 hos Varbergs Tandvård"),
            ("XM4521A00099", ERIK, "Hyrskrivare hos Erik Lindqvist"),
        ):
            asset = {"Name": name, "Catalog": "Kundutrustning", "Status": "in-use", "Description": about}
            post("asset", {**asset, "HeldBy": holder.email, "Contact": [ERIK.email]})
        for number, each in enumerate(OTHERS[:24]):
            text = f"Hej, {_SUBJECTS[number % 5].lower()}. Nås på {each.phone}. Mvh {each.name}"
            device = serial(number) if number % 2 else ""
            new = ticket(_SUBJECTS[number % 5], each.email, text, customer=each.company or each.number, device=device)
            if number % 4 == 0:
                answer(rt.put(f"ticket/{new}", json={"Status": "resolved"}))
