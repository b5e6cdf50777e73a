"""Normalization of http and https URLs for a comparison (RFC 3986 sections 6.2.2 and 6.2.3)."""

import re
from urllib.parse import urlsplit

PORTS = {"https": 443, "http": 80}
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)


def normalize_without_query(url: str) -> tuple[str, str, int, str] | None:
    """Returns scheme, host, port and path of an absolute http or https URL, None for any other text.

    Scheme and host are in lower case. A missing port is the default one of the scheme. Percent-encodings are in upper
    case, and those of unreserved characters are decoded. The path has no dot segments, and "/" is an empty one. Query
    and fragment are dropped, as RFC 9449 section 4.3 wants it."""
    if not _ALLOWED.fullmatch(url) or re.search(r"%(?![0-9A-Fa-f]{2})", url):
        return None  # urlsplit would silently drop line ends, tabs and spaces
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host or "@" in parts.netloc or port == 0:
        return None
    path = remove_dot_segments(normalize_escapes(parts.path)) or "/"
    return parts.scheme, normalize_escapes(host).lower(), port or PORTS[parts.scheme], path


def normalize_escapes(text: str) -> str:
    """Returns the text with decoded unreserved characters, and all other percent-encodings in upper case."""

    def decode(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in _UNRESERVED else escape[0].upper()

    return _ESCAPE.sub(decode, text)


def remove_dot_segments(path: str) -> str:
    """Returns an absolute path without "." and ".." segments (RFC 3986 section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept) if segments else path
