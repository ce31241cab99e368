"""The Google Cloud emulator: IAM and what grants are made on, in memory, REST and gRPC on one loopback port.

In a process::

    from provisioner_google.sandbox import start

    with start() as emulator:                     # start(port=0, seeds=None, token="", **switches) -> Emulator
        emulator.endpoint                         # "http://127.0.0.1:PORT", for every Google service
        emulator.state.add_project("my-project")  # see State: add_organization, add_folder, add_group, seeds.plant
        emulator.switches.propagation_delay = 5   # see Switches
        emulator.fail("ABORTED", "cloudresourcemanager.projects.setIamPolicy", times=2)
        emulator.clock.advance(3600)
        emulator.calls                            # method id -> how often
        emulator.reset()
        emulator.stop()                           # or leave the block

On its own: `python -m provisioner_google.sandbox --port 8085 [--seeds FILE] [--enforce] [--quotas] [--on-demand]`.
`/_emulator/` steers it over HTTP (see `control`).

REST: each service's own paths under the endpoint (`/v1/projects/P/serviceAccounts`, `/v3/projects/P:getIamPolicy`,
`/storage/v1/b/B/iam`, `/bigquery/v2/…`). gRPC: plaintext, `grpc.insecure_channel("127.0.0.1:PORT")`. The bearer token
is the principal: `Authorization: Bearer serviceAccount:NAME@PROJECT.iam.gserviceaccount.com`; without one, and without
`enforce`, everything is allowed.

What is emulated, from which source, and what is not: docs/reference/google-emulator.md. Nothing here has been run
against the live cloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import Json
    from .server import Emulator

__all__ = ["start"]


def start(port: int = 0, seeds: Json | None = None, token: str = "", **switches: Any) -> Emulator:
    """A running emulator on a thread. Port 0 takes a free one; `seeds` replaces `seeds.DEFAULT`; `token` is what the
    health path answers with; the rest are fields of `Switches`. Raises OSError when the port is taken."""
    from .server import Emulator

    return Emulator(port, seeds, token, switches)
