"""What browsers send: user agents and headers by family, version and system, and who has which.

Header sets follow the browsers' own releases: Chromium has Sec-Fetch from 80 and client hints from 89, zstd from 123,
reduces its version from 101; Firefox has Sec-Fetch from 90 (bcd#10679); Safari from 16.4, and never Sec-Fetch-User
(bcd#19389); Internet Explorer and old in-app browsers have none. The order of headers means nothing here.
"""

from dataclasses import dataclass

from bench.simulator.holdout.distributions import DAY_SECONDS

Headers = dict[str, str]

CHROME_137_RELEASE = 1_748_304_000.0  # 2025-05-27; Firefox 139 is of the same day
CHROME_BUILDS = {  # before 101 browsers named their full build; 101 with one is a scanner (gophish#2646)
    64: "3282.186", 72: "3626.121", 79: "3945.136", 80: "3987.132", 83: "4103.116", 87: "4280.141", 91: "4472.124",
    92: "4515.159", 95: "4638.74", 96: "4664.110", 97: "4692.99", 99: "4844.51", 101: "4951.54", 106: "5249.126",
}  # fmt: skip
SYSTEMS = {
    "windows": "Windows NT 10.0; Win64; x64",
    "windows-7": "Windows NT 6.1; Win64; x64",
    "windows-8": "Windows NT 6.3; Win64; x64",
    "mac": "Macintosh; Intel Mac OS X 10_15_7",
    "linux": "X11; Linux x86_64",
    "chromebook": "X11; CrOS x86_64 14541.0.0",
    "android": "Linux; Android 10; K",
    "samsung-phone": "Linux; Android 12; SM-G998U",
}
HINT_PLATFORMS = {"mac": "macOS", "linux": "Linux", "chromebook": "Chrome OS", "android": "Android"}
PHONE_SYSTEMS = frozenset({"android", "samsung-phone"})
LANGUAGES = {  # own judgement: a sender in Europe with readers abroad; (Chromium and Safari, Firefox)
    "en-US": ("en-US,en;q=0.9", "en-US,en;q=0.5"),
    "en-GB": ("en-GB,en-US;q=0.9,en;q=0.8", "en-GB,en;q=0.5"),
    "de": ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de,en-US;q=0.7,en;q=0.3"),
    "fr": ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3"),
    "es": ("es-ES,es;q=0.9,en;q=0.8", "es-ES,es;q=0.8,en-US;q=0.5,en;q=0.3"),
    "nl": ("nl-NL,nl;q=0.9,en-US;q=0.8,en;q=0.7", "nl,en-US;q=0.7,en;q=0.3"),
}
ACCEPT_PLAIN = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
WEBMAIL_REFERERS = (
    "https://mail.google.com/",
    "https://outlook.live.com/",
    "https://mail.yahoo.com/",
    "",
)  # own judgement


def chrome_version(system: str, version: int, full_until: int = 100) -> str:
    """The version as the user agent names it: in full until 100 on desktops and 109 on phones."""
    if version > (109 if system in PHONE_SYSTEMS else full_until):
        return f"{version}.0.0.0"
    return f"{version}.0.{CHROME_BUILDS[version]}"


def chrome_user_agent(system: str, version: str, suffix: str = "") -> str:
    """The user agent of a Chromium; `suffix` names whoever built it."""
    mobile = " Mobile" if system in PHONE_SYSTEMS else ""
    return (
        f"Mozilla/5.0 ({SYSTEMS[system]}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}{mobile} "
        f"Safari/537.36{suffix}"
    )


def chrome_headers(version: int, system: str, language: str, brand: str = "Google Chrome") -> Headers:
    """What a Chromium sends when a person follows a link that another program opens."""
    image_types = "image/avif,image/webp,image/apng" if version >= 85 else "image/webp,image/apng"
    exchange = "0.7" if version >= 110 else "0.9"
    headers = {
        "accept": f"text/html,application/xhtml+xml,application/xml;q=0.9,{image_types},*/*;q=0.8,"
        f"application/signed-exchange;v=b3;q={exchange}",
        "accept-encoding": "gzip, deflate, br, zstd" if version >= 123 else "gzip, deflate, br",
        "accept-language": LANGUAGES[language][0],
        "upgrade-insecure-requests": "1",
    }
    if version >= 80:
        headers |= fetch_metadata("none") | {"sec-fetch-user": "?1"}
    if version >= 89:
        headers |= {
            "sec-ch-ua": f'"{brand}";v="{version}", "Chromium";v="{version}", "Not/A)Brand";v="24"',
            "sec-ch-ua-mobile": "?1" if system in PHONE_SYSTEMS else "?0",
            "sec-ch-ua-platform": f'"{HINT_PLATFORMS.get(system, "Windows")}"',
        }
    return headers


def firefox_headers(version: int, language: str) -> Headers:
    """What a Firefox sends when a person follows a link."""
    image_types = "image/avif,image/webp," if 93 <= version < 132 else ""
    headers = {
        "accept": f"text/html,application/xhtml+xml,application/xml;q=0.9,{image_types}*/*;q=0.8",
        "accept-encoding": "gzip, deflate, br, zstd" if version >= 126 else "gzip, deflate, br",
        "accept-language": LANGUAGES[language][1],
        "upgrade-insecure-requests": "1",
    }
    if version >= 90:
        headers |= fetch_metadata("none") | {"sec-fetch-user": "?1"}
    return headers


def safari_headers(version: float, language: str) -> Headers:
    """What a Safari sends when a person follows a link."""
    headers = {
        "accept": ACCEPT_PLAIN,
        "accept-encoding": "gzip, deflate, br",
        "accept-language": LANGUAGES[language][0].split(",")[0] + ",en;q=0.9",
    }
    return headers | fetch_metadata("none") if version >= 16.4 else headers


def fetch_metadata(site: str) -> Headers:
    """Sec-Fetch of a navigation from `site`."""
    return {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass(frozen=True, slots=True)
class Browser:
    """A person's browser: `version` is fixed, or 0 for one that updates itself `lag_days` after each release.

    `variant` tells phones and apps of one family apart.
    """

    family: str
    system: str
    language: str
    version: float = 0
    lag_days: float = 3
    variant: int = 0

    def current_version(self, at: float) -> int:
        """The version at a time: a release each four weeks."""
        if self.version:
            return int(self.version)
        releases = int((at - CHROME_137_RELEASE - self.lag_days * DAY_SECONDS) // (28 * DAY_SECONDS))
        return (139 if self.family in ("firefox", "tor") else 137) + releases

    def request(self, at: float, webmail: str | None = None) -> tuple[str, Headers]:
        """The user agent and headers of a followed link.

        From `webmail` it comes from another site, with that referer if it is not empty.
        """
        user_agent, headers = _BUILDERS[self.family](self, self.current_version(at))
        if webmail is not None and "in-app" not in self.family and self.family != "internet-explorer":
            if "sec-fetch-site" in headers:
                headers["sec-fetch-site"] = "cross-site"
            if webmail:
                headers["referer"] = webmail
        return user_agent, headers


def _pick(browser: Browser, items: tuple[str, ...]) -> str:
    """What a browser's variant has of several."""
    return items[browser.variant // 2 % len(items)]


def _chrome(browser: Browser, version: int) -> tuple[str, Headers]:
    user_agent = chrome_user_agent(browser.system, chrome_version(browser.system, version))
    return user_agent, chrome_headers(version, browser.system, browser.language)


def _edge(browser: Browser, version: int) -> tuple[str, Headers]:
    user_agent = chrome_user_agent(browser.system, f"{version}.0.0.0", f" Edg/{version}.0.0.0")
    return user_agent, chrome_headers(version, browser.system, browser.language, "Microsoft Edge")


def _opera(browser: Browser, version: int) -> tuple[str, Headers]:
    version -= 3
    user_agent = chrome_user_agent(browser.system, f"{version}.0.0.0", f" OPR/{version - 15}.0.0.0")
    return user_agent, chrome_headers(version, browser.system, browser.language, "Opera")


def _samsung(browser: Browser, version: int) -> tuple[str, Headers]:
    version -= 7
    mobile = f"Mozilla/5.0 ({SYSTEMS['android']}) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 "
    headers = chrome_headers(version, "android", browser.language, "Samsung Internet")
    return mobile + f"Chrome/{version}.0.0.0 Mobile Safari/537.36", headers


def _gmail_tab(browser: Browser, version: int) -> tuple[str, Headers]:
    """Chrome on a phone, opened by the Gmail app, which it names as the referer (sourcelibrary#2640)."""
    headers = chrome_headers(version, "android", browser.language)
    headers |= {"referer": "android-app://com.google.android.gm/", "sec-fetch-site": "cross-site"}
    return chrome_user_agent("android", f"{version}.0.0.0"), headers


def _android_in_app(browser: Browser, version: int) -> tuple[str, Headers]:
    """An app's web view on Android: Chromium's headers, the app's name, no Sec-Fetch-User without a gesture."""
    phone = _pick(
        browser, ("SM-A546B Build/UP1A.231005.007", "Pixel 7 Build/BP1A.250505.005", "SM-S911B Build/UP1A.231005")
    )
    app = _pick(
        browser, ("com.microsoft.office.outlook", "com.yahoo.mobile.client.android.mail", "com.linkedin.android")
    )
    user_agent = (
        f"Mozilla/5.0 (Linux; Android 14; {phone}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
        f"Chrome/{version}.0.7151.89 Mobile Safari/537.36"
    )
    headers = chrome_headers(version, "android", browser.language, "Android WebView") | {"x-requested-with": app}
    headers.pop("sec-fetch-user")
    return user_agent, headers


def _firefox(browser: Browser, version: int) -> tuple[str, Headers]:
    user_agent = f"Mozilla/5.0 ({SYSTEMS[browser.system]}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    return user_agent, firefox_headers(version, browser.language)


def _tor(_browser: Browser, _: int) -> tuple[str, Headers]:
    """Tor Browser: a Firefox 128 that gives nothing away."""
    user_agent = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"
    return user_agent, firefox_headers(128, "en-US")


def _safari(browser: Browser, _: int) -> tuple[str, Headers]:
    version = f"{browser.version:g}"
    user_agent = (
        f"Mozilla/5.0 ({SYSTEMS['mac']}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
    )
    return user_agent, safari_headers(browser.version, browser.language)


def _iphone_token(browser: Browser) -> str:
    system = f"{browser.version:g}".replace(".", "_")
    return f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


def _iphone(browser: Browser, _: int) -> tuple[str, Headers]:
    user_agent = f"{_iphone_token(browser)} Version/{browser.version:g} Mobile/15E148 Safari/604.1"
    return user_agent, safari_headers(browser.version, browser.language)


def _iphone_in_app(browser: Browser, _: int) -> tuple[str, Headers]:
    """An app's web view on an iPhone: half of the apps load links in a manner without Sec-Fetch (own judgement)."""
    app = _pick(browser, ("", " GSA/373.0.764353457", " [LinkedInApp]/9.31", " Instagram 385.0.0.47.74", " YMail/7.42"))
    headers = safari_headers(browser.version, browser.language)
    if browser.variant % 2:
        headers = {name: value for name, value in headers.items() if not name.startswith("sec-fetch")}
    return f"{_iphone_token(browser)} Mobile/15E148{app}", headers


def _internet_explorer(browser: Browser, _: int) -> tuple[str, Headers]:
    """Internet Explorer 11 or an embedded one, as programs of the office still open it."""
    headers = {"accept": "text/html, application/xhtml+xml, image/jxr, */*", "accept-encoding": "gzip, deflate"}
    headers["accept-language"] = LANGUAGES[browser.language][0].split(",")[0]
    return "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko", headers


_BUILDERS = {
    "chrome": _chrome, "edge": _edge, "opera": _opera, "samsung": _samsung, "gmail-tab": _gmail_tab, "tor": _tor,
    "android-in-app": _android_in_app, "firefox": _firefox, "safari": _safari, "iphone": _iphone,
    "iphone-in-app": _iphone_in_app, "internet-explorer": _internet_explorer,
}  # fmt: skip
