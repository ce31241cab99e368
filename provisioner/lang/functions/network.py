"""Functions of IP networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from ..arithmetic import Number
from ..types import NUMBER, STRING
from ..values import Value, string_list
from .numeric import whole
from .registry import FunctionError, Param, function

Network: TypeAlias = IPv4Network | IPv6Network
_PREFIX = Param("prefix", STRING)


def _network(value: str, argument: int | None = None) -> Network:
    address, slash, bits = value.partition("/")
    error = FunctionError(f"invalid CIDR expression: invalid CIDR address: {value}", argument)
    if not slash or not bits.isdigit() or not bits.isascii() or len(bits) > 3 or "%" in address:
        raise error
    if ":" not in address:
        # Leading zeros are decimal, as they always were here; the standard library refuses them.
        parts = address.split(".")
        if not all(part.isdigit() and part.isascii() for part in parts):
            raise error
        address = ".".join(part.lstrip("0") or "0" for part in parts)
    try:
        return ip_network(f"{address}/{int(bits)}", strict=False)
    except ValueError as err:
        raise error from err


@function("cidrhost", _PREFIX, Param("hostnum", NUMBER))
def _cidrhost(prefix: str, hostnum: Number) -> Value:
    number = whole(hostnum, 1)
    network = _network(prefix)
    size = network.num_addresses
    if number >= size or -number > size:
        raise FunctionError(f"prefix of {network.prefixlen} does not accommodate a host numbered {number}")
    return str(network.network_address + (number if number >= 0 else size + number))


@function("cidrnetmask", _PREFIX)
def _cidrnetmask(prefix: str) -> Value:
    network = _network(prefix)
    if isinstance(network, IPv6Network):
        raise FunctionError(f"IPv6 addresses cannot have a netmask: {prefix}")
    return str(network.netmask)


@function("cidrsubnet", _PREFIX, Param("newbits", NUMBER), Param("netnum", NUMBER))
def _cidrsubnet(prefix: str, newbits: Number, netnum: Number) -> Value:
    bits, number = whole(newbits, 1), whole(netnum, 2)
    network = _network(prefix)
    length = network.prefixlen + bits
    if length > network.max_prefixlen:
        raise FunctionError(f"insufficient address space to extend prefix of {network.prefixlen} by {bits}")
    if bits < 0 or number < 0:
        raise FunctionError("newbits and netnum must not be negative", 1 if bits < 0 else 2)
    if number >= 1 << bits:
        raise FunctionError(f"prefix extension of {bits} does not accommodate a subnet numbered {number}")
    return _made(network, int(network.network_address) + (number << (network.max_prefixlen - length)), length)


def _made(network: Network, address: int, length: int) -> str:
    base = network.network_address
    text = str(IPv4Address(address) if isinstance(base, IPv4Address) else type(base)(address))
    return f"{text}/{length}"


@function("cidrsubnets", _PREFIX, variadic=Param("newbits", NUMBER))
def _cidrsubnets(prefix: str, *newbits: Number) -> Value:
    network = _network(prefix, 0)
    start = int(network.network_address)
    end = start + network.num_addresses
    at = start
    previous = str(network)
    out: list[str] = []
    for i, given in enumerate(newbits):
        bits = whole(given, i + 1)
        if bits < 1:
            raise FunctionError("must extend prefix by at least one bit", i + 1)
        if bits > 32:
            raise FunctionError("may not extend prefix by more than 32 bits", i + 1)
        length = network.prefixlen + bits
        if length > network.max_prefixlen:
            raise FunctionError(
                f"would extend prefix to {length} bits, which is too long for an IPv{network.version} address", i + 1
            )
        size = 1 << (network.max_prefixlen - length)
        at = -(-at // size) * size
        if at + size > end:
            raise FunctionError(
                f"not enough remaining address space for a subnet with a prefix of {length} bits after {previous}",
                i + 1,
            )
        previous = _made(network, at, length)
        out.append(previous)
        at += size
    return string_list(out)
