"""
dsar.lifecycle.TRANSITIONS -> the state diagram in docs/architecture.md.

Effects: rewrites the lines between the two markers of docs/architecture.md (python docs/draw_states.py, or make docs).
"""

from pathlib import Path

from dsar.lifecycle import TRANSITIONS, State

PAGE = Path(__file__).with_name("architecture.md")
BEGIN = "<!-- states: begin (drawn by docs/draw_states.py) -->\n"
END = "<!-- states: end -->\n"


def diagram() -> str:
    """The table as a Mermaid state diagram, one arrow for each pair of states."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.RECEIVED}"]
    for state, row in TRANSITIONS.items():
        events_to: dict[State, list[str]] = {}
        for event, target in row.items():
            events_to.setdefault(target, []).append(event)
        lines += [f"    {state} --> {target}: {', '.join(events)}" for target, events in events_to.items()]
    return "\n".join([*lines, "```", ""])


def redrawn(page: str) -> str:
    """*page* with the diagram of today's table between the markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{diagram()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8")
