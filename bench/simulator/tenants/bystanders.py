"""Machines that come because of somebody's doing: checks beside a click, reports, tickets, antivirus."""

from dataclasses import replace
from random import Random

from bench.simulator.clients import Client, DataCentre, Mail, Request
from bench.simulator.development import browsers, networks
from bench.simulator.tenants.filters import DAY, HOUR, Filter, make_client

SERVICES = (
    "axios/1.7.2",
    "Mozilla/5.0 (compatible; TicketLinkPreview/2.1)",
    "Slackbot-LinkExpanding 1.0",
    "okhttp/4.12.0",
)


def check_clicks(rng: Random, mail: Mail, by: Filter) -> None:
    """thomask.sdf.org, live-direct (SafeLinks): a scan just before or after the person's own click."""
    for request in [one for one in mail.requests if one.truth == "human" and rng.random() < by.checks]:
        at = request.at + (rng.uniform(-1.8, -0.05) if rng.random() < 0.6 else rng.uniform(0.02, 3))
        client = make_client(rng, by)
        if rng.random() < 0.3:
            mail.add(at - 0.3, request.link, client, "machine/click-check", "HEAD")
        mail.add(at, request.link, client, "machine/click-check")


def report(rng: Random, mail: Mail, cloud: DataCentre, start: float) -> None:
    """gophish#3317: sandboxes of several services look at a reported mail, most of its links, over minutes."""
    for _ in range(rng.randint(2, 5)):
        release = rng.randint(108, 137)
        agent = browsers.CHROME.format(rng.choice((browsers.WINDOWS, browsers.LINUX)), release)
        client = Client(cloud.random_ip(rng), agent, browsers.chromium_headers(rng, release, "Linux"))
        begin = start + rng.uniform(20, 1500)
        for link in range(mail.links):
            if rng.random() < 0.7:
                mail.add(begin + rng.uniform(0, 25), link, client, "machine/report")


def ticket(rng: Random, mail: Mail, cloud: DataCentre) -> None:
    """gophish#2853: a ticket or chat system fetches what it previews."""
    client = Client(cloud.random_ip(rng), rng.choice(SERVICES), {"accept": "*/*", "accept-encoding": "gzip"})
    start = mail.delivered + rng.lognormvariate(7, 1.5)
    for link in range(min(mail.links, rng.randint(1, 4))):
        mail.add(start + link * rng.uniform(0.05, 0.6), link, client, "machine/ticket")


def assistant(rng: Random, mail: Mail, cloud: DataCentre) -> None:
    """A mail program's assistant reads some pages that a mail names, as a browser in a cloud; own judgement."""
    release = rng.choice((134, 135, 136, 137))
    headers = browsers.chromium_headers(rng, release, "Linux")
    client = Client(cloud.random_ip(rng), browsers.CHROME.format(browsers.LINUX, release), headers)
    at = mail.delivered + rng.lognormvariate(5.5, 1.6)
    for link in rng.sample(range(mail.links), min(mail.links, rng.randint(1, 3))):
        mail.add(at, link, client, "machine/assistant")
        at += rng.uniform(1, 9)


def archive(rng: Random, mail: Mail, cloud: DataCentre) -> None:
    """An archive's crawler at night, hours or days later, that nobody's list names; own judgement."""
    headers = {"accept": "text/html,*/*;q=0.5", "accept-encoding": "gzip, deflate"}
    client = Client(cloud.random_ip(rng), "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", headers)
    at = mail.delivered + rng.uniform(5 * HOUR, 3 * DAY)
    for link in range(mail.links):
        mail.add(at, link, client, "machine/archive")
        at += rng.uniform(2, 30)


def antivirus(rng: Random, mail: Mail, reader: Client) -> None:
    """next-auth#8736: the reader's own machine follows links of a mail that arrives or is opened."""
    program = replace(reader, headers={"accept": "*/*", "accept-encoding": "gzip, deflate"}, traits=())
    if rng.random() < 0.5:
        program = replace(program, user_agent=browsers.CHROME.format(browsers.WINDOWS, rng.choice((98, 109, 120))))
    start = mail.delivered + rng.lognormvariate(5, 1.8)
    for link in range(mail.links):
        mail.add(start + rng.uniform(0, 3), link, program, "machine/antivirus")


def stranger(rng: Random, mail: Mail) -> None:
    """clicks.md: a residential address with a real browser's fingerprint, once or twice in a mail."""
    browser = browsers.make_browser(rng, rng.choice(("chrome-windows", "chrome-mac", "iphone", "samsung")))
    client = Client(networks.home_ip(rng), browser.user_agent, browser.headers)
    at = mail.delivered + rng.lognormvariate(4.5, 1.2)
    for link in rng.sample(range(mail.links), min(mail.links, rng.randint(1, 2))):
        mail.add(at, link, client, "machine/stranger")
        at += rng.uniform(2, 40)


def prefetch(rng: Random, mail: Mail, reader: Client, click: Request) -> None:
    """private-prefetch-proxy#15: the browser fetches what is likely followed, and says so."""
    headers = {**reader.headers, rng.choice(("purpose", "sec-purpose")): "prefetch"}
    mail.add(click.at - rng.uniform(0.5, 20), click.link, replace(reader, headers=headers), "prefetch/browser")
