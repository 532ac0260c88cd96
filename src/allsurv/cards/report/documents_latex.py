"""Printed tables in LaTeX: booktabs rules, breakable over pages, every character escaped."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from allsurv.cards.report.printed_table import PrintedRow, PrintedTable

__all__ = ["escape_latex", "latex_document", "latex_table"]

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": "$<$",
    ">": "$>$",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\u00a0": "~",
    "\u2009": r"\,",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "·": r"$\cdot$",
    "°": r"\textdegree{}",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "χ": r"$\chi$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "⁹": r"\textsuperscript{9}",
    "…": r"\ldots{}",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\S{}",
}
NARROWEST, WIDEST = 6, 34
LANDSCAPE_FROM = 7

HEAD = r"""\documentclass[10pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{textcomp}
\usepackage[margin=20mm]{geometry}
\usepackage{array,booktabs,caption,longtable,pdflscape}
\setlength{\tabcolsep}{4pt}
\begin{document}
"""


def escape_latex(text: str) -> str:
    r"""Write any text so that LaTeX prints it.

    Examples
    --------
    >>> escape_latex("P<0.001 & 17% – ≥50"), escape_latex("* a_1"), escape_latex("☃")
    ('P$<$0.001 \\& 17\\% -- $\\geq$50', '{*} a\\_1', '{[}SNOWMAN{]}')
    """
    return "".join(map(_character, text))


def latex_table(table: PrintedTable) -> str:
    """Write one table, ready to be input by a manuscript."""
    n = len(table.columns)
    columns = "".join(_column(share) for share in _shares(table))
    heads = " & ".join(rf"\textbf{{{escape_latex(c)}}}" if c else "" for c in table.columns)
    lines = [
        r"\begingroup\footnotesize",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption*{{{escape_latex(table.title)}}}\\",
        rf"\toprule {heads} \\ \midrule \endfirsthead",
        rf"\toprule {heads} \\ \midrule \endhead",
        rf"\midrule \multicolumn{{{n}}}{{r@{{}}}}{{\emph{{continued}}}} \\ \endfoot",
        r"\bottomrule \endlastfoot",
        *(_line(row, n) for row in table.rows),
        r"\end{longtable}",
        *(rf"\noindent {escape_latex(note)}\par" for note in table.notes),
        r"\endgroup",
    ]
    return "\n".join(lines) + "\n"


def latex_document(tables: Sequence[PrintedTable], *, statement: str) -> str:
    """Write a document that inputs every table and compiles as it is."""
    lines = [HEAD, rf"\noindent {escape_latex(statement)}\par\bigskip"]
    for table in tables:
        told = rf"\input{{{table.key}.tex}}"
        wide = len(table.columns) >= LANDSCAPE_FROM
        lines.append(rf"\begin{{landscape}}{told}\end{{landscape}}" if wide else told)
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isspace():
        return " "
    if character.isascii():
        return character if character.isprintable() else ""
    name = unicodedata.name(character, "")
    if name.startswith("LATIN ") and ord(character) < 0x180:
        return character
    return f"{{[}}{name or hex(ord(character))}{{]}}"


def _line(row: PrintedRow, n: int) -> str:
    label = r"\quad " * row.indent + escape_latex(row.cells[0])
    if row.is_heading:
        return rf"\multicolumn{{{n}}}{{@{{}}l@{{}}}}{{{_wrapped(label)}}} \\*"
    return " & ".join([label, *map(escape_latex, row.cells[1:])]) + r" \\"


def _wrapped(label: str) -> str:
    return rf"\parbox[t]{{\linewidth}}{{\raggedright\textbf{{{label}}}}}"


def _column(share: float) -> str:
    return rf">{{\raggedright\arraybackslash}}p{{\dimexpr {share:.3f}\linewidth-2\tabcolsep\relax}}"


def _shares(table: PrintedTable) -> list[float]:
    """Share of the line that each column takes, by its longest text within bounds."""
    needs = []
    for place, head in enumerate(table.columns):
        texts = [row.cells[place] for row in table.rows if not row.is_heading]
        longest = max(map(len, texts), default=0)
        word = max((len(word) for text in [head, *texts] for word in text.split()), default=0)
        needs.append(min(max(longest, word, NARROWEST), max(WIDEST, word)))
    return [need / sum(needs) for need in needs]
