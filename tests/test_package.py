"""What is shipped: the archives hold what they must, and an installation made from them works by itself."""

import json
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from dsar import __version__

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.xdist_group("package")  # built once

_SHIPPED = {".py", ".toml", ".j2", ".ttf", ".icc", ".mo", ".txt", ".eml", ".sql", ".csv", ".ini", ".json"}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source archive, and the wheel made from that archive, not from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return dist / f"dsar-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment that holds the wheel and borrows this one's libraries: no network is needed."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=place)
    site_packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip()
    Path(site_packages, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return python


def test_wheel_holds_code_connectors_templates_fonts_and_example_settings(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = {
        str(path.relative_to(ROOT))
        for package in ("dsar", "connectors", "letter_templates")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix in _SHIPPED
    }

    assert shipped - names == set()
    assert {Path(name).suffix for name in shipped} >= _SHIPPED - {".icc", ".mo"}
    assert "dsar/settings.example.ini" in names


def test_wheel_holds_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert tops == {"dsar", "connectors", "letter_templates", f"dsar-{__version__}.dist-info"}


def test_source_archive_holds_tests_docs_and_what_runs_them(dist: Path) -> None:
    top = f"dsar-{__version__}"
    with tarfile.open(dist / f"{top}.tar.gz") as archive:
        names = set(archive.getnames())
    wanted = {"tests/test_package.py", "docs/architecture.md", "Makefile", ".ci/run", "settings.example.ini"}

    assert {f"{top}/{name}" for name in wanted} - names == set()
    assert [name for name in names if "/.venv/" in name or name.startswith(f"{top}/demo")] == []


def test_installed_program_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    """Not this checkout by accident."""
    code = "import dsar, connectors, letter_templates as t; print(dsar.__file__, connectors.__file__, t.__file__)"
    files = run(installed, "-c", code, cwd=tmp_path).split()

    assert [file for file in files if not Path(file).is_relative_to(installed.parents[1])] == []


def test_installed_program_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert run(installed.with_name("dsar"), "--version", cwd=tmp_path) == f"dsar, version {__version__}\n"


def test_installed_program_computes_the_clock(installed: Path, tmp_path: Path) -> None:
    answer = json.loads(run(installed.with_name("dsar"), "clock", "2026-11-25", "--json", cwd=tmp_path))

    assert (answer["received"], answer["nominal"]) == ("2026-11-25", "2026-12-25")


def test_installed_program_writes_a_letter(installed: Path, tmp_path: Path) -> None:
    """The templates are found without a checkout."""
    code = """
from datetime import date
from dsar.letters import compose
from dsar.model import Controller, LetterFacts, LetterKind
us = Controller(name="Bolaget AB", orgnr="556000-0000", address="Vägen 1", postcode_city="123 45 Orten", country="SE",
                email="gdpr@example.com")
facts = LetterFacts(case_reference="D-2026-00042", controller=us, today=date(2026, 11, 25),
                    received_on=date(2026, 11, 25), nominal_on=date(2026, 12, 25))
print(compose(LetterKind.ACKNOWLEDGEMENT, "sv", facts).text)
"""
    letter = run(installed, "-c", code, cwd=tmp_path)

    assert "Bolaget AB" in letter
    assert "25 december 2026" in letter
