"""The kinds of token, and the flat arrays that hold them.

A kind is a short string; punctuation is its own kind. Three parallel lists take far less time and memory than one
object a token, and the parser only ever looks at kinds until it needs a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model.diagnostics import Diagnostic

EOF = "end of file"
NEWLINE = "newline"
IDENT = "identifier"
NUMBER = "number"
STRING = "string"  # a whole quoted string with neither escapes nor template sequences
OQUOTE = "opening quote"
CQUOTE = "closing quote"
LITERAL = "quoted text"
OHEREDOC = "heredoc"
CHEREDOC = "heredoc end"
TEXT = "heredoc text"  # heredoc or bare template text: no backslash escapes
INTERP = "${"
CONTROL = "%{"
SEQ_END = "template sequence end"
COMMENT = "comment"  # only when comments are kept, for the formatter

# What HCL trims: White_Space of Unicode. str.strip() alone would also take the separators U+001C to U+001F.
WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


MAX_ERRORS = 100
"""How many errors are worth reporting for one source; parsing stops there."""


@dataclass(slots=True)
class Tokens:
    """Parallel lists: kind, first and past-the-end character offset of every token; the last is `EOF`."""

    kinds: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
