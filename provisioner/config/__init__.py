"""From files to the typed Configuration: modules, variables, expansion, decoding, checks."""

from .loader import Loaded, Opened, load, open_scope

__all__ = ["Loaded", "Opened", "load", "open_scope"]
