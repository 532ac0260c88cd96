"""What a user says about a file where the file itself leaves it open."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Literal

from allsurv.errors import ConfigError

__all__ = ["FileAnswers"]


@dataclass(frozen=True)
class FileAnswers:
    """Answers to what a file of patients can leave open; most files need none.

    Parameters
    ----------
    sheet : str, default=""
        Sheet of an Excel workbook; the first where left out.
    decimal : {"", "comma", "point"}
        Sign between a number's whole part and its decimals; told from the numbers where left out.
    separator : str, default=""
        Character between the cells of a text file; told from the lines where left out.
    encoding : str, default=""
        How letters are written, such as ``cp1252`` or ``mac_roman``; told from the bytes where
        left out.

    Raises
    ------
    ConfigError
        If an answer is none of what is allowed.

    Examples
    --------
    >>> FileAnswers(decimal="dot")
    Traceback (most recent call last):
    allsurv.errors.ConfigError: decimal: 'dot'; allowed are comma and point.
    """

    sheet: str = ""
    decimal: Literal["", "comma", "point"] = ""
    separator: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        if self.decimal not in {"", "comma", "point"}:
            raise ConfigError(f"decimal: '{self.decimal}'; allowed are comma and point.")
        if self.separator and (len(self.separator.encode()) > 1 or self.separator in '"\r\n'):
            raise ConfigError(f"separator: '{self.separator}'; give one character, such as ; or |.")
        if self.encoding:
            self._refuse_unknown_encoding()

    def _refuse_unknown_encoding(self) -> None:
        try:
            is_of_text = codecs.lookup(self.encoding)._is_text_encoding
        except LookupError:
            is_of_text = False
        if not is_of_text:
            raise ConfigError(
                f"encoding: '{self.encoding}' is unknown; give one such as utf-8, cp1252, "
                "latin-2 or mac_roman."
            )
