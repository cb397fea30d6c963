"""What may go wrong between here and a server, in words that a user can act on.

No message carries a secret: requests' own texts hold whole URLs, so they are never quoted.
"""

import errno
import math
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3

from src.errors import UserError

LONGEST_WAIT = 120.0  # seconds; a server may ask for hours
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524}


class Passing(Exception):
    """A fault that another try may not meet.

    Attributes:
        error: what to raise when no try is left.
        wait: seconds that the server asks for, None where it says nothing.
    """

    def __init__(self, error: UserError, wait: float | None = None) -> None:
        super().__init__(error.what)
        self.error, self.wait = error, wait


def redact(url: str) -> str:
    """The URL without user, password, query values and fragment, fit for messages."""
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{host}{parts.path}" + ("?..." if parts.query else "")


def refused(response: requests.Response, url: str) -> UserError | Passing:
    """The error of a response whose status is 400 or above."""
    status, shown = response.status_code, redact(url)
    if status in _WORTH_ANOTHER_TRY:
        error = UserError(
            f"{shown}: the server answers {status}",
            "it limits how often one may ask" if status == 429 else "it is out of order or overloaded",
            "try again later; what has been downloaded is kept and gone on from",
        )
        return Passing(error, _wait_asked(response.headers))
    if status in (401, 403):
        return UserError(
            f"{shown}: the server answers {status}: access refused",
            "the files are behind a login, or behind terms that have to be accepted first",
            "accept the terms on the publisher's page and check the login, or download the files by hand",
        )
    if status in (404, 410):
        return UserError(
            f"{shown}: the server answers {status}: no such file",
            "the publisher has moved or withdrawn it",
            "look for its new address on the publisher's page, or give a folder you already have",
        )
    return UserError(f"{shown}: the server answers {status}", fix="check the address and the publisher's page")


def broken(fault: Exception, url: str) -> UserError | Passing:
    """The error of a request or a transfer that ended in an exception of requests or urllib3."""
    shown, causes = redact(url), list(_causes(fault))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return UserError(
            f"{shown}: the server's certificate cannot be verified",
            "a proxy in between, old CA certificates, or a wrong clock",
            "set REQUESTS_CA_BUNDLE to your proxy's CA file, or correct the clock",
        )
    if isinstance(fault, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | ValueError):
        return UserError(f"{shown}: not a URL that can be asked for", fix="give an http(s) address")
    if isinstance(fault, requests.exceptions.TooManyRedirects):
        return UserError(f"{shown}: the server sends from page to page without end", "often a login that has expired")
    what, why, fix = f"{shown}: connection broken", "", "what has been downloaded is kept: run it again to go on"
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        what, fix = f"{shown}: the proxy cannot be reached", "check HTTP_PROXY and HTTPS_PROXY"
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        what, why = (
            f"{shown}: no secure connection (TLS)",
            "the connection was altered on its way, or is not TLS at all",
        )
    elif any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes):
        what, why = f"{shown}: its name cannot be resolved", "no network, no DNS, or a mistyped host"
        fix = "check the network; without one, give a folder you already have"
    elif any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        what, why = f"{shown}: cannot be connected to", "no network, a firewall, or no server at that port"
        fix = "check the network; without one, give a folder you already have"
    elif any(isinstance(cause, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError) for cause in causes):
        what, why = f"{shown}: no answer in time", "a slow or blocked network, or a server that hangs"
    return Passing(UserError(what, why, fix))


def disk_fault(fault: OSError, path: Path) -> UserError:
    """The error of a write that the file system refused."""
    if fault.errno in _FULL_DISK:
        return UserError(
            f"{path}: the disk is full", "", f"free space below {path.parent}; what has been downloaded is kept"
        )
    return UserError(f"{path}: cannot be written", str(fault.strerror or fault), "choose another place")


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps: requests keep urllib3's in args, urllib3 its own in `reason`."""
    waiting: list[object] = [fault]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _wait_asked(headers: Mapping[str, str]) -> float | None:
    """Seconds by Retry-After, a number or a date (RFC 9110, 10.2.3), or by X-RateLimit-Reset, seconds since 1970."""
    asked, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    try:
        wait = float(asked) if asked or not reset else float(reset) - time.time()
    except ValueError:
        try:
            wait = parsedate_to_datetime(asked).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(wait, 0.0), LONGEST_WAIT) if math.isfinite(wait) else None
