"""A Terraform state as plain resources: version 4, which Terraform since 0.12 and OpenTofu write.

Source: opentofu `internal/states/statefile/version4.go`. Everything in it is somebody else's text: what does not have
the form is refused with the place, and nothing of it is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..lang.strings import quote
from ..model.diagnostics import DiagnosticError

MOST_BYTES: Final = 256 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MODULE = re.compile(r'module\.[A-Za-z_][A-Za-z0-9_-]*(\[("(?:[^"\\]|\\.)*"|\d+)\])?(\.|$)')
_INSTANCE_KEY = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')


def read_state(path: Path) -> tuple[dict[str, Any], ...]:
    """Managed resources, one item an instance: `address` (with its instance key), `type`, `values` (the attributes).

    Raises DiagnosticError (E-TFSTATE) for a file that cannot be read or is no state.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _bad(path, f"it is larger than {MOST_BYTES // 1024 // 1024} MB")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DiagnosticError.of("E-FILE", f"Cannot read {path}: {error.strerror}", "Name a state file.") from error
    except UnicodeDecodeError as error:
        raise _bad(path, "it is not UTF-8") from error
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"it is no JSON: {error}") from error
    if not isinstance(state, dict) or "version" not in state:
        raise _bad(path, "it is JSON, and no state: it has no version")
    if state["version"] != 4:
        raise _bad(path, f"its version is {state['version']!r}, and this reads 4")
    resources = state.get("resources", [])
    if not isinstance(resources, list):
        raise _bad(path, "resources is no list")
    return tuple(
        item for at, resource in enumerate(resources) for item in _instances(path, resource, f"resources[{at}]")
    )


def without_keys(address: str) -> str:
    """An address as a `removed` block of Terraform takes it: all instances at once."""
    return _INSTANCE_KEY.sub("", address)


def _instances(path: Path, resource: Any, place: str) -> Iterator[dict[str, Any]]:
    if not isinstance(resource, dict):
        raise _bad(path, f"{place} is no object")
    if resource.get("mode") != "managed":
        return
    names = [resource.get("type"), resource.get("name")]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        raise _bad(path, f"{place} has no type and name")
    module = resource.get("module", "")
    if not isinstance(module, str) or _MODULE.sub("", module):
        raise _bad(path, f"{place}.module is no module's address")
    instances = resource.get("instances", [])
    if not isinstance(instances, list):
        raise _bad(path, f"{place}.instances is no list")
    for at, instance in enumerate(instances):
        values = instance.get("attributes") if isinstance(instance, dict) else None
        if not isinstance(values, dict):
            raise _bad(path, f"{place}.instances[{at}] has no attributes")
        key = instance.get("index_key")
        if key is not None and (not isinstance(key, str | int) or isinstance(key, bool)):
            raise _bad(path, f"{place}.instances[{at}].index_key is neither text nor number")
        index = "" if key is None else f"[{quote(key) if isinstance(key, str) else key}]"
        address = ".".join([*([module] if module else []), *map(str, names)]) + index
        yield {"address": address, "type": names[0], "values": values}


def _bad(path: Path, why: str) -> DiagnosticError:
    return DiagnosticError.of(
        "E-TFSTATE",
        f"{path} is no Terraform state that can be read: {why}",
        "Nothing was written. `terraform state pull > state.json` writes the state of a backend as it is now.",
    )
