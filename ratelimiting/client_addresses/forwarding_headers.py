"""Parse the forwarding headers from the right, where the nearest proxy wrote, in linear time and bounded length.

Proxies append. What a client sent is on the left, however long or malformed it is, and is read last or not at all:
neither an open quote nor padding can hide what a proxy wrote after it, or choose the address that is found.
"""

from collections.abc import Callable, Iterator

# Only so many characters are read, from the end. Eight proxies that all write IPv6 with ports need about 400.
LONGEST_HEADER = 1024
# More than any real chain of proxies has; a longer one is padding.
LONGEST_CHAIN = 32
_BLANK = " \t"

HeaderReader = Callable[[str], Iterator[str]]


def addresses_from_right(header: str, read: HeaderReader) -> tuple[list[str], bool]:
    """Return the addresses in a header as written, nearest first, and whether some were left out."""
    text = header[-LONGEST_HEADER:]
    is_cut = len(text) < len(header)
    found: list[str] = []
    for address in read(text):
        if len(found) == LONGEST_CHAIN:
            return found, True
        found.append(address)
    # The leftmost element was cut.
    return (found[:-1] if is_cut else found), is_cut


def x_forwarded_for(text: str) -> Iterator[str]:
    """Yield the addresses of an X-Forwarded-For header, from the right."""
    return reversed(text.split(","))


def forwarded(text: str) -> Iterator[str]:
    """Yield the `for` of each element of a Forwarded header, from the right (RFC 7239, 4).

    An element without it yields an empty string, which ends the search: its proxy names no client.
    """
    for element in _split_from_right(text, ","):
        yield next((value for name, value in map(_pair, _parameters(element)) if name == "for"), "")


def _parameters(element: str) -> list[str]:
    return list(_split_from_right(element, ";"))[::-1]


def _split_from_right(text: str, separator: str) -> Iterator[str]:
    """Split at separators outside of quoted strings (RFC 9110, 5.6.4); yield the last part first."""
    end, is_quoted = len(text), False
    for position in range(len(text) - 1, -1, -1):
        character = text[position]
        if character == '"':
            is_quoted ^= not _is_escaped(text, position)
        elif character == separator and not is_quoted:
            yield text[position + 1 : end]
            end = position
    # The number of quotes is odd: the parts to the left can't be told apart.
    yield "" if is_quoted else text[:end]


def _is_escaped(text: str, position: int) -> bool:
    """Return whether an odd number of backslashes precedes a quote. Each backslash is read for one quote only."""
    start = position
    while start and text[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 1


def _pair(parameter: str) -> tuple[str, str]:
    """Return the name in lower case and the value without its quotes."""
    name, _, value = parameter.partition("=")
    value = value.strip(_BLANK)
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _unescaped(value[1:-1])
    return name.strip(_BLANK).lower(), _without_obfuscated_port(value)


def _unescaped(text: str) -> str:
    """Remove the backslash of each quoted pair (RFC 9110, 5.6.4)."""
    return "\\".join(part.replace("\\", "") for part in text.split("\\\\"))


def _without_obfuscated_port(node: str) -> str:
    """Remove an obfuscated port (RFC 7239, 6.2 and 6.3): only the address of a node is needed."""
    address, colon, port = node.rpartition(":")
    return address if colon and port.startswith("_") and not node.startswith("_") else node
