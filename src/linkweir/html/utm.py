"""Adds campaign parameters to a destination: before the fragment, never twice, never over one written by hand.

A signed address stays as it is: whoever made it signed its query too, and one parameter more makes it invalid.
"""

import re
from collections.abc import Collection, Iterable
from urllib.parse import quote, unquote

from linkweir.tokens import MAX_DESTINATION_BYTES

OPT_OUT_ATTRIBUTE = "data-no-utm"  # the attribute that says so in a tag

# What a signed address is known by: parameters that stand in it together, and where that is written down.
SIGNATURE_PARAMETERS: dict[tuple[str, ...], str] = {
    ("x-amz-signature",): "Amazon S3, AWS: Signature Version 4, query parameters",
    ("awsaccesskeyid", "signature"): "Amazon S3: Signature Version 2",
    ("key-pair-id", "signature"): "Amazon CloudFront: signed URLs, canned and custom policy",
    ("x-goog-signature",): "Google Cloud Storage: V4 signed URLs",
    ("googleaccessid", "signature"): "Google Cloud Storage: V2 signed URLs",
    ("keyname", "signature"): "Google Cloud CDN: signed URLs",
    ("client", "signature"): "Google Maps Platform: digital signature of requests",
    ("key", "signature"): "Google Maps Platform: digital signature with an API key",
    ("se", "sig"): "Azure Storage: service SAS",
    ("sig", "sv"): "Azure Storage: account SAS, stored access policy",
    ("sig", "sp"): "Azure Logic Apps: callback URLs",
    ("expires", "signature"): "Laravel: temporary signed routes; Amazon S3, Version 2",
    ("sigalg", "signature"): "SAML 2.0 Bindings: HTTP-Redirect",
    ("oauth_signature",): "RFC 5849, OAuth 1.0: section 3.5.3",
    ("_hash",): "Symfony: UriSigner",
    ("hmac",): "Shopify: HMAC of app URLs; Vimeo and Akamai: hmac",
    ("hdnea",): "Akamai: EdgeAuth token",
    ("hdnts",): "Akamai: Segmented Media Protection, short token",
    ("hdntl",): "Akamai: Segmented Media Protection, long token",
    ("__token__",): "Akamai: EdgeAuth, default name of the token",
    ("__gda__",): "Akamai: Global Download authorization",
    ("__cld_token__",): "Cloudinary: token-based authentication",
    ("exp", "token"): "JWT-like tokens with exp; KeyCDN, Mux",
    ("expires", "token"): "bunny.net: token authentication",
    ("expire", "token"): "KeyCDN: Secure Token",
    ("bcdn_token",): "bunny.net: token authentication of folders",
    ("exp", "sig"): "Cloudflare Images: private images with sig and exp",
    ("expires", "md5"): "nginx: secure_link module",
    ("e", "st"): "nginx: secure_link, the example of its documentation",
    ("ossaccesskeyid", "signature"): "Alibaba Cloud OSS: V1 signature in a URL",
    ("x-oss-signature",): "Alibaba Cloud OSS: V4 signature in a URL",
    ("auth_key",): "Alibaba Cloud CDN: URL signing type A",
    ("q-signature",): "Tencent Cloud COS: request signature",
    ("txsecret", "txtime"): "Tencent Cloud CDN: type of hotlink protection",
    ("x-tos-signature",): "Volcengine TOS: signed URLs",
    ("accesskeyid", "signature"): "Huawei Cloud OBS: signature in a URL",
    ("authorization",): "Baidu BOS: bce-auth-v1 in a URL",
    ("ex", "hm", "is"): "Discord: attachment links",
    ("oe", "oh"): "Facebook and Instagram: links of their CDN",
    ("auth_date", "hash"): "Telegram: Login Widget",
    ("signature", "timestamp"): "the common form of home-made signatures",
    ("sig", "ts"): "the common form of home-made signatures",
}
# The same by a parameter's value: (name, value, where that is written down).
SIGNATURE_VALUES = tuple(
    (re.compile(name), re.compile(value), source)
    for name, value, source in (
        # imgix's s, Laravel's signature, VK's and others' sign: the digest itself, whatever stands beside it
        (
            r"s|ixs|sig|sign|signature|_signature|mac|digest|checksum|cs|hash|secure",
            r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})",
            "imgix: securing assets; Laravel: signed routes",
        ),
        (r".*", r"eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*", "RFC 7519, JSON Web Token"),
        (r"token|t", r"\d{10}_[0-9a-f]{40,64}", "Fastly: token validation"),
        (r"verify", r"\d{10}-[\w%+/=-]{20,}", "Cloudflare: token authentication by HMAC"),
        (r".*", r".*~hmac=[0-9a-f]{32,}", "Akamai: EdgeAuth under a name of one's own"),
    )
)
# The same by the path, where the signature stands there and what follows the path is signed as well.
SIGNATURE_PATHS = re.compile(
    r"/s--[\w-]{8,32}--/"  # Cloudinary: signed delivery URLs
    r"|^/[\w-]{27}=/"  # Thumbor: HMAC URLs; a query belongs to the image's own address there
    r"|^/[\w-]{43}/(?:[a-z_]+:|plain/|preset)"  # imgproxy: signing the URL
    r"|/rails/active_storage/"  # Ruby on Rails: Active Storage, signed ids
    r"|/bcdn_token=|/exp=\d+~|~hmac="  # bunny.net and Vimeo: tokens in the path
)
_URL_PARTS = re.compile(r"https?://([^/\\?#]*)([^?#]*)", re.IGNORECASE)


def add_parameters(destination: str, parameters: Iterable[tuple[str, str]], hosts: Collection[str] = ()) -> str:
    """The destination with those of the (name, value) pairs that its query does not name yet.

    Nothing else of it changes: not a percent sign, not the order, not an empty query. Names are compared in any case.
    It stays as it is when it is signed, when it would become too long, and when there are `hosts` and its own is
    neither among them nor below one of them.
    """
    address, hash_, fragment = destination.partition("#")
    path, _, query = address.partition("?")
    there = _parse_parameters(query)
    new = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters if name.lower() not in there)
    if not new or is_signed(destination) or (hosts and not _matches_host(destination, hosts)):
        return destination
    joint = "" if not query or query.endswith("&") else "&"
    done = f"{path}?{query}{joint}{new}{hash_}{fragment}"
    return done if len(done.encode("utf-8", "replace")) <= MAX_DESTINATION_BYTES else destination


def is_signed(destination: str) -> bool:
    """Would another parameter make the address invalid?"""
    address = destination.partition("#")[0]
    there = _parse_parameters(address.partition("?")[2])
    match = _URL_PARTS.match(address)
    return (
        any(all(name in there for name in names) for names in SIGNATURE_PARAMETERS)
        or any(
            name.fullmatch(key) and text.fullmatch(value)
            for key, value in there.items()
            for name, text, _ in SIGNATURE_VALUES
        )
        or (match is not None and SIGNATURE_PATHS.search(match[2]) is not None)
    )


def _parse_parameters(query: str) -> dict[str, str]:
    """Names in lower case and values, both without percent-encoding."""
    pairs = (part.partition("=") for part in query.replace(";", "&").split("&"))
    return {unquote(name).lower(): unquote(value) for name, _, value in pairs}


def _matches_host(destination: str, hosts: Collection[str]) -> bool:
    match = _URL_PARTS.match(destination)
    host = canonical_host(match[1].rpartition("@")[2].partition(":")[0]) if match else ""
    return any(host == allowed or host.endswith("." + allowed) for allowed in map(canonical_host, hosts))


def canonical_host(host: str) -> str:
    """A host in the one spelling by which two are compared."""
    host = host.lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
