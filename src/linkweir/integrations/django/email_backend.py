"""The e-mail backend: replaces the links of HTML bodies and hands the mail to the backend that sends it."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from linkweir.html import rewrite
from linkweir.integrations.django.django_settings import load_settings
from linkweir.tokens import KeyFile, Tracker

REWRITTEN_ATTRIBUTES = ("body", "alternatives")  # of the copy that is sent


class EmailBackend(BaseEmailBackend):  # type: ignore[misc]
    """Sends through `LINKWEIR["EMAIL_BACKEND"]`, whatever it is, with tracking links in the HTML.

    A message may have attributes: `linkweir_message`, its id in the links and clicks (a UUID unless it has one, and
    then readable there); `linkweir_campaign`, for mode anonymous; `linkweir_tracking = False` leaves its links as they
    are. All recipients of one message get the same links: send one message to each for clicks by recipient.

    Raises ImproperlyConfigured; see the system checks.
    """

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._settings = load_settings()
        keys = self._settings.key_ring
        if isinstance(keys, KeyFile):
            _prepare_key_file(keys, self._settings.base_url)
        given = {name: value for name, value in options.items() if value is not None}
        self._backend = get_connection(
            self._settings.email_backend,
            fail_silently=fail_silently,
            **{**self._settings.email_backend_options, **given},
        )

    def open(self) -> bool | None:
        """Open a connection of the backend that sends."""
        opened: bool | None = self._backend.open()
        return opened

    def close(self) -> None:
        """Close that connection."""
        self._backend.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send messages, which stay as they are; return how many were sent."""
        rewritten = [self._rewrite(message) for message in email_messages]
        try:
            return self._backend.send_messages(rewritten) or 0
        finally:
            for message, sent in zip(email_messages, rewritten, strict=True):
                _copy_attributes(sent, message)

    def _rewrite(self, message: EmailMessage) -> EmailMessage:
        if getattr(message, "linkweir_tracking", True) is False:
            return message
        if getattr(message, "linkweir_message", None) is None:
            message.linkweir_message = uuid.uuid4()
        tracker = self._make_tracker(message)
        result = copy.copy(message)
        if message.content_subtype == "html" and message.body:
            result.body = rewrite(str(message.body), tracker, switches=self._settings.switches)
        if alternatives := getattr(message, "alternatives", None):
            result.alternatives = [self._rewrite_alternative(each, tracker) for each in alternatives]
        return result

    def _make_tracker(self, message: EmailMessage) -> Tracker:
        return Tracker(
            self._settings.key_ring,
            self._settings.base_url,
            message=message.linkweir_message,
            campaign=getattr(message, "linkweir_campaign", None) or self._settings.campaign,
            privacy=self._settings.privacy,
        )

    def _rewrite_alternative(self, alternative: Any, tracker: Tracker) -> Any:
        """Return a pair of content and media type, of the type that this release of Django has for it."""
        content, media_type = alternative
        if str(media_type).lower() != "text/html":
            return alternative
        html = rewrite(
            content if isinstance(content, bytes) else str(content), tracker, switches=self._settings.switches
        )
        return (
            type(alternative)((html, media_type)) if type(alternative) is tuple else type(alternative)(html, media_type)
        )


def _prepare_key_file(keys: KeyFile, base_url: str) -> None:
    """Create the file, or note another base URL in it, as the command does. Raises KeyRingError."""
    hosts = keys.load_or_create([base_url]).hosts
    if hosts and base_url not in hosts:
        keys.update(lambda ring: ring.with_host(base_url))


def _copy_attributes(sent: EmailMessage, message: EmailMessage) -> None:
    """Give a message what the backend wrote to its copy, as anymail does with `anymail_status`."""
    for name, value in vars(sent).items():
        if name not in REWRITTEN_ATTRIBUTES:
            setattr(message, name, value)
