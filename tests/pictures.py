"""
The pages of each letter as small grey pictures, to see at once what a change did to them.

tests/test_pictures.py compares; `make pictures` writes them anew into tests/pictures/ once somebody has looked at the
difference. Poppler draws; another version of it draws edges a little differently, which counts as the same.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageChops

from dsar.letters import ACCESS_EXPORT, compose_export, markdown_of
from dsar.letters.rules import RULES
from dsar.letters.samples import sample_facts
from dsar.model import Controller, LetterKind, Look
from dsar.pdf import render

FOLDER = Path(__file__).with_name("pictures")
AT = datetime(2026, 3, 12, tzinfo=UTC)
COMPANY = Controller(
    name="Exempelbolaget AB",
    orgnr="556000-0000",
    address="Storgatan 1",
    postcode_city="432 41 Varberg",
    country="SE",
    email="integritet@example.se",
)
SCRIPTS = """# Skrift

| Skrift | Text |
|---|---|
| arabiska | تلقينا طلبك وسنرد عليك في أقرب وقت ممكن خلال شهر واحد من تاريخ استلامه إن شاء الله ولا يكلفك ذلك شيئا |
| hebreiska | קיבלנו את בקשתך ונענה לך בהקדם האפשרי בתוך חודש אחד מיום קבלתה וזה לא יעלה לך דבר |
| tigrinska, thai, tamil | ትግርኛ, สวัสดีชาวโลก, தமிழ் |
| hindi, bengali, punjabi | हिन्दी नमस्ते, বাংলা, ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ |
| kinesiska, japanska | 漢字简体中文, こんにちは |
| emoji och en utan tecken | 🚀 🎉 🙏 👍🏽 🥰 |

> **من اليمين إلى اليسار** مع أرقام 123 وكلمة latin في الوسط ثم يستمر النص العربي إلى سطر آخر حتى ينتهي هنا
"""
#: Points to the inch: letters can be told, words hardly.
_RESOLUTION = 40
#: Pixels from side to side of the places that are compared, and how far the mean shade of two may differ (of 255).
_CELL, _SHADE = 8, 24


def letters() -> Iterator[tuple[str, bytes]]:
    """(name of the picture, PDF) of every letter in both languages, and of what no sample letter shows."""
    for language in ("sv", "en"):
        for name in RULES:
            facts = sample_facts(name, language, controller=COMPANY)
            if name == ACCESS_EXPORT:
                markdown = compose_export(language, facts)
            else:
                markdown = markdown_of(LetterKind(name), language, facts)
            yield f"{language}-{name}", document(markdown, language)
    update = markdown_of(LetterKind.UPDATE_DONE, "sv", sample_facts("update_done", "sv", controller=COMPANY))
    yield "window", document(update, "sv", address=("Kim Exempel", "c/o Öberg", "Lilla gatan 7 B", "432 44 VARBERG"))
    yield "scripts", document(SCRIPTS, "sv")
    yield "look", document(update, "sv", look=Look(accent="#8a2b5b", tint="#f6ebf1", logo=logo()))


def document(markdown: str, language: str, *, look: Look | None = None, address: tuple[str, ...] = ()) -> bytes:
    footer = f"{COMPANY.name} · D-2026-00000"
    return render(
        markdown, title="D-2026-00000", language=language, footer=footer, created_at=AT, look=look, address=address
    )


def logo() -> bytes:
    """A square on a transparent ground."""
    with tempfile.TemporaryFile() as file:
        picture = Image.new("RGBA", (120, 60), (0, 0, 0, 0))
        picture.paste((138, 43, 91, 255), (10, 10, 60, 50))
        picture.save(file, "PNG")
        file.seek(0)
        return file.read()


def picture_of(pdf: bytes) -> Image.Image:
    """The pages below each other."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "letter.pdf"
        file.write_bytes(pdf)
        command: list[str | Path] = ["pdftoppm", "-gray", "-r", str(_RESOLUTION), file, Path(folder) / "page"]
        subprocess.run(command, check=True, capture_output=True)
        pages = [Image.open(page).convert("L") for page in sorted(Path(folder).glob("page*.pgm"))]
    whole = Image.new("L", (pages[0].width, sum(page.height for page in pages)))
    for number, page in enumerate(pages):
        whole.paste(page, (0, number * page.height))
    return whole


def kept(name: str) -> Image.Image:
    """The picture as somebody last saw it."""
    return Image.open(FOLDER / f"{name}.png").convert("L")


def difference(one: Image.Image, other: Image.Image) -> str:
    """In words what tells two pictures apart; "" if they are the same to the eye."""
    if one.size != other.size:
        return f"{one.height} rather than {other.height} lines high"
    cells = [picture.reduce(_CELL) for picture in (one, other)]
    differing = sum(ImageChops.difference(*cells).histogram()[_SHADE:])
    return f"{differing} places of {_CELL} by {_CELL} pixels differ" if differing else ""


def main() -> None:
    """Write those pictures anew that differ, and remove what no letter shows any more."""
    FOLDER.mkdir(exist_ok=True)
    made = {name: picture_of(pdf) for name, pdf in letters()}
    for file in FOLDER.glob("*.png"):
        if file.stem not in made:
            file.unlink()
    for name, picture in made.items():
        file = FOLDER / f"{name}.png"
        if not file.exists() or difference(picture, kept(name)):
            picture.quantize(16).save(file, optimize=True)
            sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
