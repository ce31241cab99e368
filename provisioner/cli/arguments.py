"""The command line as Terraform's users type it, turned into what Typer takes.

Long options work with one dash and with two, with `=` and with a space; flags take `=true` and `=false`. The result
puts every option into the `--name=value` form and every positional argument behind `--`, so that nothing is taken
for what it is not (`-var 'a=-b'`, a negative number, a value that looks like an option).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..lang.suggest import nearest

HELP = ("help", "h")
_TRUE = ("true", "1")
_FALSE = ("false", "0")


class UsageProblem(Exception):
    """The command line cannot be understood; the message is one line, `hint` the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Normalised:
    """Arguments for Typer, and the options that every command has."""

    arguments: tuple[str, ...]
    no_color: bool = False
    help: bool = False


@dataclass(frozen=True, slots=True)
class Globals:
    """What stands before the command."""

    rest: tuple[str, ...]
    chdir: str | None = None
    no_color: bool = False
    help: bool = False
    version: bool = False
    completion: bool = False


def split_globals(argv: Sequence[str]) -> Globals:
    """Take the options before the command off. Raises UsageProblem."""
    chdir: str | None = None
    flags = {"no-color": False, "help": False, "version": False, "completion": False}
    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at] not in ("-", "--"):
        name, _, value = argv[at].lstrip("-").partition("=")
        if name == "chdir":
            if "=" not in argv[at]:
                at += 1
                if at == len(argv):
                    raise UsageProblem("the option -chdir needs a folder", "provisioner -chdir=DIR plan")
                value = argv[at]
            chdir = value
        elif name in HELP or name in ("no-color", "version"):
            flags["help" if name in HELP else name] = True
        elif name in ("install-completion", "show-completion"):
            flags["completion"] = True
            break
        else:
            raise UsageProblem(*_unknown_global(argv[at], name))
        at += 1
    return Globals(tuple(argv[at:]), chdir, flags["no-color"], flags["help"], flags["version"], flags["completion"])


def _unknown_global(given: str, name: str) -> tuple[str, str]:
    if name in ("json", "out", "var", "detailed-exitcode", "target"):
        return f"the option {given} goes after the command", f"provisioner COMMAND {given}"
    near = nearest(name, ("chdir", "help", "no-color", "version"))
    hint = f"did you mean -{near}?" if near else "before the command stand -chdir=DIR, -no-color, -help and -version"
    return f"there is no option {given} before the command", hint


def normalise(args: Sequence[str], options: Mapping[str, bool]) -> Normalised:
    """Read one command's arguments. `options` maps each long name, without dashes, to whether it takes a value.

    Raises UsageProblem for an unknown option, a missing or unwanted value.
    """
    out: list[str] = []
    positional: list[str] = []
    no_color = help_asked = False
    at = 0
    while at < len(args):
        given = args[at]
        at += 1
        if given == "--":
            positional += args[at:]
            break
        if not _is_option(given):
            positional.append(given)
            continue
        name, equals, value = given.lstrip("-").partition("=")
        if name in HELP:
            help_asked = True
        elif name == "no-color":
            no_color = no_color or _flag(given, equals, value)
        elif name not in options:
            raise UsageProblem(*_unknown(given, name, options))
        elif not options[name]:
            if _flag(given, equals, value):
                out.append(f"--{name}")
        else:
            if not equals:
                value = _next_value(given, args, at, options)
                at += 1
            out.append(f"--{name}={value}")
    return Normalised((*out, "--", *positional), no_color, help_asked)


def _is_option(given: str) -> bool:
    if len(given) < 2 or not given.startswith("-"):
        return False
    return not given[1].isdigit()


def _flag(given: str, equals: str, value: str) -> bool:
    if not equals or value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise UsageProblem(f"the option {given} is a flag and takes no value", "write it alone, or with =true or =false")


def _next_value(given: str, args: Sequence[str], at: int, options: Mapping[str, bool]) -> str:
    """The argument after an option that takes a value; not one that is itself an option of this command."""
    if at >= len(args) or args[at] == "--":
        raise UsageProblem(f"the option {given} needs a value", f"{given}=VALUE")
    following = args[at]
    name = following.lstrip("-").partition("=")[0]
    if _is_option(following) and (name in options or name in HELP or name == "no-color"):
        raise UsageProblem(
            f"the option {given} needs a value, but {following} follows, which is an option",
            f"{given}=VALUE; if the value is meant, write {given}={following}",
        )
    return following


def _unknown(given: str, name: str, options: Mapping[str, bool]) -> tuple[str, str]:
    if name == "chdir":
        return "the option -chdir goes before the command", "provisioner -chdir=DIR COMMAND"
    shown = given.partition("=")[0]
    near = nearest(name, [*options, "help", "no-color"])
    return f"there is no option {shown}", f"did you mean -{near}?" if near else ""
