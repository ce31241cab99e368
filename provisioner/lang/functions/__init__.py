"""The functions of the language. `lookup(name)` imports the module that holds a function when it is first called."""

from __future__ import annotations

from .registry import NAMES, REFUSED, Function, FunctionError, Param, lookup

__all__ = ["NAMES", "REFUSED", "Function", "FunctionError", "Param", "lookup"]
