"""
What happened -> lines of at most 80 columns.

Effects: none.
"""

import textwrap
from collections.abc import Sequence

WIDTH = 80

_INDENT = "  "


def heading(number: int, title: str, command: str = "") -> str:
    """A numbered heading with, at the right, the command that does the same."""
    left = f"{number}. {title}"
    return f"\n{left}{command.rjust(WIDTH - len(left)) if command else ''}\n"


def paragraph(text: str) -> str:
    """Running text."""
    return textwrap.fill(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


def shorten(text: str) -> str:
    """A subject, at most as long as a column may be."""
    return textwrap.shorten(text, 30, placeholder=" …")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain columns; what does not fit into the last one goes on in the next line."""
    *widths, _ = (max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings)))
    left = sum(width + 2 for width in widths) + len(_INDENT)
    lines = []
    for row in (headings, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        first, *others = textwrap.wrap(row[-1], max(WIDTH - left, 10)) or [""]
        lines.append((_INDENT + "  ".join([*cells, first])).rstrip())
        lines += [" " * left + other for other in others]
    return "\n".join(lines)


def figures(rows: Sequence[Sequence[str]]) -> str:
    """A table of numbers, aligned at the right; lines that hold nothing but 0 are left out."""
    headings, *lines = rows
    told = [line for line in lines if set(line[1:]) - {"0", "-"}]
    width = max(len(line[0]) for line in told)
    columns = [len(cell) + 2 for cell in headings[1:]]
    return "\n".join(
        _INDENT + line[0].ljust(width) + "".join(cell.rjust(size) for cell, size in zip(line[1:], columns, strict=True))
        for line in (headings, *told)
    )


def commands(lines: Sequence[tuple[str, str]]) -> str:
    """What to type, each under a remark that says what it does."""
    return "\n".join(f"{_INDENT}# {remark}\n{_INDENT}{command}" for remark, command in lines)
