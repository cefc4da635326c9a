"""`dsar completion`: what a shell offers on Tab."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from office import open_office

ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"
DSAR = Path(sys.executable).with_name("dsar")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of an installation with one open case."""
    folder = tmp_path_factory.mktemp("office")
    with open_office(folder) as office:
        office.receive("Maria Öberg <maria.oberg@example.se>", ACCESS)
    return folder / "settings.ini"


def in_bash(words: str, settings: Path, *, actor: str = "anna") -> list[str]:
    """What bash offers for the last of *words*, once the script is loaded as its help says."""
    script = (
        f'eval "$(dsar completion bash)"; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ));'
        ' _dsar_completion dsar; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={
            **os.environ,
            "PATH": f"{DSAR.parent}:{os.environ['PATH']}",
            "DSAR_SETTINGS": str(settings),
            "DSAR_ACTOR": actor,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


def test_commands_are_completed(settings: Path) -> None:
    assert in_bash("dsar rev", settings) == ["review"]


def test_options_are_completed(settings: Path) -> None:
    assert in_bash("dsar show --tim", settings) == ["--timeline"]


@pytest.mark.parametrize("command", ["show", "review", "approve", "ask"])
def test_open_cases_are_completed_by_reference_and_nothing_else(command: str, settings: Path) -> None:
    assert in_bash(f"dsar {command} d-", settings) == ["D-2026-00001", "D-2026-00001/access"]


def test_who_is_no_member_of_staff_is_offered_no_case(settings: Path) -> None:
    assert in_bash("dsar show D", settings, actor="mallory") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_of_its_own(shell: str) -> None:
    done = subprocess.run([DSAR, "completion", shell], capture_output=True, text=True, timeout=60, check=True)
    assert f"_DSAR_COMPLETE={shell}_complete" in done.stdout


def test_a_misspelt_command_is_put_right() -> None:
    done = subprocess.run([DSAR, "quue"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Did you mean 'queue'?" in done.stderr) == (2, True)
