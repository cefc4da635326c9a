"""Files: a local office's register in windows-1252, a list of visits with its traps, applications."""

import csv
import os
from datetime import UTC, datetime

from documents import docx
from openpyxl import Workbook
from openpyxl.comments import Comment
from reportlab.pdfgen.canvas import Canvas

from lab.people import ANNA, ERIK, OTHERS, hyphened, serial
from lab.seeds.clients import AREA

_HEADER = ("Löpnr", "Namn", "Företag", "E-post", "Mobil", "Adress", "Ort", "Anm")


def run() -> None:
    for folder in ("kontor-varberg", "kontor-halmstad", "rekrytering"):
        (AREA / "files" / folder).mkdir(parents=True)
    _register()
    _visits()
    _applications()


def _register() -> None:
    path = AREA / "files" / "kontor-varberg" / "kundregister.csv"
    with path.open("w", encoding="windows-1252", newline="", errors="replace") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(_HEADER)
        for number, each in enumerate((ERIK, ANNA, *OTHERS[:30])):
            mail = each.email.upper() if number % 3 == 0 else each.email
            remark = "Julkort" if number % 4 == 0 else ""
            name = f"{each.last}, {each.first}"
            writer.writerow([number + 1, name, each.employer, mail, each.phone, each.street, each.city, remark])


def _visits() -> None:
    book = Workbook()
    page = book.worksheets[0]
    page.title = "Besök 2026"
    page.append(["Datum", "Kund", "Kontaktperson", "Telefon", "Serienr", "Kommentar"])
    page.freeze_panes = "A2"
    page.append(["2026-02-03", ANNA.employer, ANNA.name, "070-1234567", "XM4521A00017", "Lämnade provexemplar"])
    remark = "Telefon sparad som tal, hemadress Västergatan 9"
    page.append(["2026-03-11", "", ERIK.name, 46707654321, "XM4521A00099", remark])
    for number, each in enumerate(OTHERS[:20]):
        page.append([f"2026-04-{number + 1:02d}", each.employer, each.name, each.phone, serial(number), ""])
    page["F3"].comment = Comment("Ring Erik på 070-765 43 21", "saljare2")
    hidden = book.create_sheet("Gamla")
    hidden.append(["Namn", "Telefon"])
    hidden.append(["Lindqvist Erik", "0707654321"])
    hidden.sheet_state = "hidden"
    book.save(AREA / "files" / "kontor-halmstad" / "besök.xlsx")


def _applications() -> None:
    folder = AREA / "files" / "rekrytering"
    amina, helena = OTHERS[33], OTHERS[30]
    lines = ["Meritförteckning", helena.name, helena.address, f"{helena.phone}  {helena.email}"]
    lines += [f"Personnummer {hyphened(helena.personnummer or '')}", "2019–2024 Servicetekniker, Nissans Åkeri AB"]
    lines.append("Referens: Erik Lindqvist, 070-765 43 21")
    (folder / "CV Helena.docx").write_bytes(docx("".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)))
    canvas = Canvas(str(folder / "ansokan-2026-014.pdf"), pageCompression=1)
    born = f"Född {hyphened(amina.personnummer or '')}"
    for at, line in enumerate(["Ansökan som innesäljare", amina.name, amina.address, amina.phone, amina.email, born]):
        canvas.drawString(72, 780 - 20 * at, line)
    canvas.save()
    came_in = datetime(2023, 1, 16, 9, 0, tzinfo=UTC).timestamp()  # longer ago than applications are kept
    os.utime(folder / "ansokan-2026-014.pdf", (came_in, came_in))
