"""The addresses of NATS servers, apart from the user and password that a setting has in them."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from linkweir.errors import SettingsError

NATS_PORT = 4222


@dataclass(frozen=True)
class NatsServers:
    """Where to connect, and as whom; `urls` hold no secret."""

    urls: tuple[str, ...]
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def parse_nats_servers(text: str) -> NatsServers:
    """The servers of a setting. Raises SettingsError, whose text holds nothing of it: it may have a password."""
    urls, logins = [], set()
    try:
        for item in text.split(","):
            parts = urlsplit(item.strip())
            if parts.scheme not in ("nats", "tls") or not parts.hostname or parts.path.strip("/"):
                raise ValueError
            host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
            urls.append(f"{parts.scheme}://{host}:{parts.port or NATS_PORT}")
            logins.add((parts.username, parts.password))
    except ValueError:
        raise SettingsError(
            "LINKWEIR_NATS_URL: must be addresses like nats://user:password@host:4222, separated by commas"
        ) from None
    if len({url.partition(":")[0] for url in urls}) > 1 or len(logins - {(None, None)}) > 1:
        raise SettingsError("LINKWEIR_NATS_URL: all servers need the same scheme, user and password")
    user, password = next(iter(logins - {(None, None)}), (None, None))
    if password is None:
        return NatsServers(tuple(urls), token=None if user is None else unquote(user))
    return NatsServers(tuple(urls), user=unquote(user or ""), password=unquote(password))
