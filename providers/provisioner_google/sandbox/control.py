"""The control path `/_emulator/`: health, seeds, switches, clock, counters. Over HTTP, for other processes.

| request | does |
|---|---|
| GET /_emulator/health | `{"cloud": "google", "token": …, "gaps": […]}` |
| POST /_emulator/reset | forgets everything; switches too; the default seeds come back |
| POST /_emulator/seed | adds organisations, folders, projects, resources, groups (see `seeds.Seed`) |
| GET, PATCH /_emulator/switches | reads or sets switches: any field of `Switches`, `faults` as a list of objects |
| POST /_emulator/clock | `{"advance": SECONDS}` |
| GET /_emulator/calls | method id → how often it was called; DELETE sets it to nothing |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields

from .core import Core
from .errors import ApiError, Json
from .seeds import plant
from .switches import Fault, Switches

PREFIX = "/_emulator/"


def controller(
    core: Core, reset: Callable[[], None], health: Json
) -> Callable[[str, str, bytes], tuple[int, Json] | None]:
    """What `rest.serve` asks first: the answer of a control request, None for any other."""

    def answer(verb: str, path: str, body: bytes) -> tuple[int, Json] | None:
        if not path.startswith(PREFIX):
            return None
        try:
            given = json.loads(body) if body.strip() else {}
            return 200, _answer(core, reset, health, verb, path.removeprefix(PREFIX), given)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return 400, {"error": {"code": 400, "message": f"{type(error).__name__}: {error}"}}
        except ApiError as error:
            return error.code, error.body()

    return answer


def _answer(core: Core, reset: Callable[[], None], health: Json, verb: str, what: str, given: Json) -> Json:
    if (verb, what) == ("GET", "health"):
        return health
    if (verb, what) == ("POST", "reset"):
        reset()
        return {}
    with core.state.lock:
        if (verb, what) == ("POST", "seed"):
            plant(core.state, given)
            return {}
        if what == "switches" and verb in ("GET", "PATCH"):
            set_switches(core.state.switches, given if verb == "PATCH" else {})
            return asdict(core.state.switches)
        if (verb, what) == ("POST", "clock"):
            core.state.clock.advance(float(given["advance"]))
            return {"now": core.state.now()}
        if what == "calls" and verb in ("GET", "DELETE"):
            calls = dict(core.calls)
            if verb == "DELETE":
                core.calls.clear()
            return calls
    raise ValueError(f"no such control request: {verb} {PREFIX}{what}")


def set_switches(switches: Switches, given: Json) -> None:
    """Set the named switches. Raises ValueError for one that does not exist."""
    known = {one.name for one in fields(Switches)}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"no switch {name}; there are {', '.join(sorted(known))}")
        setattr(switches, name, [Fault(**one) for one in value] if name == "faults" else value)
