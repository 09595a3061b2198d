"""Where the shares, times, addresses and header sets of this mix come from.

Behaviours name their sources by these keys in their docstrings; "own judgement" stands where nobody has published a
measurement. The first group was known before this mix was written, the second was searched for it.
"""

SOURCES: dict[str, tuple[str, str]] = {
    # -- known before
    "craft-campaign#546": ("putyourlightson/craft-campaign issue 546", "begin of sweeps, all links, libraries"),
    "MillionSend#22": ("MillionSend pull request 22", "most clicks are bursts, then single links of the same fleet"),
    "gophish#2446": ("gophish issue 2446", "Windows 10 with Chrome 79, 80, 96 before delivery"),
    "gophish#2565": ("gophish issue 2565", "a Samsung phone that nobody owns; one click recorded several times"),
    "gophish#499": ("gophish issue 499", "Apple Mail's preview from the reader's own address"),
    "passwordless#79": ("laravel-passwordless-login issue 79", "Chrome 97 at 20.72.100.79; blank agents at 104.47"),
    "resend#901": (
        "resend/resend-node issue 901",
        "a second click 12 s later, other network and system, Chrome current",
    ),
    "FusionAuth#629": ("FusionAuth issue 629, authelia 2994, next-auth 1840", "HEAD, then GET at the time of a click"),
    "live-direct": (
        "check.live-direct-marketing.online, two posts",
        "paired checks, crawls hours later, vendors' agents",
    ),
    "mautic#9798": ("mautic issues 9798 and 16263", "another address and agent for each request"),
    "campus-barracuda": ("campus.barracuda.com, unwanted link clicks", "a few addresses no longer cover its machines"),
    "act-on": ("connect.act-on.com 360023757754", "Barracuda follows the first link, does not name itself"),
    "anymail#200": ("django-anymail issue 200", "most of the links within minutes, and again after forwarding"),
    "phplist#415": ("phplist3 issue 415, mssola/user_agent 71", "BingPreview minutes later; Gmail-content-sampling"),
    "getresponse": (
        "GetResponse benchmarks, 5.5 billion mails",
        "33.6 % of clicks in 1 h, 51.4 % in 3 h, 81 % in 24 h",
    ),
    "denis-10m": ("denis-test.com ?p=2949, 10 million mails", "91.7 % by day 1, 98.1 % by day 7, 1.9 % later"),
    "bcd#19389": (
        "mdn/browser-compat-data issues 19389 and 27928",
        "Safari: Sec-Fetch from 16.4, never Sec-Fetch-User",
    ),
    "omeda": ("omeda.com, 1.8 billion mails", "65 % of clicks are bots', some before the server says delivered"),
    "warmbly#412": ("warmbly pull request 412", "people sit behind Azure and isolating browsers too"),
    # -- searched for this mix
    "omnivery": (
        "blog.omnivery.com/blog/nhi-is-getting-worse",
        "clicks by machines: B2C over 50 %, B2B 75 %, up to 90 %",
    ),
    "evalanche-share": ("help.evalanche.cloud 20426081188380", "5 % to 60 % by audience; all or only specific links"),
    "evalanche-double": (
        "help.evalanche.cloud 360047013212",
        "the check comes from the vendor, before or after the click",
    ),
    "suped-timing": (
        "suped.com, time of anti-spam clicks",
        "milliseconds to 30 min, quarantine, rescans after complaints",
    ),
    "suped-outlook": (
        "suped.com, Hotmail and Outlook.com clicks",
        "consumer mailboxes are swept too, for some senders",
    ),
    "suped-ec2": ("suped.com, single link from Amazon EC2", "the same link of each mail, from EC2"),
    "gophish#2646": ("gophish issue 2646", "40.94.89.19-23 within 2 s, Chrome 101.0.4951.54, loads the page's parts"),
    "gophish#1555": ("gophish issue 1555", "1 to 3 s after sending, Windows 7 with Internet Explorer 8"),
    "gophish#2938": ("gophish issue 2938", "35.x (Google Cloud) as soon as the mail is sent"),
    "gophish#2853": ("gophish issue 2853", "everybody who forwards to the ticket system has clicked"),
    "emdash#3298": (
        "emdash-cms/emdash issue 3298",
        "two GETs of headless Chrome at Microsoft 22 s later, person after 4 min",
    ),
    "techqa-40.94": (
        "techqa.club 67179134",
        "140,000 mails, 9,000 requests in 15 min from 40.94: not each mail is swept",
    ),
    "thomask": (
        "thomask.sdf.org 2022/07/22",
        "four Outlook accounts, 16 days: only checks just before or after the click",
    ),
    "mimecast-help": ("Mimecast support 34000734585107", "does not follow links by itself; checks when clicked"),
    "civicrm#35328": ("civicrm-core pull request 35328", "HEAD is a significant portion of click-tracking traffic"),
    "mail-tracker#200": ("jdavidbakr/mail-tracker pull request 200", "bursts of HEAD as soon as the mails are sent"),
    "searxng#3116": ("searxng pull request 3116", "headers of HeadlessChrome: Sec-Fetch-User, but no Accept-Language"),
    "CIDRAM#275": ("CIDRAM issue 275", "HeadlessChrome/96 on Linux, all from Azure"),
    "exchangetuts": ("exchangetuts.com 1640799842939013", "Outlook.com opens links as MSIE 10 from 132.245.26.156"),
    "sourcelibrary#2640": (
        "sourcelibrary-v2 pull request 2640",
        "the Gmail app fetches links: 178 logins lost in a week",
    ),
    "office-prefetch": (
        "webmasters.stackexchange.com 71112, MSDN 2008/03/11",
        "ms-office GET or HEAD, 1 s later the browser",
    ),
    "webmasterworld-trend": (
        "webmasterworld.com 4363886",
        "Trend Micro before, seconds after or over an hour after a visit",
    ),
    "se-39616": (
        "security.stackexchange.com 39616, blog.abodit.com 2009/04",
        "2 or 3 of 100 visits repeated, as MSIE 6",
    ),
    "goldphish": (
        "goldphish.helpscoutdocs.com 32, livingsecurity.com",
        "endpoint protection checks on arrival; several layers",
    ),
    "paminga": ("paminga.com/docs/concepts/bot-filtering", "some bots wait at random between links, like people"),
    "wm-58791": ("webmasters.stackexchange.com 58791", "most links a couple hundred times, each another number"),
    "smarsh": (
        "Smarsh, Global Relay: journals",
        "archives take each mail by journal; that some fetch links: own judgement",
    ),
    "private-relay": (
        "denog15 37329, Apple's network notes",
        "a few permille of traffic, exits of Akamai, Cloudflare, Fastly",
    ),
    "vpn-survey": (
        "swif.ai/blog/vpn-statistics (NordVPN 2025)",
        "32 % of US adults use a VPN, most of them not always",
    ),
    "lognormal-1.07": (
        "lognormal.com 2012/08/17, perfplanet 2010",
        "1.07 % of 17.7 million without Accept-Encoding (2009: 15 %)",
    ),
    "statcounter": (
        "gagadget.com 672454 (StatCounter 2025)",
        "desktop Chrome 70, Edge 12, Safari 6, Firefox 5, Opera 2; phones",
    ),
    "windows-7": (
        "breakinglatest.news, tau3.net (StatCounter 2022-23)",
        "10 % Windows 7 in 2022; Chrome 109 is its last",
    ),
    "experian-2015": ("blog.bancomail.com (Experian Q2 2015)", "62 % of clicks on desktops, 81 % in B2B"),
    "cm-2013": (
        "Campaign Monitor, 1.8 billion opens",
        "23 % of phone readers open again, 30 % of these on another device",
    ),
    "inntopia": ("corp.inntopia.com/email-short-tail", "27 % of opens in the first hour, 61 % within six"),
    "launchbit": (
        "launchbit.com, 66,000 campaigns",
        "35 % of clicks on the first link, the third a third of the second",
    ),
    "mailerlite-links": (
        "mailerlite.com/blog/how-many-links-in-email",
        "317,000 campaigns in bands 1, 2-5, 6-20, over 20 links",
    ),
    "ux-se-49816": ("ux.stackexchange.com 49816", "confirmation links: hours at most for what is urgent"),
    "unfurlers": (
        "myog.social, dev.to 4144, promptwatch",
        "Slack fetches at once, up to 5 links of a message, names itself",
    ),
    "marketo-blog": (
        "nation.marketo.com 241154",
        "companies' filters open all links, but not all methods are so visible",
    ),
    "bcd#10679": ("browser-compat-data pull request 10679", "Firefox sends Sec-Fetch from 90"),
}
OWN_JUDGEMENT = "own judgement"
