"""Which browsers people have, and how old they are."""

from dataclasses import dataclass
from random import Random

from bench.simulator.clients import Client
from bench.simulator.holdout.browsers import LANGUAGES, Browser
from bench.simulator.holdout.distributions import Shares, spread
from bench.simulator.holdout.networks import Network

# statcounter; Internet Explorer: own judgement, for the programs that still embed it.
DESKTOP_FAMILIES = {
    "chrome": 0.66,
    "edge": 0.16,
    "safari": 0.09,
    "firefox": 0.06,
    "opera": 0.02,
    "internet-explorer": 0.01,
}
# Offices: own judgement, Edge is what Outlook opens there.
OFFICE_FAMILIES = {"chrome": 0.50, "edge": 0.36, "safari": 0.05, "firefox": 0.06, "internet-explorer": 0.03}
# statcounter for phones; that the mail program's own window opens links: own judgement.
PHONE_FAMILIES = {
    "iphone": 0.44, "iphone-in-app": 0.10, "chrome": 0.16, "gmail-tab": 0.18, "samsung": 0.05, "android-in-app": 0.07,
}  # fmt: skip
DESKTOP_SYSTEMS = {"windows": 0.80, "mac": 0.15, "linux": 0.025, "chromebook": 0.025}
IOS_VERSIONS = {
    18.5: 0.60, 18.4: 0.08, 18.3: 0.06, 18.1: 0.04, 17.6: 0.08, 17.4: 0.03, 16.7: 0.04, 16.1: 0.01, 15.8: 0.04,
    14.8: 0.01, 12.5: 0.01,
}  # own judgement; below 16.4 there is no Sec-Fetch (bcd#19389)  # fmt: skip
SAFARI_VERSIONS = {18.5: 0.62, 18.3: 0.12, 17.6: 0.12, 16.6: 0.05, 15.6: 0.05, 14.1: 0.02, 13.1: 0.02}  # own judgement
# Windows 7 and 8 end at Chrome 109 (windows-7), which few still have; pinned versions in offices and old Macs and
# phones whose system allows no more: own judgement.
OLD_CHROMES = {
    ("windows-7", 109): 0.5,
    ("windows-8", 109): 0.15,
    ("windows", 114): 0.15,
    ("mac", 116): 0.15,
    ("linux", 103): 0.05,
}
OLD_CHROME_SHARE = 0.022
OLD_PHONE_SHARE = 0.03
LANGUAGE_SHARES = dict(zip(LANGUAGES, (0.34, 0.22, 0.24, 0.09, 0.07, 0.04), strict=True))


@dataclass(frozen=True, slots=True)
class Device:
    """A person's device: a browser, where it is connected, and the webmail that links are opened from, if any."""

    browser: Browser
    network: Network
    webmail: str | None = None

    def client(self, at: float, *habits: str) -> Client:
        """Who asks at a time, with the groups of device, network and habit as traits."""
        user_agent, headers = self.browser.request(at, self.webmail)
        headers = self.network.change(headers)
        traits = (f"device:{self.kind(at)}", f"network:{self.network.kind}", *(f"habit:{habit}" for habit in habits))
        return Client(self.network.address_at(at), user_agent, headers, self.network.http_version, traits)

    def kind(self, at: float) -> str:
        """The group of the browser: by age, or by what sets it apart."""
        family, version = self.browser.family, self.browser.version
        if family in ("internet-explorer", "tor", "iphone-in-app", "android-in-app"):
            return family
        if family in ("iphone", "safari"):
            return "old-safari" if version < 16.4 else f"current-{family}"
        if self.browser.current_version(at) < 125:
            return "old-chromium"
        return "phone" if self.browser.system == "android" else "current-desktop"


class DeviceMarket:
    """Hands out devices by the shares of a seed."""

    def __init__(self, rng: Random) -> None:
        self._desktop = Shares(rng, DESKTOP_FAMILIES)
        self._office = Shares(rng, OFFICE_FAMILIES)
        self._phone = Shares(rng, PHONE_FAMILIES)
        self._systems = Shares(rng, DESKTOP_SYSTEMS)
        self._ios = Shares(rng, IOS_VERSIONS)
        self._safari = Shares(rng, SAFARI_VERSIONS)
        self._old = Shares(rng, OLD_CHROMES)
        self._languages = Shares(rng, LANGUAGE_SHARES)

    def desktop(self, rng: Random, office: bool) -> Browser:
        """A desktop's browser."""
        language = self._languages.pick(rng)
        if rng.random() < OLD_CHROME_SHARE:
            system, version = self._old.pick(rng)
            return Browser("chrome", system, language, version)
        family = (self._office if office else self._desktop).pick(rng)
        if family == "safari":
            return Browser(family, "mac", language, self._safari.pick(rng))
        system = "windows" if family == "edge" else self._systems.pick(rng)
        if family in ("firefox", "opera") and system == "chromebook":
            system = "linux"
        return Browser(family, system, language, lag_days=spread(rng, 12 if office else 5, 1.0))

    def phone(self, rng: Random) -> Browser:
        """A phone's browser."""
        language = self._languages.pick(rng)
        family = self._phone.pick(rng)
        if family.startswith("iphone"):
            return Browser(family, "iphone", language, self._ios.pick(rng), variant=rng.randrange(1000))
        if family == "chrome" and rng.random() < OLD_PHONE_SHARE:
            return Browser(family, "android", language, rng.choice((95, 106, 113, 119)))
        return Browser(family, "android", language, lag_days=spread(rng, 6, 0.9), variant=rng.randrange(1000))

    def isolation_browser(self, rng: Random) -> Browser:
        """The browser that an isolation service runs in its data centre, current and on Linux half of the time."""
        return Browser("chrome", rng.choice(("linux", "windows")), self._languages.pick(rng), lag_days=20)
