"""What `linkweir serve` prints when it starts: where things are, and how to sign in and send a first message."""

import shlex
import sys
from urllib.parse import urlsplit

from linkweir import first_start
from linkweir.mail import user_notices
from linkweir.server.processor_count import count_processors
from linkweir.settings import ROLES, WILDCARD_ADDRESSES, Settings
from linkweir.web import send_examples
from linkweir.web.services import AppServices


def local_url(settings: Settings) -> str:
    """Where this machine reaches the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def print_startup_banner(service: AppServices, url: str, create_key: bool, workers: int = 1) -> None:
    """Print where things are, and in one block the secrets made at the first start, which are shown this once.
    `workers`: processes that answer HTTP, 1: and the rest.
    """
    settings = service.settings
    origin = user_notices.operator_url(settings, url)
    secrets = _create_secrets(service, create_key)
    print(f"Linkweir listens on {url}; tracking links begin with {settings.base_url}")
    if urlsplit(settings.base_url).hostname in WILDCARD_ADDRESSES:
        print("              Readers cannot open such links: set --base-url to the public URL of this service.")
    if settings.roles != ROLES:
        print(f"Roles         {', '.join(settings.roles)}")
    if settings.has_role("dashboard"):
        print(f"Dashboard     {origin}/dashboard/")
        if "Dashboard" not in secrets:
            where = shlex.join(["linkweir", "user", "list", "--data", str(settings.data)])
            print(f"              (the first start showed how to sign in; `{where}` lists the users)")
    print(f"Account       {service.account or 'not known while the database is away'}")
    print(f"Data folder   {settings.data.absolute()}")
    if settings.has_role("deliver") and settings.transport == "maildir":
        print(f"Outbox        {settings.maildir_path.absolute()} (a Maildir)")
    print(f"Processes     {_describe_processes(settings, workers)}")
    print_smtp_address(service)
    if settings.has_role("api") and "API key" not in secrets:
        where = "is the one in LINKWEIR_API_KEY" if settings.api_key else "was shown at the first start"
        print(f"API key       {where}; --new-api-key creates another")
    if secrets:
        print("\nStore these now, they are not shown again:\n")
        print("\n".join(f"  {name:<11} {text}" for name, text in secrets.items()))
    if key := secrets.get("API key"):
        print(_format_curl_examples(origin, str(service.account), key))
    sys.stdout.flush()


def _create_secrets(service: AppServices, create_key: bool) -> dict[str, str]:
    """Create what the account does not have yet, and with `create_key` one more API key; return each by its use."""
    secrets, database = {}, service.database
    has_role = service.settings.has_role
    if has_role("dashboard") and (login := first_start.create_user(database)):
        secrets["Dashboard"] = f"user {login[0]}  password {login[1]}"
    key = first_start.create_api_key(database, "first", only_first=True) if has_role("api") else None
    if key is None and create_key:
        key = first_start.create_api_key(database, "made by --new-api-key")
    if key is not None:
        secrets["API key"] = key
    takes_smtp = has_role("smtp") and (
        service.settings.smtp_port is not None or service.settings.smtps_port is not None
    )
    if takes_smtp and (credential := first_start.create_smtp_credential(database)):
        secrets["SMTP"] = f"username {credential[0]}  password {credential[1]}"
    return secrets


def _describe_processes(settings: Settings, workers: int) -> str:
    processors = count_processors()
    available = f"{processors} processor{'s' * (processors > 1)} available"
    if workers == 1:
        return f"1 for everything ({available})"
    work = {"delivery": ("deliver",), "SMTP": ("smtp", "filter"), "counting": ("count",)}
    named = [name for name, roles in work.items() if settings.has_role(*roles)]
    rest = " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:]))) or "the rest"
    return f"{workers} for HTTP, 1 for {rest} ({available})"


def print_smtp_address(service: AppServices) -> None:
    """Print where and how to submit mail, once the ports are known."""
    servers = {server.service: server.address for server in service.smtp_servers if server.service != "filter"}
    if not servers:
        return
    host, securities = service.settings.smtp_host, {"submission": "STARTTLS", "submissions": "implicit TLS"}
    ports = " and ".join(
        f"port {servers[name][1]} ({security})" for name, security in securities.items() if name in servers
    )
    print(f"SMTP          {host} {ports}, AUTH PLAIN or LOGIN")
    if service.settings.smtp_certificate is None:
        print("              (with a self-signed certificate, for testing)")


def _format_curl_examples(url: str, account: str, key: str) -> str:
    return (
        f"\nSend a message:\n\n{send_examples.format_curl_send(url, account, key)}\n\n"
        "Get the message with its click_count (ID is the id in the response without < and >):\n\n"
        f"{send_examples.format_curl_get(url, account, key)}\n"
    )
