"""What user agents and addresses say."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from linkweir.clicks.enrichment import Enricher, Enrichment
from linkweir.clicks.known_networks import KnownNetwork, KnownNetworks
from linkweir.errors import SettingsError
from linkweir.web.structured_logging import make_logger
from tests.clicks.classify.hit_factory import CHROME

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0{} Safari/537.36"
OUTLOOK = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
    "Microsoft Outlook 16.0.4266; ms-office; MSOffice 16)"
)
TV = "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/5.0 TV Safari/538.1"
CITY_RECORD = {
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}],
}


@pytest.fixture(scope="module")
def enricher() -> Enricher:
    """Without a database of places."""
    return Enricher(None, KnownNetworks({"198.51.100.0/24": KnownNetwork("a cloud", certain=False)}))


def make_geoip_enricher(path: Path, locations: dict[str, Any], ip_version: int = 6) -> Enricher:
    """With a database of these places."""
    writer = MMDBWriter(ip_version, "Test", ipv4_compatible=ip_version == 6)
    for network, record in locations.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return Enricher(path, KnownNetworks({}))


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, ("Chrome", "Windows", "desktop")),
        (IPHONE, ("Mobile Safari", "iOS", "phone")),
        (IPAD, ("Mobile Safari", "iOS", "tablet")),
        (ANDROID.format(" Mobile"), ("Chrome Mobile", "Android", "phone")),
        (ANDROID.format(""), ("Chrome", "Android", "tablet")),
        (OUTLOOK, ("Outlook", "Windows", "desktop")),
        (TV, ("Safari", "Tizen", "other")),
        ("curl/8.9.1", ("curl", None, "other")),
        ("?", (None, None, "other")),
        ("", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_client_system_and_device(enricher: Enricher, agent: str | None, expected: tuple[str | None, ...]) -> None:
    """Browser or mail program, system, and one of four device classes; nothing from nothing."""
    result = enricher.enrich(None, agent)
    assert (result.client, result.system, result.device) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, None),
        (IPHONE, None),
        (OUTLOOK, None),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)", None),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bot"),
        ("python-requests/2.32.3", "library"),
        ("Java/21.0.2", "library"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "automation"),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "image-proxy"),
        ("", None),
        (None, None),
    ],
)
def test_programs_that_identify_themselves(enricher: Enricher, agent: str | None, expected: str | None) -> None:
    """Robots, libraries, previews and driven browsers are told; browsers and the real Outlook are none of them."""
    assert enricher.user_agent_class(agent) == expected
    assert enricher.user_agent_signals(agent) == ((f"agent-{expected}",) if expected else ())


def test_known_networks_are_named(enricher: Enricher) -> None:
    """The network's name comes with the description; whether it is certain can be asked by address or by name."""
    assert enricher.enrich("198.51.100.9", None) == Enrichment(network="a cloud")
    assert enricher.enrich("192.0.2.9", None) == Enrichment()
    assert not enricher.is_scanner_network("a cloud", "198.51.100.9")
    sure = Enricher(None, KnownNetworks({"198.51.100.0/24": KnownNetwork("gate", certain=True)}))
    assert sure.is_scanner_network("gate", "198.51.100.9")
    assert sure.is_scanner_network("gate", None)
    assert not sure.is_scanner_network(None, None)


def test_locations_come_from_the_operators_database(tmp_path: Path) -> None:
    """Country and region, for both families of addresses; what the database does not know stays unknown."""
    enricher = make_geoip_enricher(
        tmp_path / "city.mmdb", {"203.0.113.0/24": CITY_RECORD, "2001:db8::/32": CITY_RECORD}
    )
    for ip in ("203.0.113.7", "2001:db8::7"):
        result = enricher.enrich(ip, None)
        assert (result.country, result.region) == ("DE", "Land Berlin")
    for ip in ("192.0.2.1", "2001:db9::1", "no address"):
        assert enricher.enrich(ip, None) == Enrichment()


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country": {"iso_code": "AT"}}, ("AT", None)),
        ({"registered_country": {"iso_code": "CH"}}, ("CH", None)),
        ({"country": "fr", "region": "Bretagne"}, ("FR", "Bretagne")),
        ({"country_code": "IT"}, ("IT", None)),
        ({"country": "Spain", "country_code": "ES"}, ("ES", None)),
        ({"country": {"iso_code": "GB"}, "subdivisions": [{"iso_code": "SCT"}]}, ("GB", "SCT")),
        ({"country": 7, "subdivisions": "x"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_databases_of_other_makers(tmp_path: Path, record: Any, expected: tuple[str | None, str | None]) -> None:
    """Nested or plain, with or without regions, or with something else: read where it can be, else unknown."""
    result = make_geoip_enricher(tmp_path / "some.mmdb", {"203.0.113.0/24": record}).enrich("203.0.113.7", None)
    assert (result.country, result.region) == expected


def test_an_ipv4_database_knows_no_ipv6(tmp_path: Path) -> None:
    """Asked for an address of the other family it says nothing, and fails nobody."""
    enricher = make_geoip_enricher(tmp_path / "four.mmdb", {"203.0.113.0/24": CITY_RECORD}, ip_version=4)
    assert enricher.enrich("2001:db8::7", None) == Enrichment()
    assert enricher.enrich("203.0.113.7", None).country == "DE"


@pytest.mark.parametrize("content", [None, b"", b"no database at all"])
def test_a_database_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A wrong file is an error at the start, which names the setting and the file."""
    path = tmp_path / "wrong.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"LINKWEIR_MMDB: .*wrong\.mmdb"):
        Enricher(path, KnownNetworks({}))


def test_threads_may_share_it(tmp_path: Path) -> None:
    """Many threads that ask at once get what one that asks alone gets."""
    enricher = make_geoip_enricher(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY_RECORD})
    asked = [(f"203.0.{112 + number % 3}.{number % 250}", f"{CHROME} {number % 40}") for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        result = list(pool.map(lambda pair: enricher.enrich(*pair), asked))
    assert result == [enricher.enrich(*pair) for pair in asked]


def write_geoip_database(path: Path, locations: dict[str, Any]) -> Path:
    """A database of these places in a file."""
    writer = MMDBWriter(6, "Test", ipv4_compatible=True)
    for network, record in locations.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


PARIS_RECORD = {"country": {"iso_code": "FR"}}


@pytest.mark.parametrize("renamed", [True, False])
def test_another_geoip_database_is_reloaded(tmp_path: Path, renamed: bool) -> None:
    """Without a restart, whether the file was replaced or written over; one that is broken leaves the old one in force
    and is said in the log, once.
    """
    path, log = write_geoip_database(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY_RECORD}), io.StringIO()
    enricher = Enricher(path, KnownNetworks({}), log=make_logger("info", log))
    assert enricher.enrich("203.0.113.7", None).country == "DE"

    def put(new: Path) -> None:
        if renamed:
            new.replace(path)
        else:
            path.write_bytes(new.read_bytes())

    (tmp_path / "broken").write_bytes(path.read_bytes()[:40])
    put(tmp_path / "broken")
    enricher.refresh()
    enricher.refresh()
    assert log.getvalue().count("cannot_reload") == 1
    for n in range(200):  # addresses that are not remembered, looked up while the file is half as long
        assert enricher.enrich(f"203.0.113.{n}", None).country == "DE"
    put(write_geoip_database(tmp_path / "new", {"203.0.113.0/24": PARIS_RECORD}))
    enricher.refresh()
    assert enricher.enrich("203.0.113.7", None).country == "FR"
    said = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in said] == ["file.cannot_reload", "file.reloaded"]
    assert str(path) in said[0]["error"]
    path.unlink()
    enricher.refresh()
    assert log.getvalue().count("cannot_reload") == 2
    assert enricher.enrich("203.0.113.8", None).country == "FR"


def test_another_list_of_networks_is_taken_up(tmp_path: Path) -> None:
    """As a database of places is, also for addresses that were asked for before."""
    path = tmp_path / "networks.toml"
    text = '[[network]]\nname = "{}"\nclass = "certain"\nranges = ["198.51.100.0/24"]\n'
    path.write_text(text.format("a gate"))
    enricher = Enricher(None, KnownNetworks.load(path), networks_path=path)
    assert enricher.enrich("198.51.100.1", None).network == "a gate"
    path.write_text("[[network]]\nname = 7\n")
    enricher.refresh()
    assert enricher.enrich("198.51.100.1", None).network == "a gate"
    path.write_text(text.format("another"))
    enricher.refresh()
    assert enricher.enrich("198.51.100.1", None).network == "another"
    assert enricher.is_scanner_network("another", None)


def test_only_a_refresh_looks_at_the_file(tmp_path: Path) -> None:
    """Whatever happens to the file, clicks are described from what was read before, until a refresh."""
    path, log = write_geoip_database(tmp_path / "city.mmdb", {"203.0.113.0/24": CITY_RECORD}), io.StringIO()
    enricher = Enricher(path, KnownNetworks({}), log=make_logger("info", log))
    path.unlink()
    for n in range(100):
        assert enricher.enrich(f"203.0.113.{n}", None).country == "DE"
    assert log.getvalue() == ""
    enricher.refresh()
    assert "cannot_reload" in log.getvalue()


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; Gmail-content-sampling)", "bot"),
        ("Barracuda Sentinel (EE)", "bot"),
        ("CiscoSecureEmail/1.0", "bot"),
        ("TMES/1.0", "bot"),
        ("OneOutlook/1.2025.611.100 CFNetwork", "preview"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/104.0.0.0 Safari/537.36 BingPreview/1.0b", "preview"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/104.0.0.0 Safari/537.36", None),
        ("Microsoft Outlook 16.0.17328; ms-office; MSOffice 16", None),
    ],
)
def test_scanners_that_name_themselves_are_known(user_agent: str, expected: str | None) -> None:
    """Names that public lists lack are classes too, and neither a browser nor Outlook is among them."""
    assert Enricher(None, KnownNetworks({})).user_agent_class(user_agent) == expected
