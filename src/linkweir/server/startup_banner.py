"""What `linkweir serve` prints when it starts: where things are, and how to sign in and send a first message."""

import shlex
import sys
from urllib.parse import urlsplit

from linkweir import first_start
from linkweir.server.processor_count import count_processors
from linkweir.settings import WILDCARD_ADDRESSES, Settings
from linkweir.web import send_examples
from linkweir.web.services import AppServices


def local_url(settings: Settings) -> str:
    """Where this machine reaches the service."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def print_startup_banner(service: AppServices, url: str, create_key: bool, workers: int = 1) -> None:
    """Print where things are; an API key is shown this once. `workers`: processes that answer HTTP, 1: and the rest."""
    settings = service.settings
    key = first_start.create_api_key(service.database, "first", only_first=True)
    if key is None and create_key:
        key = first_start.create_api_key(service.database, "made by --new-api-key")
    print(f"Linkweir listens on {url}; tracking links begin with {settings.base_url}")
    if urlsplit(settings.base_url).hostname in WILDCARD_ADDRESSES:
        print("              Readers cannot open such links: set --base-url to the public URL of this service.")
    print(f"Processes     {_describe_processes(workers)}")
    print(f"Data folder   {settings.data.absolute()}")
    print(f"Outbox        {settings.maildir_path.absolute()} (a Maildir)")
    print(f"Account       {service.account}")
    print_smtp_login(service)
    _print_dashboard_login(service, url)
    if key is None:
        origin = "is the one in LINKWEIR_API_KEY" if settings.api_key else "was shown at the first start"
        print(f"API key       {origin}; --new-api-key creates another")
    else:
        print(f"API key       {key}")
        print("              (store it: it is not shown again)")
        print(_format_curl_examples(url, str(service.account), key))
    sys.stdout.flush()


def _describe_processes(workers: int) -> str:
    processors = count_processors()
    available = f"{processors} processor{'s' * (processors > 1)} available"
    if workers == 1:
        return f"1 for everything ({available})"
    return f"{workers} for HTTP, 1 for delivery, SMTP and counting ({available})"


def _print_dashboard_login(service: AppServices, url: str) -> None:
    """Print the dashboard's address; a password is shown this once."""
    print(f"Dashboard     {url}/dashboard/")
    if login := first_start.create_user(service.database):
        print(f"              user {login[0]}  password {login[1]}")
        print("              (store the password: it is not shown again; change it in the dashboard under Settings)")
    else:
        where = shlex.join(["linkweir", "user", "list", "--data", str(service.settings.data)])
        print(f"              (the first start showed how to sign in; `{where}` lists the users)")


def print_smtp_login(service: AppServices) -> None:
    """Print where and how to submit mail; a password is shown this once."""
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
    if credential := first_start.create_smtp_credential(service.database):
        print(f"              username {credential[0]}  password {credential[1]}")


def _format_curl_examples(url: str, account: str, key: str) -> str:
    return (
        f"\nSend a message:\n\n{send_examples.format_curl_send(url, account, key)}\n\n"
        "Get the message with its click_count (ID is the id in the response without < and >):\n\n"
        f"{send_examples.format_curl_get(url, account, key)}\n"
    )
