"""What a provider may offer beside `Provider`: judging plain documents, without a configuration, a world or a network.

Both are optional. The core asks the registry for the provider of a cloud and whether it has the method; a cloud that
has none is answered with a diagnostic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..model.changes import Effect
from ..model.requests import Decision


@runtime_checkable
class DocumentEvaluator(Protocol):
    """A provider that judges a request which brings its policies along."""

    def evaluate_document(self, request: Mapping[str, Any]) -> Decision:
        """Judge one request, given as parsed JSON; the form is the provider's own. Pure.

        Raises DiagnosticError for what is no request or no policy; what the policies leave open is DEPENDS.
        """


@dataclass(frozen=True, slots=True)
class DocumentComparison:
    """What NEW lets somebody do that OLD does not, and the other way round.

    `witness` is a request that NEW allows and OLD does not, in the form that `evaluate_document` takes, and
    `witness_words` the same for a reader; both empty unless `effect` is WIDER. `alone` is false where the witness is
    one that OLD denied outright and NEW no longer does, so that another policy must allow it, too.
    """

    effect: Effect
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    reason: str = ""
    witness: Mapping[str, Any] | None = None
    witness_words: str = ""
    alone: bool = True


@runtime_checkable
class DocumentComparer(Protocol):
    """A provider that compares two policies of one kind."""

    def comparison_kinds(self) -> tuple[str, ...]:
        """The kinds of policy that it compares, the usual one first."""

    def check_document(self, document: Mapping[str, Any], kind: str) -> None:
        """Raises DiagnosticError for what is no policy; `statement N` in its summary says where."""

    def compare_documents(self, old: Mapping[str, Any], new: Mapping[str, Any], kind: str) -> DocumentComparison:
        """Compare two documents that `check_document` takes. Pure and capped in time."""
