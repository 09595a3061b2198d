"""Text and destinations for the generated mails: made up, meaning nothing."""

from bench.cases.rng import Xorshift

VOCABULARY = (  # noqa: SIM905 - words read better as text
    "the a of to and in for with your our new this from week season now more only until every free order "
    "offer update guide stories harvest garden kitchen letter members delivery weekend morning coffee paper "
    "lamp travel notes studio summer winter small large quiet bright welcome thanks save see read discover "
    "learn reply join"
).split()
HOSTS = (
    "www.example.com", "example.org", "shop.example.net", "news.example.co.uk", "links.mail.example.com",
    "cdn.example.org", "blog.example.net", "go.example.io",
)  # fmt: skip
FOLDERS = ("offers", "articles", "products", "campaign", "stories", "help", "account", "events", "2024", "en")
FIELDS = ("utm_source", "utm_medium", "utm_campaign", "id", "ref", "lang", "cid", "mc_eid")


def make_text(rng: Xorshift, count: int) -> str:
    """`count` words; the first begins with a capital, and now and then an entity or a non-ASCII letter is in
    it."""
    chosen = [rng.choice(VOCABULARY) for _ in range(count)]
    if rng.chance(20):
        chosen.append(rng.choice(("&amp;", "&nbsp;", "&copy;", "caf\u00e9", "\u201cso\u201d", "&#8217;")))
    return " ".join(chosen).capitalize()


def make_destination(rng: Xorshift) -> str:
    """A web address of about 60 characters, as the reader's browser would see it."""
    scheme = "https://" if rng.chance(60) else "http://"
    path = "/".join(rng.choice(FOLDERS) for _ in range(2 + rng.randrange(3)))
    address = f"{scheme}{rng.choice(HOSTS)}/{path}/{rng.choice(VOCABULARY)}-{rng.choice(VOCABULARY)}"
    if rng.chance(30):
        pairs = [f"{rng.choice(FIELDS)}={rng.random_hex(4 + rng.randrange(10))}" for _ in range(1 + rng.randrange(3))]
        address += "?" + "&".join(pairs)
    return address + (f"#{rng.choice(VOCABULARY)}" if rng.chance(5) else "")


def escape_attribute(address: str) -> str:
    """The address as a careful author writes it into an attribute."""
    return address.replace("&", "&amp;")
