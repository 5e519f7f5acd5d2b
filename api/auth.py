"""Who asks, and what they may see.

A tokens file (`HAWSER_API_TOKENS`) is YAML: a list of `name`, `sha256` (of the token, hexadecimal)
and `clearance`. With one, every request needs `Authorization: Bearer TOKEN`. Without one only this
machine is served, with the clearance of the settings: the address must be a loopback address, the
request must not have come through a proxy, and it must name a local host, so that no web page can
reach the service under a name of its own.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from api.errors import Refused
from graph import access
from graph.errors import SettingsError
from graph.settings import Settings

_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Caller:
    """Who asks. `name` goes into logs and the audit trail."""

    name: str
    clearance: str


@dataclass(frozen=True)
class Token:
    """A caller and the SHA-256 of its token."""

    caller: Caller
    sha256: str


class Gate:
    """Lets requests in. Made once, from the settings."""

    def __init__(self, settings: Settings) -> None:
        """Read the tokens file.

        Raises:
            SettingsError: the file cannot be read or has another form.
        """
        access.level(settings.clearance)
        self._local = Caller("local", settings.clearance)
        self._tokens = read_tokens(settings.api_tokens) if settings.api_tokens.name else None

    def caller(self, client: str | None, headers: Mapping[str, str]) -> Caller:
        """Who asks; `headers` has lower-case names.

        Raises:
            Refused: no token, a wrong one, or not from this machine where there are no tokens.
        """
        if self._tokens is None:
            return self._local_caller(client, headers)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        digest = hashlib.sha256(token.strip().encode()).hexdigest()
        found = None
        for known in self._tokens:  # all of them, so that the time taken tells nothing
            if hmac.compare_digest(known.sha256, digest):
                found = known.caller
        if found is None or scheme.lower() != "bearer":
            raise Refused("no valid token", hint="send Authorization: Bearer TOKEN")
        return found

    def _local_caller(self, client: str | None, headers: Mapping[str, str]) -> Caller:
        host = _host(headers.get("host", ""))
        proxied = any(name in headers for name in _PROXIED)
        if not _loopback(client) or proxied or host not in _LOCAL:
            raise Refused(
                "only this machine is served", hint="set HAWSER_API_TOKENS to serve others"
            )
        return self._local


def read_tokens(path: Path) -> tuple[Token, ...]:
    """The tokens of a file.

    Raises:
        SettingsError: it cannot be read or has another form; the message shows none of it.
    """
    wrong = SettingsError(
        f"{path} is no tokens file", hint="list name, sha256 and clearance of each token"
    )
    try:
        rows = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise wrong from error
    if not isinstance(rows, list) or not rows:
        raise wrong
    tokens = []
    for row in rows:
        if not isinstance(row, dict) or set(row) != {"name", "sha256", "clearance"}:
            raise wrong
        digest = str(row["sha256"]).lower()
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise wrong
        access.level(row["clearance"])
        tokens.append(Token(Caller(str(row["name"]), row["clearance"]), digest))
    return tuple(tokens)


def _loopback(client: str | None) -> bool:
    try:
        return client is not None and ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _host(header: str) -> str:
    """The host of a `Host` header without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()
