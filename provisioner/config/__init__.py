"""From files to the typed Configuration: modules, variables, expansion, decoding, checks."""

from .loader import Loaded, load

__all__ = ["Loaded", "load"]
