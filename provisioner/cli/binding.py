"""From normalised arguments to a command's own parameters.

Typer declares the commands, writes their help and completes them. It also could do this, but its conversion of
values loads pydantic, which takes longer than all of `validate`; a command here takes strings, numbers and flags.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args, get_origin, get_type_hints

from .arguments import UsageProblem


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command. `option` is its long name without dashes, None for a positional argument.

    `kind` is bool, int or str; `several` says that it may be repeated; `label` is what help calls its value.
    """

    name: str
    option: str | None
    kind: type
    several: bool
    required: bool
    label: str


@dataclass(frozen=True)
class Binding:
    """A command's function and what it takes."""

    function: Callable[..., int]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        hints = get_type_hints(self.function, include_extras=True)
        return tuple(
            _parameter(name, hints[name], parameter.default is inspect.Parameter.empty)
            for name, parameter in inspect.signature(self.function).parameters.items()
            if hasattr(hints[name], "__metadata__")
        )

    @property
    def options(self) -> dict[str, bool]:
        """Every option's long name, and whether it takes a value."""
        return {one.option: one.kind is not bool for one in self.parameters if one.option is not None}

    def values(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The function's keyword arguments from what `normalise` gave. Raises UsageProblem."""
        middle = arguments.index("--")
        by_option = {one.option: one for one in self.parameters if one.option is not None}
        out: dict[str, Any] = {}
        for given in arguments[:middle]:
            name, equals, text = given.removeprefix("--").partition("=")
            one = by_option[name]
            value = _converted(one, text) if equals else True
            if one.several:
                out.setdefault(one.name, []).append(value)
            else:
                out[one.name] = value
        out.update(self._positionals(arguments[middle + 1 :]))
        return out

    def _positionals(self, given: Sequence[str]) -> dict[str, Any]:
        """Positional arguments in order; one that may be repeated takes all that is left."""
        rest = list(given)
        out: dict[str, Any] = {}
        for one in self.parameters:
            if one.option is not None:
                continue
            if not rest and one.required:
                raise UsageProblem(f"the argument {one.label} is missing")
            if rest and one.several:
                out[one.name] = [_converted(one, text) for text in rest]
                rest = []
            elif rest:
                out[one.name] = _converted(one, rest.pop(0))
        if rest:
            raise UsageProblem(f"unexpected argument {rest[0]}")
        return out


def _parameter(name: str, hint: Any, required: bool) -> Parameter:
    """Read `Annotated[list[str] | None, typer.Option("--var", …)]`."""
    kind, info = hint.__origin__, hint.__metadata__[0]
    if get_origin(kind) is types.UnionType:
        kind = next(one for one in get_args(kind) if one is not type(None))
    several = get_origin(kind) is list
    if several:
        kind = get_args(kind)[0]
    # In an Annotated type Typer finds the first name where otherwise the default stands.
    names = (info.default, *(info.param_decls or ()))
    long_names = [one for one in names if isinstance(one, str) and one.startswith("--")]
    option = long_names[0].removeprefix("--") if long_names else None
    return Parameter(name, option, kind, several, required, info.metavar or name.upper())


def _converted(one: Parameter, text: str) -> str | int:
    if one.kind is not int:
        return text
    try:
        return int(text)
    except ValueError:
        shown = f"-{one.option}" if one.option else one.label
        raise UsageProblem(f"{shown} takes a whole number, not {text}") from None
