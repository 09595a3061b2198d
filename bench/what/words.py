"""Text and destinations for the generated mails: made up, meaning nothing."""

from bench.what.dice import Dice

WORDS = (  # noqa: SIM905 - words read better as text
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


def words(dice: Dice, count: int) -> str:
    """`count` words; the first begins with a capital, and now and then an entity or a non-ASCII letter is in
    it."""
    chosen = [dice.pick(WORDS) for _ in range(count)]
    if dice.chance(20):
        chosen.append(dice.pick(("&amp;", "&nbsp;", "&copy;", "caf\u00e9", "\u201cso\u201d", "&#8217;")))
    return " ".join(chosen).capitalize()


def destination(dice: Dice) -> str:
    """A web address of about 60 characters, as the reader's browser would see it."""
    scheme = "https://" if dice.chance(60) else "http://"
    path = "/".join(dice.pick(FOLDERS) for _ in range(2 + dice.below(3)))
    address = f"{scheme}{dice.pick(HOSTS)}/{path}/{dice.pick(WORDS)}-{dice.pick(WORDS)}"
    if dice.chance(30):
        pairs = [f"{dice.pick(FIELDS)}={dice.hexadecimal(4 + dice.below(10))}" for _ in range(1 + dice.below(3))]
        address += "?" + "&".join(pairs)
    return address + (f"#{dice.pick(WORDS)}" if dice.chance(5) else "")


def escaped(address: str) -> str:
    """The address as a careful author writes it into an attribute."""
    return address.replace("&", "&amp;")
