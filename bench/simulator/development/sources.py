"""Public sources of the development mix: what each says, by the short name under which the tables cite it.

Figures without one of these beside them are own judgement, and say so.
"""

SOURCES = {
    "craft-campaign#546": "start of 836 sweeps after delivery; all links within a second, each several times; "
    "Python Requests among them",
    "MillionSend PR#22": "bursts in milliseconds with a browser's name; single links from the same fleet",
    "amediaoperator.com (Omeda)": "1.8 billion mails in Q2 2023: about 65 % of clicks are bots'",
    "blog.omnivery.com/blog/nhi-is-getting-worse": "over half of B2C clicks and about 75 % of B2B clicks in 2026",
    "M3AAWG (mediapost.com 357725)": "a subset of the links of one mail up to every link of every mail of a domain; "
    "B2B 20 to 80 %, B2C below 10 % (2021)",
    "gophish#2446": "Windows 10 with Chrome 79, 80 and 96 while newer ones were current; clicks before delivery",
    "gophish#2115": "clicked a few seconds after delivery, at four in the morning, by Windows 10 and Chrome",
    "gophish#973": "two GETs in the same second from 40.107, Windows 7 and Chrome 57",
    "gophish#2225": "different Chrome versions within one click",
    "gophish#2853": "forwarding a mail to a ticket system counts as a click",
    "gophish#3317": "reporting a mail as phishing counts as a click",
    "gophish#2938": "an address of 35/8 (Google) follows the link as soon as a mail is sent",
    "gophish#2565": "a Samsung phone that nobody owns; the same click several times",
    "gophish#499": "Apple Mail's preview comes from the reader's own address with Safari's user agent",
    "opencollective#3656": "Chrome 64 and 72 from 40.94.16 and 40.107.235",
    "laravel-passwordless-login#79": "blank user agents from 104.47; Chrome 97 from 20.72.100.79",
    "emdash#3298": "22 s after sending two GETs from Microsoft's network with headless Chrome; the person after 4 min",
    "better-auth#9690": "HEAD and GET of the scanner before the person's click, seconds to minutes later",
    "onetimesecret#359": "two reads in quick succession from AWS and Cogent",
    "MembershipReboot#522": "the link was used from an address that has nothing to do with the reader's",
    "dada-mail#1126 (healthchecks.io)": "Defender loads links in a full browser that runs scripts; five minutes",
    "clickdimensions.com 10481011250957": "since June 2023 very many more Safe Links clicks at Office 365",
    "community.mcafee.com 64280": "ClickProtect fetches while the mail passes, and again when it is clicked",
    "sailthru NHI guide": "several sustained fast clicks are the most common pattern",
    "suped.com (how long)": "ten minutes and up to 30 after arrival; old mails are looked at again",
    "resend-node#901": "one click, and 12 s later a second from another network and system with a current Chrome",
    "FusionAuth#629, authelia#2994, next-auth#1840": "HEAD by Go-http-client, then GET; since 2023 GET by OneOutlook",
    "check.live-direct-marketing.online": "names of scanners (TMES, CiscoSecureEmail); checks beside a click; crawls "
    "hours later (a vendor's blog: weak)",
    "mautic#9798": "each click takes about a second; different addresses and user agents for each request",
    "mautic#16263": "gateways fetch every link from cloud addresses with browsers' names",
    "campus.barracuda.com": "a few addresses no longer suffice to name the scanner's",
    "Act-On, Word to the Wise": "Barracuda does not name itself; clicks on the first link only",
    "anymail#200": "clusters within 60 s to 5 min, again after forwarding; mails with one link cannot be told",
    "phplist3#415; user_agent#71": "BingPreview minutes after delivery to outlook.com; Gmail-content-sampling",
    "warmbly#410, #412, #440, #526": "people behind Azure NAT and Windows 365",
    "Proofpoint Isolation data sheet": "people behind browsers that are isolated in a vendor's cloud",
    "Squid header_access; SafeSquid Header_filter": "proxies leave out whole sets of headers, or all that they do not "
    "know; Sun's proxy server: administrators suppress headers for security",
    "Squid http_anonymizer (acmeconsulting.it, Squid-Book 14.2)": "`standard` denies User-Agent, Referer and From; "
    "`paranoid` denies all but a few, User-Agent among them; header_replace puts a bogus name (Squid: The Definitive "
    "Guide, header_replace); Tinyproxy#210: `Anonymous` lets only listed headers through",
    "privoxy.org actions file": "downgrade-http-version, prevent-compression, hide-accept-language, hide-user-agent",
    "Rocket#14": "extensions and proxies remove headers, and who sits behind one cannot help it",
    "blamba#2": "with iCloud's relay each request makes a new session: the address changes",
    "Crawler-Detect#557": "a person with Yandex's browser on Chromium 132 is taken for a crawler",
    "ua-parser-js#750": "Brave names itself Chrome",
    "GetResponse": "5.5 billion mails: 33.6 % of people's clicks in 1 h, 51.4 % in 3 h, 81 % in 24 h",
    "denis-test.com ?p=2949": "10 million mails of a shop: 91.7 % of clicks by day 1, 98.1 % by day 7, 1.9 % later",
    "MDN BCD#19389, #27928": "which browser sends Sec-Fetch headers from which version on",
}
