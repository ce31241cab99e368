"""Google Cloud behind the provider protocol. Importing it costs nothing: every cloud library is loaded where used."""

from .google import Google

provider = Google()
"""The entry point `provisioner.providers`."""

__all__ = ["Google", "provider"]
