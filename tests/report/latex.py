"""A small strict reader of the LaTeX that tables are written in: what it does not know fails."""

from __future__ import annotations

import re

COMMANDS = {
    "textbackslash": "\\",
    "textasciicircum": "^",
    "textasciitilde": "~",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textquotedbl": '"',
    "textquotesingle": "'",
    "textasciigrave": "`",
    "textendash": "–",
    "textemdash": "—",
    "dots": "…",
}
MATHS = {"-": "−", r"\rightarrow": "→", r"\leq": "≤", r"\geq": "≥", "^2": "²", r"\cdot": "·", r"\times": "×"}
_TOKEN = re.compile(r"\\ensuremath\{((?:\\[a-z]+)|-|\^[23])\}|\\([a-z]+)\{\}|\\([{}$&#%_,])|(\{\})|([^\\{}$&#%_^~])|(.)", re.DOTALL)


def read_text(latex: str) -> str:
    """The text that LaTeX would print; an unescaped special character or an unknown command fails."""
    words = []
    for maths, command, escaped, empty, plain, wrong in _TOKEN.findall(latex):
        assert not wrong, f"{wrong!r} is not escaped in {latex!r}"
        if maths:
            words.append(MATHS.get(maths, "?"))
        elif command:
            words.append(COMMANDS[command])
        elif not empty:
            words.append(escaped or plain)
    return "".join(words)


def read_table(latex: str) -> tuple[str, list[list[str]]]:
    """Column specification, and the rows with their cells as printed; the head is the first row."""
    lines = [line for line in latex.split("\n") if line and not line.startswith("%")]
    assert _balanced(latex)
    begun = re.findall(r"\\begin\{(\w+)\}", latex)
    ended = re.findall(r"\\end\{(\w+)\}", latex)
    assert sorted(begun) == sorted(ended)
    [specification] = re.findall(r"\\begin\{(?:tabular|longtable)\}\{((?:[lr]|p\{[\d.]+\\linewidth\})+)\}", latex)
    rows = [line.removesuffix(r" \\") for line in lines if line.endswith(r" \\") and not line.startswith(r"\caption")]
    if "longtable" in begun:
        assert rows[0] == rows[1]  # the head stands again on every page
        rows = rows[1:]
    columns = len(re.sub(r"\{[^}]*\}", "", specification))
    cells = [re.split(r"(?<!\\) & ", row) for row in rows]
    assert {len(row) for row in cells} == {columns}
    for row in rows:
        assert row[0] not in "[*", "taken for an option of the row before"
    return specification, [[read_text(cell) for cell in row] for row in cells]


def _balanced(latex: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, "a brace closes nothing"
    return depth == 0
