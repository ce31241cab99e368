"""`python -m provisioner.sandbox aws PORT TOKEN google PORT TOKEN`: several embedded clouds in one process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from ..registry import Registry
from .cloud import HostedCloud, installed_clouds

_ENDS = {signal.SIGTERM, signal.SIGINT}


def main(arguments: Sequence[str]) -> None:
    """Serve every cloud named until the process is told to end, or until one of them fails: they live together."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before there are threads, which inherit it
    threading.excepthook = _end
    clouds = installed_clouds(Registry())
    for name, port, token in zip(arguments[::3], arguments[1::3], arguments[2::3], strict=True):
        cloud = clouds[name]
        if not isinstance(cloud, HostedCloud):
            raise TypeError(f"the {name} sandbox cannot share a process")
        threading.Thread(target=cloud.run, args=(int(port), token), name=name, daemon=True).start()
    signal.sigwait(_ENDS)


def _end(failure: threading.ExceptHookArgs) -> None:
    """A cloud that failed takes the process with it: `sandbox up` sees that it ended, and its log says why."""
    sys.excepthook(failure.exc_type, failure.exc_value or failure.exc_type(), failure.exc_traceback)
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
