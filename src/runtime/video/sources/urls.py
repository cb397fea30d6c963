"""Addresses of streams, and how they are shown without what is secret in them."""

import re

from src.errors import UserError

STREAMING = ("rtsp", "rtsps", "rtmp", "rtmps")
WEB = ("http", "https")
SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
# Greedy up to the last @, because passwords hold @ and / unescaped; a path with an @ loses more than it must.
USER = re.compile(r"([a-z][a-z0-9+.-]+://)[^\s'\"<>]*@", re.IGNORECASE)
# Values of every name: which of them are secret is anybody's guess.
VALUE = re.compile(r"([?&;#/][^=&;#/\s'\"<>]+=)[^&;#\s'\"<>]+")
HIDDEN = "***"


def is_url(given: str) -> bool:
    return SCHEME.match(given) is not None


def is_stream(url: str) -> bool:
    """Whether an address is of a protocol for live streams.

    Raises:
        UserError: of none that is known here.
    """
    scheme = SCHEME.match(url).group(1).lower()
    if scheme not in STREAMING + WEB:
        known = ", ".join(f"{name}://" for name in STREAMING + WEB)
        raise UserError(f"{shown(url)}: addresses of this kind cannot be played", fix=f"give one of: {known}")
    return scheme in STREAMING


def shown(url: str) -> str:
    """An address as messages, titles and logs show it: user, password and every value hidden; a path is itself.

    Cameras take values in the path too: rtsp://host/user=admin&password=x&channel=1.
    """
    if not is_url(url):
        return url
    hidden = re.sub(r"://.*@", f"://{HIDDEN}@", url, count=1, flags=re.DOTALL)
    return re.sub(r"([?&;#/][^=&;#/]+=)[^&;#]*", rf"\1{HIDDEN}", hidden)


def redacted(text: str, *urls: str) -> str:
    """A text with every address in it as `shown`; `urls` are known to occur, with spaces or quotes in them maybe."""
    for url in urls:
        text = text.replace(url, shown(url))
    return re.sub(r"\S+://\S+", lambda found: VALUE.sub(rf"\1{HIDDEN}", found.group()), USER.sub(rf"\1{HIDDEN}@", text))
