"""Browsers of June 2025 and older ones: user agents, and the headers that each sends when a link in a mail is followed.

Header sets by engine and version follow MDN's compatibility data (BCD#19389, #27928: Safari sends Sec-Fetch from 16.4
on and never Sec-Fetch-User; Chromium from 80 on; Firefox from 90 on) and the browsers' own sources: client hints only
from Chromium, `zstd` from Chrome 123 and Firefox 126 on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
CHROME_PHONE = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Mobile Safari/537.36"
FIREFOX = "Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} Safari/605.1.15"  # noqa: E501 - one user agent
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} "
    "Mobile/15E148 Safari/604.1"
)
IPAD = IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS")
IPHONE_APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
WINDOWS = "Windows NT 10.0; Win64; x64"
WINDOWS_7 = "Windows NT 6.1; Win64; x64"
MAC = "Macintosh; Intel Mac OS X 10_15_7"
LINUX = "X11; Linux x86_64"
CHROME_OS = "X11; CrOS x86_64 14541.0.0"
ANDROID = "Linux; Android 10; K"
OUTLOOK_IE = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; "
    "Microsoft Outlook 16.0.{}; ms-office; MSOffice 16)"
)
PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9"
CHROMIUM_ACCEPT = f"{PAGES},image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
LANGUAGES = (
    "en-US,en;q=0.9",
    "en-GB,en;q=0.9,en-US;q=0.8",
    "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
    "de",
    "fr-FR,fr;q=0.9",
    "es-ES,es;q=0.9,en;q=0.8",
    "nl-NL,nl;q=0.9,en-US;q=0.8",
    "en-US",
    "pt-BR,pt;q=0.9",
)
# Released versions around 2025-06-15 and how common each is, per cent: automatic updates, own judgement of the lag.
CHROME_VERSIONS = ((137, 58), (136, 18), (135, 7), (138, 2), (134, 5), (133, 3), (131, 3), (128, 2), (124, 1), (120, 1))
FIREFOX_VERSIONS = ((139, 58), (138, 14), (128, 18), (137, 4), (140, 2), (115, 4))  # 128 and 115: extended support
SAFARI_VERSIONS = (("18.5", 48), ("18.4", 14), ("18.3", 10), ("18.1", 7), ("17.6", 12), ("17.4", 4), ("16.6", 5))
OLD_SAFARI_VERSIONS = (("16.1", 22), ("15.6", 48), ("14.1", 18), ("13.1", 12))
OLD_CHROME_VERSIONS = ((109, 60), (116, 8), (112, 8), (103, 8), (95, 6), (87, 5), (79, 5))  # 109: last for Windows 7, 8
SAMSUNG_VERSIONS = ((28, 130, 70), (27, 125, 20), (25, 121, 10))
LAST_FOR_WINDOWS_7 = 109
OUTLOOK_BUILDS = (4266, 5439, 10417, 17328, 17928, 18025, 18730)

# What people follow links with, per cent. Own judgement after public shares of mail clients and browsers: half of the
# clicks on phones, Chrome first on desktops; old browsers, web views and Outlook's own engine as minorities.
DESKTOPS = {
    "chrome-windows": 41.0,
    "edge": 22,
    "chrome-mac": 9,
    "safari-mac": 9,
    "firefox": 8,
    "chromebook": 2,
    "opera": 1.5,
    "tor": 0.5,
}
OFFICE_DESKTOPS = {
    "chrome-windows": 40.0,
    "edge": 38,
    "chrome-mac": 6,
    "safari-mac": 4,
    "firefox": 6,
}
PHONES = {
    "iphone": 43.0,
    "android-chrome": 25,
    "samsung": 8,
    "ios-app": 9,
    "android-app": 6,
    "old-ios": 4,
    "ipad": 3,
    "old-android": 2,
}
OLD_ANDROID_VERSIONS = ((119, 30), (114, 20), (106, 20), (95, 15), (87, 15))  # phones that get no more updates
# Browsers that build on a Chromium of months or years ago (Crawler-Detect#557 has Yandex's); own judgement of versions.
OTHER_CHROMIUMS = (
    (" YaBrowser/25.4.0.0", 134),
    (" YaBrowser/24.6.0.0", 124),
    (" Whale/4.29.282.14", 130),
    (" QQBrowser/19.3.0", 123),
    ("", 108),  # of some of them the name says nothing but Chrome
    ("", 122),
)
ELECTRON = (
    "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Mail/{} Chrome/{}.0.0.0 Electron/{}.1.0 Safari/537.36"
)
PHONE_DEVICES = frozenset(PHONES)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser as it is installed somewhere: its user agent and its headers stay the same from click to click."""

    device: str
    user_agent: str
    headers: dict[str, str]


def pick(rng: Random, weights: dict[str, float]) -> str:
    """One of these names by their weights."""
    return rng.choices(list(weights), list(weights.values()))[0]


def _version(rng: Random, versions: tuple[tuple[int, int], ...]) -> int:
    return rng.choices([one for one, _ in versions], [part for _, part in versions])[0]


def _safari_version(rng: Random, versions: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([one for one, _ in versions], [part for _, part in versions])[0]


def chromium_headers(
    rng: Random, version: int, platform: str, *, phone: bool = False, brand: str = "Google Chrome"
) -> dict[str, str]:
    """What Chromium of this version sends when a link is opened from a mail program (none) or webmail (cross-site)."""
    headers = {
        "upgrade-insecure-requests": "1",
        "accept": CHROMIUM_ACCEPT if version >= 110 else CHROMIUM_ACCEPT.replace("v=b3;q=0.7", "v=b3;q=0.9"),
        "accept-encoding": "gzip, deflate, br, zstd" if version >= 123 else "gzip, deflate, br",
        "accept-language": rng.choice(LANGUAGES),
    }
    if version >= 89:
        headers |= {
            "sec-ch-ua": f'"{brand}";v="{version}", "Chromium";v="{version}", "Not/A)Brand";v="24"',
            "sec-ch-ua-mobile": "?1" if phone else "?0",
            "sec-ch-ua-platform": f'"{platform}"',
        }
    if version >= 80:
        headers |= {
            "sec-fetch-site": rng.choice(("none", "cross-site")),
            "sec-fetch-mode": "navigate",
            "sec-fetch-user": "?1",
            "sec-fetch-dest": "document",
        }
    return headers


def firefox_headers(rng: Random, version: int) -> dict[str, str]:
    """What Firefox of this version sends."""
    headers = {
        "accept": f"{PAGES},*/*;q=0.8" if version >= 132 else f"{PAGES},image/avif,image/webp,*/*;q=0.8",
        "accept-language": rng.choice(
            ("en-US,en;q=0.5", "de,en-US;q=0.7,en;q=0.3", "en-GB,en;q=0.5", "fr,fr-FR;q=0.8")
        ),
        "accept-encoding": "gzip, deflate, br, zstd" if version >= 126 else "gzip, deflate, br",
        "upgrade-insecure-requests": "1",
    }
    if version >= 90:
        headers |= {"sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-site": "none"}
        headers |= {"sec-fetch-user": "?1", "priority": "u=0, i"}
    return headers


def safari_headers(rng: Random, version: str) -> dict[str, str]:
    """What Safari of this version sends: Sec-Fetch from 16.4 on, Sec-Fetch-User never."""
    headers = {
        "accept": f"{PAGES},*/*;q=0.8",
        "accept-language": rng.choice(LANGUAGES),
        "accept-encoding": "gzip, deflate, br",
    }
    if tuple(map(int, version.split("."))) >= (16, 4):
        headers |= {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    return headers


def _app_headers(rng: Random) -> dict[str, str]:
    return {
        "accept": f"{PAGES},*/*;q=0.8",
        "accept-language": rng.choice(LANGUAGES),
        "accept-encoding": "gzip, deflate, br",
    }


def make_browser(rng: Random, device: str) -> Browser:
    """A browser of this kind."""
    return _MAKERS.get(device, _make_chromium)(rng, device)


def _make_safari(rng: Random, device: str) -> Browser:
    version = _safari_version(rng, OLD_SAFARI_VERSIONS if device == "old-ios" else SAFARI_VERSIONS)
    headers = safari_headers(rng, version)
    if device == "safari-mac":
        return Browser(device, SAFARI.format(version), headers)
    system = version.replace(".", "_") if version != "13.1" else "13_7"
    return Browser(device, (IPAD if device == "ipad" else IPHONE).format(system, version), headers)


def _make_ios_app(rng: Random, device: str) -> Browser:
    """The web views of mail programs and social apps: no Version/ in the name, no Sec-Fetch."""
    agent = IPHONE_APP.format(rng.choice(("18_5", "18_4_1", "17_6_1", "16_7_10")))
    return Browser(device, agent + rng.choice(("", " GSA/370.0.762543316", " [LinkedInApp]/9.31.1")), _app_headers(rng))


def _make_android_app(rng: Random, device: str) -> Browser:
    release, model = rng.choice((("14", "SM-S918B"), ("13", "Pixel 7"), ("12", "M2101K6G"), ("15", "SM-A546B")))
    agent = (
        f"Mozilla/5.0 (Linux; Android {release}; {model}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        f"Chrome/{_version(rng, CHROME_VERSIONS)}.0.7151.61 Mobile Safari/537.36"
    )
    return Browser(device, agent, {**_app_headers(rng), "x-requested-with": "com.google.android.gm"})


def _make_android_chrome(rng: Random, device: str) -> Browser:
    version = _version(rng, CHROME_VERSIONS)
    headers = chromium_headers(rng, version, "Android", phone=True)
    return Browser(device, CHROME_PHONE.format(ANDROID, version), headers)


def _make_samsung(rng: Random, device: str) -> Browser:
    own, version, _ = rng.choices(SAMSUNG_VERSIONS, [part for _, _, part in SAMSUNG_VERSIONS])[0]
    agent = CHROME_PHONE.format(ANDROID, version).replace("Chrome/", f"SamsungBrowser/{own}.0 Chrome/")
    return Browser(device, agent, chromium_headers(rng, version, "Android", phone=True, brand="Samsung Internet"))


def _make_firefox(rng: Random, device: str) -> Browser:
    version = {"old-firefox": 78, "tor": 128}.get(device) or _version(rng, FIREFOX_VERSIONS)
    system = rng.choices((WINDOWS, "Macintosh; Intel Mac OS X 10.15", LINUX), (80, 10, 10))[0]
    return Browser(device, FIREFOX.format(system, version, version), firefox_headers(rng, version))


def _make_outlook(rng: Random, device: str) -> Browser:
    """Links that Outlook's own engine opens."""
    headers = {"accept": "*/*", "accept-language": rng.choice(("en-US", "de-DE")), "accept-encoding": "gzip, deflate"}
    return Browser(device, OUTLOOK_IE.format(rng.choice(OUTLOOK_BUILDS)), headers)


def _make_old_android(rng: Random, device: str) -> Browser:
    version = _version(rng, OLD_ANDROID_VERSIONS)
    agent = CHROME_PHONE.format(rng.choice(("Linux; Android 8.1.0; SM-J530F", ANDROID)), version)
    return Browser(device, agent, chromium_headers(rng, version, "Android", phone=True))


def _make_other_chromium(rng: Random, device: str) -> Browser:
    own, version = rng.choice(OTHER_CHROMIUMS)
    agent = CHROME.format(WINDOWS, version).replace(" Safari/", f"{own} Safari/")
    return Browser(device, agent, chromium_headers(rng, version, "Windows", brand="Yandex" if own else "Chromium"))


def _make_mail_app(rng: Random, device: str) -> Browser:
    """A desktop mail program that shows pages in its own window, as a Chromium of the past."""
    shell, version = rng.choice(((28, 120), (30, 124), (32, 128), (25, 114)))
    headers = chromium_headers(rng, version, "Windows")
    headers = {name: value for name, value in headers.items() if not name.startswith("sec-ch") or rng.random() < 0.5}
    return Browser(device, ELECTRON.format(rng.choice((WINDOWS, MAC)), "3.1", version, shell), headers)


def _make_old_chrome(rng: Random, device: str) -> Browser:
    version = _version(rng, OLD_CHROME_VERSIONS)
    system = WINDOWS_7 if version == LAST_FOR_WINDOWS_7 else rng.choice((WINDOWS, WINDOWS, MAC))
    return Browser(device, CHROME.format(system, version), chromium_headers(rng, version, "Windows"))


def _make_chromium(rng: Random, device: str) -> Browser:
    version = _version(rng, CHROME_VERSIONS)
    system, platform = {"chrome-mac": (MAC, "macOS"), "chromebook": (CHROME_OS, "Chrome OS")}.get(
        device, (WINDOWS, "Windows")
    )
    agent, brand = CHROME.format(system, version), "Google Chrome"
    if device == "edge":
        agent, brand = f"{agent} Edg/{version}.0.0.0", "Microsoft Edge"
    elif device == "opera":
        agent, brand = f"{agent} OPR/{version - 17}.0.0.0", "Opera"
    return Browser(device, agent, chromium_headers(rng, version, platform, brand=brand))


_MAKERS: dict[str, Callable[[Random, str], Browser]] = {
    **dict.fromkeys(("iphone", "ipad", "old-ios", "safari-mac"), _make_safari),
    **dict.fromkeys(("firefox", "old-firefox", "tor"), _make_firefox),
    "ios-app": _make_ios_app,
    "android-app": _make_android_app,
    "android-chrome": _make_android_chrome,
    "samsung": _make_samsung,
    "outlook-ie": _make_outlook,
    "old-chrome": _make_old_chrome,
    "old-android": _make_old_android,
    "other-chromium": _make_other_chromium,
    "mail-app": _make_mail_app,
}
