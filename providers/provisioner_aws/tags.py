"""What IAM takes as a role's tags: how many, how long, of which characters.

Sources: IAM User Guide, «Rules for tagging in IAM and AWS STS»; IAM API reference, Tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from provisioner.model.configuration import Agent
from provisioner.model.diagnostics import Diagnostic
from provisioner.model.source import SourceRange

from .compile import own_tags
from .limits import LIMITS

_TAKEN = re.compile(r"[\w\s.:/=+@-]*")
"""Letters and digits of any script, and these."""


def check_tags(agent: Agent, marks: Mapping[str, str]) -> Iterable[Diagnostic]:
    """The identity's own tags together with the mark, three tags of ours."""
    own, source = own_tags(agent), agent.identities["aws"].settings.range_of("tags")
    for value in marks.values():
        yield from _length("tag_value", value, f"The tag {value[:40]!r}… of {agent.address}", agent.range)
    count = len({*own, *marks})
    if count > LIMITS["tags"].most:
        yield _exceeded("tags", count, f"The role of {agent.address}, the mark included,", source)
    for key, value in own.items():
        yield from _length("tag_key", key, f"The tag key {key[:40]!r}… of {agent.address}", source)
        yield from _length("tag_value", value, f"The tag {key[:40]!r} of {agent.address}", source)
        strange = next((text for text in (key, value) if not _TAKEN.fullmatch(text)), None)
        if strange is not None or not key:
            yield Diagnostic(
                "E-AWS-TAG",
                f"{agent.address}: {strange or key!r} is no tag that IAM takes",
                "Keys and values have letters, digits, spaces and _.:/=+-@, and a key is not empty.",
                subject=source,
            )


def _length(limit: str, text: str, what: str, source: SourceRange | None) -> Iterable[Diagnostic]:
    if len(text) > LIMITS[limit].most:
        yield _exceeded(limit, len(text), what, source)


def _exceeded(limit: str, got: int, what: str, source: SourceRange | None) -> Diagnostic:
    rule = LIMITS[limit]
    return Diagnostic(
        "E-AWS-SIZE",
        f"{what} has {got} {rule.unit}; AWS takes {rule.most}",
        f"The limit is for {rule.what}. {rule.way_out}",
        subject=source,
    )
