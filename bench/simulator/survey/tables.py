"""Shares and times of this mix, each with its source or marked as own judgement.

GetResponse (5.5 billion mails): people's clicks 33.6 % in one hour, 51.4 % in three, 81 % in a day; a brand's 10
million clicks: 98 % by day 7. craft-campaign#546 (836 sweeps): when scanners begin. amediaoperator.com (Omeda): about
65 % of clicks are bots'. MillionSend PR#22: Defender's bursts lead, single links of the same fleet follow. suped.com:
up to ten minutes and more after arrival, old mails are fetched again. cobudget#1274: HEAD directly after sending, again
the same day. uptimepage#92, outline#9227, supabase/auth#1214: one-link mails are followed before delivery by Microsoft
and Barracuda. next-auth#8737: security software on the reader's machine. PrivateBin#529: several services load each
URL. docs.laposta.org (clicks by bots): fast rows from one address, some addresses both scanners' and people's.
"""

HOUR, DAY = 3600.0, 86_400.0
MAILINGS = 4
# Vendors by their part of the visits, per cent: own judgement, no measurement is published.
VENDORS = {
    "microsoft": 48.0,
    "proofpoint": 11,
    "mimecast": 8,
    "barracuda": 7,
    "cisco": 5,
    "appliance": 6,
    "first": 5,
    "partial": 4,
    "stealth": 3,
    "library": 3,
}
# Ways to scan, per cent of a vendor's visits. MillionSend PR#22 for the first row; the rest own judgement after
# mautic#9798 (address and name change with each request), Act-On (first link), anymail#200 (clusters, again later),
# gophish#2446 (before delivery), emdash#3298 (each link twice).
MANNERS = {
    "microsoft": {"burst": 46.0, "single": 32, "waves": 7, "early": 5, "blank": 4, "burst-twice": 6},
    "proofpoint": {"sandbox": 62.0, "drip": 14, "burst": 16, "head": 8},
    "mimecast": {"ordered": 74.0, "head": 16, "burst": 10},
    "barracuda": {"spray": 64.0, "first": 18, "named": 6, "burst": 12},
    "cisco": {"shared": 54.0, "burst": 26, "named": 20},
    "appliance": {"ordered": 60.0, "burst": 40},
    "first": {"first": 100.0},
    "partial": {"part": 64.0, "drip": 36},
    "stealth": {"resident": 100.0},
    "library": {"library": 100.0},
}
# What of a browser's headers a vendor's requests carry, per cent; own judgement. `whole`: as the browser named;
# `mute`: without Accept-Language; `plain`: Accept and Accept-Encoding of an HTTP library.
HEADER_SHAPES = {
    "microsoft": {"whole": 52.0, "mute": 22, "plain": 26},
    "proofpoint": {"whole": 68.0, "mute": 16, "plain": 16},
    "mimecast": {"whole": 42.0, "mute": 14, "plain": 44},
    "barracuda": {"whole": 62.0, "mute": 18, "plain": 20},
    "cisco": {"whole": 48.0, "mute": 16, "plain": 36},
    "appliance": {"whole": 50.0, "mute": 14, "plain": 36},
    "first": {"whole": 56.0, "mute": 22, "plain": 22},
    "partial": {"whole": 52.0, "mute": 24, "plain": 24},
}
# Seconds after delivery, from, to, per mille of sweeps (craft-campaign#546).
SWEEP_STARTS = ((0, 10, 5), (10, 20, 22), (20, 60, 664), (60, 300, 283), (300, 1800, 19), (1800, 86_400, 7))
# Releases that scanners name: current in half of the visits (resend-node#901), else old ones (gophish#2446, #2225).
OLD_RELEASES = (60, 64, 69, 72, 75, 79, 80, 81, 84, 88, 92, 95, 97, 99, 102, 106, 110, 113, 116, 118)
CURRENT_RELEASES = (132, 134, 135, 136, 137, 137)
# Kinds of mails: part of all, links from, to, people's click rate. Own judgement.
MAILS = {
    "sign-in": (9.0, 1, 1, 0.62),
    "confirm": (5.0, 2, 2, 0.50),
    "notice": (14.0, 1, 1, 0.20),
    "pair": (10.0, 2, 2, 0.22),
    "offer": (26.0, 3, 5, 0.26),
    "letter": (36.0, 8, 20, 0.30),
}
# Seconds after delivery and the share of people's first clicks until then: GetResponse; below an hour own judgement.
FIRST_CLICKS = (
    (8.0, 0.0),
    (45.0, 0.015),
    (120.0, 0.045),
    (300.0, 0.09),
    (900.0, 0.17),
    (HOUR, 0.336),
    (3 * HOUR, 0.514),
    (DAY, 0.81),
    (7 * DAY, 0.98),
    (35 * DAY, 1.0),
)
# How people follow links at a sitting, per cent; own judgement.
SITTINGS = {"one": 66.0, "several": 17, "in-order": 4, "tabs": 6, "double": 5, "weeks-later": 2}
OPENS_ALL_SHARE = 0.008  # of people; own judgement
# Where people are, per cent; own judgement. That they exist: warmbly#410, #412, #440, #526 (Azure NAT, Windows 365),
# Proofpoint Isolation data sheet, Squid header_access (proxies that leave headers out).
HOME_NETWORKS = {"home": 87.0, "vpn": 6, "icloud-relay": 4, "tor": 0.4, "stripping-proxy": 1.6, "own-vpn": 1.0}
OFFICE_NETWORKS = {
    "office-nat": 66.0,
    "zscaler": 10,
    "cloud-desktop": 7,
    "isolation": 5,
    "stripping-proxy": 5,
    "vpn": 5,
    "http10-proxy": 2,
}
# Headers that a proxy leaves, per cent of proxies; own judgement after Squid header_access and http_anonymizer.
PROXIES = {"known-only": 46.0, "language": 24, "bare": 20, "agent": 10}
HOME_DEVICES = {
    "chrome-windows": 38.0,
    "edge": 20,
    "chrome-mac": 11,
    "safari-mac": 12,
    "firefox": 9,
    "chromebook": 2,
    "opera": 2,
    "old-chrome": 4,
    "outlook-ie": 1,
    "other-chromium": 1,
}
OFFICE_DEVICES = {
    "chrome-windows": 36.0,
    "edge": 42,
    "chrome-mac": 6,
    "safari-mac": 4,
    "firefox": 5,
    "old-chrome": 3,
    "outlook-ie": 4,
}
PHONES = {
    "iphone": 44.0,
    "android-chrome": 24,
    "samsung": 8,
    "ios-app": 10,
    "android-app": 6,
    "old-ios": 4,
    "ipad": 3,
    "old-android": 1,
}
PHONE_SHARE = {"home": 0.5, "office": 0.22}  # of people's clicks; own judgement
GOLDEN_RELEASES = (114, 120, 123, 126, 129)  # of desktops that are set up once; own judgement
