"""
Fuzz one target, guided by coverage, until a fault is found or the time is over.

    python tests/fuzz/with_atheris.py TARGET SECONDS

An input that fails is written to tests/fuzz/found/TARGET/, where test_fuzz.py tries it from then on. Exit code 0 if
none failed. Needs the dependency group `fuzz`; libFuzzer's -runs, -seed and others may follow.
"""

import importlib
import sys
import tempfile
from pathlib import Path

atheris = importlib.import_module("atheris")
with atheris.instrument_imports(include=["dsar", "email", "tnefparse", "html"]):
    from targets import TARGETS, TOKENS, run, seeds


def main() -> None:
    """Write the seeds where libFuzzer wants them, and let it run."""
    name, seconds, *more = sys.argv[1:]
    found = Path(__file__).parent / "found" / name
    found.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"dsar-fuzz-{name}-"))
    corpus = work / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    words = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS)
    (work / "words").write_text("".join(f'"{word}"\n' for word in words))
    options = [
        f"-max_total_time={seconds}",
        "-max_len=20000",
        "-rss_limit_mb=2048",
        "-timeout=20",
        "-print_final_stats=1",
        f"-dict={work / 'words'}",
        f"-artifact_prefix={found}/",
    ]
    atheris.Setup([sys.argv[0], *options, *more, str(corpus)], lambda data: run(TARGETS[name], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
