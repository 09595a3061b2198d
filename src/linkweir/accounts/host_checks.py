"""Looks in the DNS and over TLS whether a tracking host leads to this service, and whose its domain is.

A host leads here by a CNAME record with the service's own host, or by the same addresses. In a service with several
accounts that shows nobody's right to it, for it leads here for all of them: a TXT record at the domain names the
account. The attack on connecting: a name that leads inside, so every address passes the guard of webhooks first.
"""

import contextlib
import socket
import ssl
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver

from linkweir.accounts.domain_names import is_host_name
from linkweir.settings import Network
from linkweir.translation import gettext_noop, translate_filled
from linkweir.webhooks.ssrf_guard import REASON_FORMS, blocked_reason

DNS_TIMEOUT_SECONDS = 5.0  # of one question, with its repetitions: somebody waits for the page
TLS_TIMEOUT_SECONDS = 5.0
MAX_CNAMES = 8  # in a row
MAX_ADDRESSES = 3  # of one host that are tried
PROOF_LABEL = "_linkweir"
NOT_CHECKED = gettext_noop("not checked")  # that a problem of TLS begins with which is none of the host's
NOT_CHECKED_SINCE = gettext_noop("not checked: %(reason)s")
NO_ANSWER = gettext_noop("the DNS did not answer; try again")
NO_PUBLIC_TARGET = gettext_noop("LINKWEIR_BASE_URL has to name a public host: a CNAME cannot lead to %(target)s")
LEADS_ELSEWHERE = gettext_noop("leads to %(found)s, not to %(target)s")
NO_PROOF = gettext_noop("there is no TXT record %(content)s at %(name)s yet")
BAD_CERTIFICATE = gettext_noop("the certificate is not valid: %(reason)s")
TLS_FAILED = gettext_noop("TLS failed: %(reason)s")
NO_CONNECTION = gettext_noop("no connection to %(address)s, port %(port)s: %(reason)s")
SYSTEM_REASONS = (  # of OpenSSL and the operating system, those that are met most
    gettext_noop("certificate has expired"),
    gettext_noop("self-signed certificate"),
    gettext_noop("self-signed certificate in certificate chain"),
    gettext_noop("unable to get local issuer certificate"),
    gettext_noop("Hostname mismatch, certificate is not valid for '%(name)s'."),
    gettext_noop("Connection refused"),
    gettext_noop("Connection reset by peer"),
    gettext_noop("No route to host"),
    gettext_noop("Network is unreachable"),
    gettext_noop("no answer"),
)
PROBLEM_FORMS = (
    *(NOT_CHECKED_SINCE, NO_PUBLIC_TARGET, LEADS_ELSEWHERE, NO_PROOF, BAD_CERTIFICATE, TLS_FAILED, NO_CONNECTION),
    *REASON_FORMS,
    *SYSTEM_REASONS,
)


def translate_problem(problem: str) -> str:
    """Translate a problem of a check, which is stored in English."""
    return translate_filled(problem, PROBLEM_FORMS)


def proof_record(account: uuid.UUID, domain: str) -> tuple[str, str]:
    """Name and content of the TXT record that proves whose a domain is."""
    return f"{PROOF_LABEL}.{domain}", f"linkweir-account={account}"


@dataclass(frozen=True, slots=True)
class HostCheck:
    """What was found of a host: why it does not lead here, why its TLS does not work, and why its domain is not shown
    to be the account's; None: nothing is wrong, or (TLS) nothing has to be checked.
    """

    dns_problem: str | None
    tls_problem: str | None
    proof_problem: str | None

    @property
    def leads_here(self) -> bool:
        """Whether links on the host work, as far as was checked."""
        return self.dns_problem is None and (self.tls_problem or NOT_CHECKED).startswith(NOT_CHECKED)


class HostChecker:
    """Checks hosts against `target`, the service's own. `tls_port`: None where links use http. `allowed`: private
    networks that may be connected to. `name_servers`: addresses with ports; none: the system's.
    """

    def __init__(
        self,
        target: str,
        *,
        tls_port: int | None,
        allowed: Sequence[Network] = (),
        name_servers: Sequence[tuple[str, int]] = (),
    ) -> None:
        self._target = target.lower().rstrip(".")
        self._tls_port = tls_port
        self._allowed = tuple(allowed)
        self._name_servers = tuple(name_servers)

    @property
    def has_public_target(self) -> bool:
        """Whether a name in the DNS can lead to the service's own host at all."""
        return is_host_name(self._target) and "." in self._target

    def check(self, account: uuid.UUID, subdomain: str, domain: str) -> HostCheck:
        """Check one tracking host; takes some seconds where nobody answers. Raises nothing that a network can do."""
        host = f"{subdomain}.{domain}"
        dns_problem = self._find_dns_problem(host)
        tls_problem = None
        if self._tls_port is not None:
            tls_problem = self._find_tls_problem(host, self._tls_port) if dns_problem is None else NOT_CHECKED
        return HostCheck(dns_problem, tls_problem, self._find_proof_problem(account, domain))

    def _find_dns_problem(self, host: str) -> str | None:
        if not self.has_public_target:
            return NO_PUBLIC_TARGET % {"target": self._target}
        name = host
        try:
            for _ in range(MAX_CNAMES):
                found = self._query(name, "CNAME")
                if not found:
                    break
                name = found[0].lower().rstrip(".")
                if name == self._target:
                    return None
            addresses = self._find_addresses(host)
            if addresses and set(addresses) <= set(self._find_addresses(self._target)):
                return None
        except dns.exception.DNSException:
            return NO_ANSWER
        if name != host:
            return LEADS_ELSEWHERE % {"found": name, "target": self._target}
        return (
            LEADS_ELSEWHERE % {"found": ", ".join(sorted(addresses)), "target": self._target}
            if addresses
            else gettext_noop("no record was found yet")
        )

    def _find_proof_problem(self, account: uuid.UUID, domain: str) -> str | None:
        name, content = proof_record(account, domain)
        try:
            texts = [text.replace('"', "") for text in self._query(name, "TXT")]
        except dns.exception.DNSException:
            return NO_ANSWER
        return None if content in texts else NO_PROOF % {"content": content, "name": name}

    def _find_tls_problem(self, host: str, port: int) -> str | None:
        try:
            addresses = self._find_addresses(host)
        except dns.exception.DNSException:
            return NO_ANSWER
        for address in addresses:
            reason = blocked_reason(address, port, self._allowed)
            if reason is not None:
                return NOT_CHECKED_SINCE % {"reason": reason}
        problem: str | None = gettext_noop("the host has no address")
        for address in addresses[:MAX_ADDRESSES]:
            problem = _try_tls(host, address, port)
            if problem is None:
                return None
        return problem

    def _find_addresses(self, host: str) -> list[str]:
        return [*self._query(host, "A"), *self._query(host, "AAAA")]

    def _query(self, name: str, kind: str) -> list[str]:
        """The records' texts; none where there are none. Raises DNSException when nobody answers."""
        with contextlib.suppress(dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            answer = self._make_resolver().resolve(f"{name}.", kind, lifetime=DNS_TIMEOUT_SECONDS)
            wanted = dns.rdatatype.from_text(kind)
            return [record.to_text() for record in answer if record.rdtype == wanted]
        return []

    def _make_resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._name_servers)
        if self._name_servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in self._name_servers]
        return resolver


def _try_tls(host: str, address: str, port: int) -> str | None:
    try:
        with (
            socket.create_connection((address, port), TLS_TIMEOUT_SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host),
        ):
            return None
    except ssl.SSLCertVerificationError as error:
        return BAD_CERTIFICATE % {"reason": error.verify_message}
    except ssl.SSLError as error:
        return TLS_FAILED % {"reason": error.reason or "no answer"}
    except OSError as error:
        return NO_CONNECTION % {"address": address, "port": port, "reason": error.strerror or "no answer"}
