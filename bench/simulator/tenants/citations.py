"""Public sources of this mix: what each says, by the short name under which its tables and behaviours cite it.

Figures without one of these beside them are own judgement, and say so.
"""

SOURCES = {
    "live-direct (Defender)": "check.live-direct-marketing.online, microsoft-defender-link-click-pattern: every link "
    "within ten seconds, within a minute of delivery, by a Chrome of varying release; checks paired with a click; "
    "crawls hours later (a vendor's blog: weak)",
    "live-direct (SafeLinks)": "check.live-direct-marketing.online, safelinks-inflates-click-rate: one to three "
    "requests for each link and recipient; a second hit milliseconds after the person's",
    "maincross.net": "each of fifteen links of each of a thousand mails loaded in a full browser in 50 s",
    "thomask.sdf.org": "unique links to four hosted Outlook accounts: nothing for 16 days but a scan just before or "
    "after the person's own click, on some accounts",
    "gophish#2646": "40.94.89.19, .21 and .23 at once, Chrome 101 when 106 was current, as a whole page",
    "gophish#1555": "one to three seconds after sending, Windows 7 with IE 8",
    "gophish#1061": "thousands of clicks on one mail from one address in half an hour",
    "gophish#3317": "reporting a mail as phishing makes scanners follow its links",
    "gophish#2853": "forwarding a mail to a ticket system follows its link",
    "gophish#2961": "mails opened with an iPhone, and Microsoft's scanner, show clicks nobody made",
    "animus#31": "two hits 134 ms apart about 23 s after sending, by a browser that runs scripts",
    "onetimesecret#359": "two reads in quick succession from AWS and from Cogent",
    "mautic#9798": "each click takes about a second and differs by domain; addresses and agents differ by request",
    "suped (how long)": "from milliseconds to 30 minutes and more after sending; quarantine delays; old mails again",
    "suped (filter)": "clicks within a second of the hand-off are machines'; footer links are swept too",
    "constantcontact 409175": "all options of a poll typically within one to two minutes of sending",
    "evalanche": "5 to 60 % of clicks are machines', by trade and audience; all or certain links of a mail",
    "amediaoperator.com (Omeda)": "1.8 billion mails: about 65 % of clicks are machines'",
    "MillionSend PR#22": "single links from the same fleet that sweeps others",
    "MembershipReboot#522": "the link was used from an address that has nothing to do with the reader's",
    "Act-On": "Barracuda's follows the first link only",
    "gophish#2565": "a Samsung phone that nobody owns",
    "Squid header_access": "proxies leave out whole sets of headers",
    "live-direct (guide)": "10 to 30 % of a B2B sender's clicks are machines' (weak)",
    "laposta 943": "fast rows from one address; some addresses are both scanners' and people's",
    "craft-campaign#546": "836 sweeps: 0.5 % below 10 s, 2.2 % to 20 s, 66.4 % to 60 s, 28.3 % to 5 min, 1.9 % to "
    "30 min, 0.7 % later",
    "better-auth#9690, cobudget#1274": "HEAD, then GET, at each mail, before the person's click; twice in a day",
    "next-auth#8736": "antivirus on the reader's machine follows the link of a mail",
    "nuevomailer.com": "several clicks of the same subscriber at the same second or a couple of seconds apart",
    "GetResponse": "people's clicks: 33.6 % in 1 h, 51.4 % in 3 h, 81 % in 24 h",
    "denis-test.com ?p=2949": "10 million mails: 91.7 % by day 1, 98.1 % by day 7, 1.9 % later",
    "warmbly#412": "people sit behind Azure's addresses, cloud desktops and isolating browsers",
    "Proofpoint Isolation data sheet": "pages open in a browser in the vendor's cloud",
    "buettner/private-prefetch-proxy#15": "prefetches carry `Purpose: prefetch`",
}
