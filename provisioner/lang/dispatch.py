"""The evaluator of each kind of expression. evaluate.py fills the table; the modules it is made of call through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .scope import Scope
from .values import Value

EVAL: Final[dict[type, Callable[[Any, Scope], Value]]] = {}
