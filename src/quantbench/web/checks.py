"""Check a request before it is read: each check raises RefusedError with its reason."""

from __future__ import annotations

import ipaddress
import re
from email.message import Message
from urllib.parse import urlsplit

from quantbench.errors import QuantbenchError
from quantbench.web.strokes import Stroke

MAX_BYTES = 16 * 2**20
TYPES = ("image/png", "image/jpeg")
PAGE, NUMBER = "Quantbench-Page", "Quantbench-Stroke"
"""The headers that tell which page a drawing is of, and how many it has sent."""

_PAGE_NAME = re.compile(r"[0-9a-f]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,15}")


class RefusedError(QuantbenchError):
    """A request is refused; the message is the reason, and `status` the HTTP status, 4xx."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def require_host(headers: Message, bound: str, port: int) -> str:
    """The Host header of a request to this server. Raises RefusedError for another host's.

    A page of another site whose name was made to resolve to this machine (DNS rebinding) sends
    that name. An address is no name: it is accepted where it is a loopback address, or where the
    server is `bound` to more than this machine.
    """
    hosts = headers.get_all("Host", [])
    if len(hosts) != 1:
        raise RefusedError(400, "a request needs one Host header")
    try:
        parts = urlsplit(f"//{hosts[0]}")
        name, asked_port = parts.hostname or "", 80 if parts.port is None else parts.port
    except ValueError:
        raise RefusedError(400, "the Host header can't be read") from None
    if parts.netloc != hosts[0] or "@" in hosts[0] or asked_port != port:
        raise RefusedError(421, "this server isn't the host that was asked for")
    if name != "localhost" and not _is_address(name, only_loopback=is_loopback(bound)):
        raise RefusedError(421, "this server isn't the host that was asked for")
    return hosts[0]


def require_same_origin(headers: Message, host: str) -> None:
    """Raise RefusedError for a request that a page of another origin makes.

    Browsers send Origin with every POST, and Sec-Fetch-Site with every request to this machine.
    """
    origins = headers.get_all("Origin", [])
    if any(origin.lower() != f"http://{host}".lower() for origin in origins):
        raise RefusedError(403, "a page of another origin may not ask this server")
    if any(
        site not in {"same-origin", "none"} for site in headers.get_all("Sec-Fetch-Site", ["none"])
    ):
        raise RefusedError(403, "a page of another site may not ask this server")


def require_picture(headers: Message) -> int:
    """The bytes of a picture in a request's body, by its headers. Raises RefusedError."""
    if headers.get_content_type() not in TYPES or "Content-Type" not in headers:
        raise RefusedError(415, "send a picture as image/png or image/jpeg")
    lengths = headers.get_all("Content-Length", [])
    if "Transfer-Encoding" in headers or len(lengths) != 1:
        raise RefusedError(411, "a picture needs one Content-Length")
    if not _DIGITS.fullmatch(lengths[0]):
        raise RefusedError(400, "Content-Length is no number of bytes")
    length = int(lengths[0])
    if length == 0:
        raise RefusedError(400, "the picture is empty")
    if length > MAX_BYTES:
        raise RefusedError(413, f"the picture is over {MAX_BYTES >> 20} MiB; send a smaller one")
    return length


def stroke_of(headers: Message) -> Stroke | None:
    """The drawing that a request sends, where a page numbers its drawings. Raises RefusedError."""
    page, number = headers.get(PAGE), headers.get(NUMBER)
    if page is None and number is None:
        return None
    if not _PAGE_NAME.fullmatch(page or "") or not _DIGITS.fullmatch(number or ""):
        raise RefusedError(400, f"{PAGE} and {NUMBER} come together: hexadecimal, a number")
    return Stroke(str(page), int(str(number)))


def is_loopback(host: str) -> bool:
    """Whether an address reaches this machine alone; "localhost" does."""
    return host == "localhost" or _is_address(host, only_loopback=True)


def _is_address(text: str, *, only_loopback: bool) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_loopback or not only_loopback
