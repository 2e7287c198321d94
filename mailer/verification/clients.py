"""Who asks: the network address that limits count, in the form in which one attacker is one client."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# What a provider gives to one customer at least: RFC 6177 §2.
_NETWORK_BITS = 64


def client_key(address: str) -> str:
    """The client behind an IP address: an IPv4 address, or the /64 network of an IPv6 address.

    A text that is no IP address is returned as it is: it may be a session's or a device's id.

    Example:
        >>> client_key("2001:db8::7:1"), client_key("::ffff:192.0.2.7"), client_key("device-7")
        ('2001:db8::', '192.0.2.7', 'device-7')
    """
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.strip())
    except ValueError:
        return address.strip()
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((int(parsed), _NETWORK_BITS), strict=False).network_address)
    return str(parsed)
