"""Requests that nobody made and that follow or precede a person's click: checks at the time of the click, antivirus on
the reader's machine, previews in mail programs and chats.
"""

from dataclasses import replace
from random import Random

from bench.simulator.clients import Client, Mail
from bench.simulator.holdout.browsers import ACCEPT_PLAIN, Browser, safari_headers
from bench.simulator.holdout.distributions import DAY_SECONDS, HOUR_SECONDS, spread
from bench.simulator.holdout.fleets import browser_program
from bench.simulator.holdout.networks import make_home, random_address, random_networks
from bench.simulator.holdout.organisations import Person
from bench.simulator.holdout.world import World

CHECK_SHARE = 0.8  # of clicks are checked again; a fresh verdict of the same link spares it (own judgement)
OFFICE_AGENTS = (  # office-prefetch
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
    "Microsoft Outlook 16.0.18827; ms-office; MSOffice 16)",
    "Mozilla/4.0 (compatible; ms-office; MSOffice 16)",
)
CHAT_PREVIEWS = {  # unfurlers: (agent, owner of the network or nothing for the sender's own phone, share)
    "teams": (
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
        "azure",
        0.4,
    ),
    "slack": ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "aws", 0.25),
    "whatsapp": ("WhatsApp/2.24.20.89 A", "", 0.2),
    "messenger": ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "meta", 0.08),
    "telegram": ("TelegramBot (like TwitterBot)", "hosting", 0.07),
}


def near(rng: Random, median: float, before_share: float) -> float:
    """Some time after a click, or before it: the check may arrive first (evalanche-double, thomask)."""
    delay = spread(rng, median, 0.9)
    return -delay if rng.random() < before_share else delay


def check_head(mail: Mail, at: float, link: int, world: World, rng: Random) -> None:
    """The filter asks with HEAD, mostly just before the person.

    Sources: FusionAuth#629; thomask; passwordless#79.
    """
    mail.add(at + near(rng, 0.4, 0.7), link, world.fleets["check"].client(rng), "machine/check-head", "HEAD")


def check_get(mail: Mail, at: float, link: int, world: World, rng: Random) -> None:
    """The filter fetches the page with a browser's name, milliseconds to seconds beside the person.

    Sources: live-direct; mimecast-help; evalanche-double.
    """
    fleet = world.fleets[rng.choice(("defender", "defender", "mimecast", "proofpoint"))]
    mail.add(at + near(rng, 0.6, 0.55), link, fleet.client(rng), "machine/check-get")


def check_agent(mail: Mail, at: float, link: int, world: World, rng: Random) -> None:
    """Outlook's own check, by a name that hardly any list has.

    Sources: FusionAuth#629 (OneOutlook); live-direct.
    """
    client = replace(
        world.fleets["check"].client(rng), user_agent="OneOutlook/1.2025.527.200", headers={"accept": "*/*"}
    )
    mail.add(at + near(rng, 0.5, 0.6), link, client, "machine/check-agent")


def echo(mail: Mail, at: float, link: int, _: World, rng: Random) -> None:
    """The same link seconds later, from another network and another system, with a current browser.

    Sources: resend#901 (12 s).
    """
    at += spread(rng, 11, 0.8)
    if rng.random() < 0.6:
        browser = Browser("chrome", rng.choice(("windows", "windows", "linux")), rng.choice(("en-US", "en-GB", "es")))
        user_agent, headers = browser.request(at)
        client = Client(make_home(rng).address_at(at), user_agent, headers)
    else:
        program = browser_program(rng, 1.0)
        network = random_networks(rng, rng.choice(("hosting", "aws", "google-cloud")), 1)
        client = Client(random_address(rng, network), program.user_agent, program.headers)
    mail.add(at, link, client, "machine/echo")


def antivirus(mail: Mail, at: float, link: int, reader: Client, rng: Random) -> None:
    """A program on the reader's machine opens the link beside the browser: the same address, fewer headers.

    Sources: goldphish; webmasterworld-trend; own judgement for the headers.
    """
    headers = {"accept": ACCEPT_PLAIN} if rng.random() < 0.6 else {"accept": "*/*", "accept-encoding": "gzip, deflate"}
    user_agent = reader.user_agent if rng.random() < 0.6 else rng.choice(("", "Mozilla/5.0", "AvastNavigator"))
    client = Client(reader.ip, user_agent, headers)
    method = "HEAD" if rng.random() < 0.3 else "GET"
    mail.add(at + near(rng, 0.5, 0.6), link, client, "machine/antivirus", method)


def antivirus_arrival(mail: Mail, person: Person, arrival: float, rng: Random) -> None:
    """A program on the reader's machine checks all links when the mail lands there, from the reader's own address.

    Sources: goldphish (checks of its own when the mail lands on the device).
    """
    at = arrival + spread(rng, 90, 1.4)
    reader = person.desk().client(at)
    headers = {"accept": "*/*", "accept-encoding": "gzip, deflate"} if rng.random() < 0.5 else reader.headers
    client = Client(reader.ip, reader.user_agent, headers)
    for link in range(mail.links):
        mail.add(at, link, client, "machine/antivirus-arrival")
        at += spread(rng, 0.5, 0.8)


def toolbar(mail: Mail, at: float, link: int, world: World, rng: Random) -> None:
    """What a reader visits is visited again by the vendor of a browser's protection, now or the next day.

    Sources: webmasterworld-trend; se-39616; evalanche-double.
    """
    delay = rng.choice((spread(rng, 4, 0.8), spread(rng, HOUR_SECONDS, 0.8), spread(rng, DAY_SECONDS, 0.5)))
    client = world.fleets["trend-micro"].client(rng)
    if rng.random() < 0.3:
        client = replace(
            client, user_agent="Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", headers={"accept": "*/*"}
        )
    mail.add(at + (-0.3 if rng.random() < 0.2 else delay), link, client, "machine/toolbar")


def hover_preview(mail: Mail, at: float, link: int, reader: Client, rng: Random) -> None:
    """Apple Mail shows the page of a link under the pointer: the reader's address and Safari's agent.

    Sources: gophish#499.
    """
    user_agent = (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Safari/605.1.15"
    )
    client = Client(reader.ip, user_agent, safari_headers(18.5, "en-US"))
    for other in {link, rng.randrange(mail.links)}:
        mail.add(max(mail.delivered, at - spread(rng, 6, 1.0)), other, client, "prefetch/hover-preview")


def office_prefetch(mail: Mail, at: float, link: int, reader: Client, rng: Random) -> None:
    """Office opens the link itself first, by HEAD or GET, a second before the browser.

    Sources: office-prefetch.
    """
    headers = {"accept": "*/*", "accept-encoding": "gzip, deflate", "ua-cpu": "AMD64"}
    client = Client(reader.ip, rng.choice(OFFICE_AGENTS), headers)
    if rng.random() < 0.3:
        client = Client(reader.ip, "Microsoft Office Existence Discovery", {"pragma": "no-cache"})
        mail.add(at - spread(rng, 1.2, 0.4), link, client, "prefetch/office", "HEAD")
    else:
        mail.add(at - spread(rng, 0.9, 0.4), link, client, "prefetch/office")


def app_prefetch(mail: Mail, at: float, link: int, reader: Client, rng: Random) -> None:
    """The mail app fetches a link before it is followed, and says that this is a prefetch.

    Sources: sourcelibrary#2640; own judgement for the header.
    """
    client = Client(reader.ip, reader.user_agent, reader.headers | {"sec-purpose": "prefetch"})
    mail.add(max(mail.delivered, at - spread(rng, 3, 1.0)), link, client, "prefetch/app")


def chat_preview(mail: Mail, at: float, link: int, sender: Client, rng: Random) -> None:
    """The program of a chat fetches a link that somebody posts, from its data centre or the sender's phone.

    Sources: unfurlers.
    """
    chats = list(CHAT_PREVIEWS.values())
    user_agent, owner, _ = rng.choices(chats, [share for _, _, share in chats])[0]
    ip = random_address(rng, random_networks(rng, owner, 1)) if owner else sender.ip
    headers = {"accept": "*/*", "accept-encoding": "gzip, deflate"}
    if "Slackbot" in user_agent:
        headers["range"] = "bytes=0-32768"
    for _ in range(rng.choice((1, 1, 2))):
        mail.add(at + spread(rng, 1.0, 0.6), link, Client(ip, user_agent, headers), "prefetch/chat-preview")


_CHECKS = {"check-head": check_head, "check-get": check_get, "check-agent": check_agent, "echo": echo}
_PROGRAMS = {
    "antivirus": antivirus, "hover-preview": hover_preview, "office-prefetch": office_prefetch,
    "app-prefetch": app_prefetch,
}  # fmt: skip


def accompany(mail: Mail, at: float, link: int, reader: Client, *, person: Person, world: World, rng: Random) -> None:
    """Everything that comes with a person's click: the company's check and the person's own programs."""
    check = person.organisation.check
    if check != "none" and rng.random() < CHECK_SHARE:
        _CHECKS[check](mail, at, link, world, rng)
    companion = person.companion
    if companion == "echo":
        echo(mail, at, link, world, rng)
    elif companion == "toolbar":
        toolbar(mail, at, link, world, rng)
    elif companion in _PROGRAMS and _fits(companion, reader.user_agent):
        _PROGRAMS[companion](mail, at, link, reader, rng)


def _fits(companion: str, user_agent: str) -> bool:
    """Whether the device that clicks may have the program."""
    if companion == "hover-preview":
        return "Macintosh" in user_agent
    if companion == "app-prefetch":
        return "Android" in user_agent
    return "Windows" in user_agent
