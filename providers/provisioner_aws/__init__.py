"""AWS behind the provider protocol. Importing it costs nothing: every cloud library is loaded where it is used."""

from .aws import AWS

provider = AWS()
"""The entry point `provisioner.providers`."""

__all__ = ["AWS", "provider"]
