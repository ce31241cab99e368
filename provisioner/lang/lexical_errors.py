"""What the scanner says about text that can never be part of a program."""

from __future__ import annotations

from ..model.diagnostics import Diagnostic
from ..model.source import Source
from .tokens import NEWLINE, STRING

_DOUBLE_QUOTES = "“”„«»"
_SINGLE_QUOTES = "'‘’"
_QUOTES = f"{_DOUBLE_QUOTES}'`"


def _error(code: str, summary: str, detail: str, source: Source, start: int, end: int) -> Diagnostic:
    return Diagnostic(code, summary, detail, subject=source.range(start, end))


def meant(text: str, start: int, end: int) -> str:
    """The kind of token that text which is not HCL most likely stands for; "" for none."""
    character = text[start]
    if character in _QUOTES and end > start + 1:
        return STRING
    if text.startswith("<<", start):
        return "<"
    return {";": NEWLINE, "&": "&&", "|": "||", "^": "!="}.get(character, "")


def foreign(source: Source, start: int, end: int) -> Diagnostic:
    """For text that HCL has no use for."""
    character = source.text[start]
    rest = source.text[start : start + 2]
    if character in _SINGLE_QUOTES:
        detail = 'Single quotes are not valid. Use double quotes (") to enclose strings.'
        return _character(source, start, end, detail)
    if character in _DOUBLE_QUOTES:
        detail = (
            "These are typographic quotation marks, as word processors and chat programs put in. "
            'Replace them with straight double quotes (").'
        )
        return _character(source, start, end, detail)
    if character == "`":
        detail = 'Backticks are not valid. For a string of several lines use a heredoc, like "<<EOT".'
        return _character(source, start, end, detail)
    if character == ";":
        detail = (
            'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate '
            "items in collection values."
        )
        return _character(source, start, end, detail)
    if character in "&|^~":
        return _operator(source, start, end)
    if rest == "<<":
        detail = (
            'A heredoc begins with "<<" or "<<-", its marker, and the end of the line: "<<EOT". '
            "There are no bit shifts; write the marker directly after the angle brackets."
        )
        return _error("E-SYNTAX-HEREDOC", "Invalid heredoc", detail, source, start, start + 2)
    if rest in ("${", "%{"):
        detail = (
            "A template sequence is only valid inside a quoted string or heredoc. "
            f"Outside of a string, write the expression itself, without {rest!r} and the closing brace."
        )
        return _error("E-SYNTAX-TEMPLATE", "Template sequence outside of a string", detail, source, start, start + 2)
    return _character(source, start, start + 1, _unknown(character))


def _operator(source: Source, start: int, end: int) -> Diagnostic:
    hint = {
        "&": 'Did you mean boolean AND ("&&")?',
        "|": 'Did you mean boolean OR ("||")?',
        "~": 'Did you mean boolean NOT ("!")?',
        "^": "There is no exclusive or; compare two booleans with !=.",
    }[source.text[start]]
    detail = f"Bitwise operators are not supported. {hint}"
    return _error("E-SYNTAX-OPERATOR", "Unsupported operator", detail, source, start, end)


def _character(source: Source, start: int, end: int, detail: str) -> Diagnostic:
    return _error("E-SYNTAX-CHARACTER", "Invalid character", detail, source, start, end)


def _unknown(character: str) -> str:
    import unicodedata

    if character == "\r":
        return "A carriage return stands here without a newline. End lines with a newline, or with both."
    name = unicodedata.name(character, "")
    shown = f"U+{ord(character):04X}" + (f", {name.lower()}," if name else "")
    if not character.isprintable() or character == "\ufeff":
        return f"This invisible character ({shown.rstrip(',')}) is not used within the language. Delete it."
    return f"The character {character!r} ({shown.rstrip(',')}) is not used within the language. Delete or replace it."


def unterminated_comment(source: Source, start: int) -> Diagnostic:
    detail = 'This comment never ends. Close it with "*/".'
    return _error("E-SYNTAX-COMMENT", "Unterminated comment", detail, source, start, start + 2)


def unterminated_string(source: Source, start: int, end: int) -> Diagnostic:
    """For a quoted string that opens at `start` and is still open at the end of its line or of the file, `end`."""
    if end >= len(source.text):
        detail = "No closing quote was found before the end of the file. Close the string with a double quote."
        return _error("E-SYNTAX-STRING", "Unterminated template string", detail, source, start, end)
    detail = (
        "Quoted strings may not be split over multiple lines. If the closing quote is missing, add it; to produce a "
        'multi-line string, use the \\n escape or the heredoc syntax, like "<<EOT".'
    )
    return _error("E-SYNTAX-STRING", "Invalid multi-line string", detail, source, start, end)


def unclosed_sequence(source: Source, start: int) -> Diagnostic:
    detail = (
        "There is no closing brace for this interpolation sequence before the end of the quoted string. This might "
        'be caused by incorrect nesting inside the given expression. Add the missing "}".'
    )
    return _error("E-SYNTAX-TEMPLATE", "Unclosed template interpolation sequence", detail, source, start, start + 2)


def unterminated_heredoc(source: Source, opening: tuple[int, int], marker: str) -> Diagnostic:
    start, end = opening[0], opening[0] + len(source.text[slice(*opening)].rstrip())
    last_line = source.text[source.text.rfind("\n") + 1 :].strip()
    if last_line == marker:
        detail = f"The closing marker {marker} must end with a newline. Add one at the end of the file."
    else:
        detail = (
            f"No line that holds only the closing marker {marker} was found before the end of the file. "
            f"Put {marker} on a line of its own after the text."
        )
    return _error("E-SYNTAX-HEREDOC", "Unterminated heredoc", detail, source, start, end)


def heredoc_opening(source: Source, start: int, end: int, marker: str) -> Diagnostic:
    end -= source.text[start:end].endswith("\n")
    detail = (
        "The marker of a heredoc must follow the angle brackets directly, bare, and end its line: no quotes, no "
        f"spaces, no comment. Write <<{marker} or <<-{marker} and a newline."
    )
    return _error("E-SYNTAX-HEREDOC", "Invalid heredoc", detail, source, start, end)


def split_splat(source: Source, start: int, end: int) -> Diagnostic:
    detail = 'A splat operator must stand on one line. Write it as "[*]", without a newline in it.'
    return _error("E-SYNTAX-SPLAT", "Invalid splat operator", detail, source, start, end)
