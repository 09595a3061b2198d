"""How common each kind of people is, and how far one seed may lie from another: nobody has measured most of it.

Each mix draws its own shares and paces from these tables, so that rules which fit one draw are judged on others.
"""

from dataclasses import dataclass
from random import Random

# Where people are, per cent. Own judgement of shares; that these exist: warmbly#410 ff. (Azure, Windows 365), the data
# sheet of Proofpoint Isolation, Squid header_access and SafeSquid Header_filter (what proxies leave out), Rocket#14
# (extensions).
HOME_NETWORKS = {
    "home": 83.0,
    "vpn": 6,
    "icloud-relay": 5,
    "tor": 0.3,
    "stripping-proxy": 2,
    "own-vpn": 1.2,
    "privacy-extension": 1.5,
}
OFFICE_NETWORKS = {
    "office-nat": 62.0,
    "zscaler": 10,
    "cloud-desktop": 8,
    "isolation": 6,
    "cloud-gateway": 4,
    "vpn": 4,
    "stripping-proxy": 8,
    "http10-proxy": 3,
}
# What a proxy leaves of a request, per cent; own judgement of shares. `oldest`: Accept and Accept-Encoding; `classic`:
# whatever it does not know goes (Squid's `Other`); `language`: Accept-Language goes; `agent`: a common name for all.
# Squid http_anonymizer: `anonymous` (its `standard`) takes the user agent, `paranoid` leaves Accept headers alone.
PROXY_STYLES = {"oldest": 26.0, "classic": 28, "language": 16, "agent": 10, "anonymous": 10, "paranoid": 10}
# What proxies that speak HTTP/1.0 do besides, per cent (Privoxy: downgrade-http-version with prevent-compression and
# hide-accept-language; old Squids drop what they do not know). Own judgement of shares.
HTTP10_STYLES = {"": 45.0, "compression": 20, "classic": 20, "language": 15}
# What an extension does, per cent; own judgement. `switched`: another browser's name (user agent switchers).
EXTENSION_STYLES = {"language": 40.0, "hints": 30, "switched": 30}
# How somebody follows links at one sitting, per cent. Own judgement. `skim`: back at the mail after a glance.
SITTINGS = {"one": 64.0, "some": 16, "in-order": 5, "tabs": 7, "skim": 3, "double-click": 4, "return": 1}
RARE_DEVICES = {"old-chrome": 5.0, "other-chromium": 2.0, "mail-app": 1.2, "outlook-ie": 3, "old-firefox": 0.5}
OPENS_ALL_SHARE = 0.009  # of people open nearly all links of each mail that they click in; own judgement
SHARE_DEVIATION = 0.5  # of the logarithm, from seed to seed; own judgement


@dataclass(frozen=True, slots=True)
class Shares:
    """One draw of these tables.

    `tab_pause`: mean logarithm of the seconds between tabs; `prompt_pause`: the same for a mail that somebody waits
    for; `roaming`: of the visits from phones and relays change their address between clicks; `golden_image`: of cloud
    desktops keep an old browser; `partial_isolation`: of isolating browsers send fewer headers than the browser whose
    name they carry.
    """

    home_networks: dict[str, float]
    office_networks: dict[str, float]
    proxy_styles: dict[str, float]
    extension_styles: dict[str, float]
    sittings: dict[str, float]
    rare_devices: dict[str, float]
    opens_all: float
    tab_pause: float
    prompt_pause: float
    roaming: float
    golden_image: float
    partial_isolation: float


def shift(rng: Random, weights: dict[str, float], deviation: float = SHARE_DEVIATION) -> dict[str, float]:
    """The same weights, each a little more or less."""
    return {name: weight * rng.lognormvariate(0, deviation) for name, weight in weights.items()}


def draw_shares(rng: Random) -> Shares:
    """How common everything is this time. Ranges are own judgement; that addresses change: blamba#2 (iCloud relay)."""
    return Shares(
        home_networks=shift(rng, HOME_NETWORKS),
        office_networks=shift(rng, OFFICE_NETWORKS),
        proxy_styles=shift(rng, PROXY_STYLES),
        extension_styles=shift(rng, EXTENSION_STYLES),
        sittings=shift(rng, SITTINGS, 0.3),
        rare_devices=shift(rng, RARE_DEVICES),
        opens_all=OPENS_ALL_SHARE * rng.lognormvariate(0, 0.6),
        tab_pause=rng.uniform(-0.1, 0.9),
        prompt_pause=rng.uniform(3.1, 4.0),
        roaming=rng.uniform(0.1, 0.5),
        golden_image=rng.uniform(0.2, 0.7),
        partial_isolation=rng.uniform(0.1, 0.5),
    )
