"""The backend: an anymail message as a request to API v2, and its answer as the status of each recipient.

The service sends each recipient a mail of their own, with links of their own, that names nobody else: several `to`
are sent like that, and `cc` and `bcc` are features that it does not support.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from anymail.backends.base_requests import AnymailRequestsBackend, RequestsPayload
from anymail.exceptions import AnymailRequestsAPIError
from anymail.message import AnymailRecipientStatus
from anymail.utils import Attachment, EmailAddress, get_anymail_setting, update_deep
from django.core.mail import EmailMessage

STATUSES = {"queued": "queued", "scheduled": "queued"}  # of the API -> of anymail
MAX_ATTRIBUTE_CHARS = 255  # of metadata, which the API calls attributes


class EmailBackend(AnymailRequestsBackend):  # type: ignore[misc]
    """Sends through `POST /v2/accounts/{account_id}/messages`.

    Settings of ANYMAIL: LINKWEIR_API_URL, the service's address; LINKWEIR_ACCOUNT_ID; LINKWEIR_API_KEY, with scope
    messages:send. `metadata` become the recipient's attributes in statistics. `esp_extra` is merged into the request:
    `{"privacy": "anonymous"}`, `{"sandbox": True}`.
    """

    esp_name = "Linkweir"

    def __init__(self, **kwargs: Any) -> None:
        self.api_key = get_anymail_setting("api_key", esp_name=self.esp_name, kwargs=kwargs, allow_bare=True)
        account = get_anymail_setting("account_id", esp_name=self.esp_name, kwargs=kwargs, allow_bare=True)
        api_url = get_anymail_setting("api_url", esp_name=self.esp_name, kwargs=kwargs, allow_bare=True)
        super().__init__(f"{api_url.rstrip('/')}/v2/accounts/{quote(str(account), safe='')}/", **kwargs)

    def build_message_payload(self, message: EmailMessage, defaults: dict[str, Any]) -> MessagePayload:
        """Convert a message."""
        return MessagePayload(message, defaults, self)

    def parse_recipient_status(
        self, response: Any, payload: MessagePayload, message: EmailMessage
    ) -> dict[str, AnymailRecipientStatus]:
        """Return the status of each recipient, by address. Raises AnymailRequestsAPIError."""
        parsed = self.deserialize_json_response(response, payload, message)
        try:
            return {
                address: AnymailRecipientStatus(message_id=entry["id"], status=_to_status(entry))
                for address, entry in zip(payload.addresses, parsed["data"], strict=True)
            }
        except (KeyError, TypeError, ValueError) as error:
            raise AnymailRequestsAPIError(
                "The response is none of Linkweir's",
                email_message=message,
                payload=payload,
                response=response,
                backend=self,
            ) from error


def _to_status(entry: dict[str, Any]) -> str:
    """The status of one recipient; an address that cannot be used is `invalid`, all other errors are `failed`."""
    is_bad_address = ".email:" in (entry.get("error") or "")
    return STATUSES.get(entry["status"], "invalid" if is_bad_address else "failed")


class MessagePayload(RequestsPayload):  # type: ignore[misc]
    """The request of one message. `addresses`: of its recipients, in the order of the request."""

    def __init__(self, message: EmailMessage, defaults: dict[str, Any], backend: EmailBackend) -> None:
        headers = {"Authorization": f"Bearer {backend.api_key}", "Content-Type": "application/json"}
        super().__init__(message, defaults, backend, headers=headers)

    def init_payload(self) -> None:
        """Begin an empty request."""
        self.addresses: list[str] = []
        self.data: dict[str, Any] = {"recipients": []}
        self._merge_data: dict[str, Any] = {}
        self._metadata: dict[str, Any] = {}
        self._merge_metadata: dict[str, dict[str, Any]] = {}

    def get_api_endpoint(self) -> str:
        """Return the path below the account."""
        return "messages"

    def serialize_data(self) -> str:
        """Return the request as JSON, with what is only known of all recipients together."""
        for address, recipient in zip(self.addresses, self.data["recipients"], strict=True):
            if address in self._merge_data:
                recipient["substitutions"] = self._merge_data[address]
            attributes = {**self._metadata, **self._merge_metadata.get(address, {})}
            if attributes:
                recipient["attributes"] = {name: str(value)[:MAX_ATTRIBUTE_CHARS] for name, value in attributes.items()}
        text: str = self.serialize_json(self.data)
        return text

    def set_from_email(self, email: EmailAddress) -> None:
        """Set the sender."""
        self.data["from"] = self._to_address(email)

    def add_recipient(self, recipient_type: str, email: EmailAddress) -> None:
        """Add a recipient; of `cc` and `bcc` only where unsupported features are ignored."""
        if recipient_type != "to":
            self.unsupported_feature(f"{recipient_type}: each recipient gets a mail of their own")
        self.addresses.append(email.addr_spec)
        self.data["recipients"].append(self._to_address(email))

    def set_subject(self, subject: str) -> None:
        """Set the subject."""
        self.data["subject"] = subject

    def set_reply_to(self, emails: list[EmailAddress]) -> None:
        """Set the address for replies, of which there can be one."""
        if len(emails) > 1:
            self.unsupported_feature("multiple reply_to addresses")
        if emails:
            self.data["reply_to"] = self._to_address(emails[0])

    def set_extra_headers(self, headers: dict[str, str]) -> None:
        """Set other headers."""
        self.data["headers"] = {name: str(value) for name, value in headers.items()}

    def set_text_body(self, body: str) -> None:
        """Set the text."""
        self.data["text_content"] = body

    def set_html_body(self, body: str) -> None:
        """Set the HTML, of which there can be one."""
        if "html_content" in self.data:
            self.unsupported_feature("multiple html parts")
        self.data["html_content"] = body

    def add_alternative(self, content: str, mimetype: str) -> None:
        """Add the AMP part."""
        if mimetype == "text/x-amp-html":
            self.data["amp_content"] = content
        else:
            super().add_alternative(content, mimetype)

    def add_attachment(self, attachment: Attachment) -> None:
        """Add an attachment, or an inline image with a Content-ID."""
        fields = {
            "data": attachment.b64content,
            "base64": True,
            "content_type": attachment.content_type,
            "file_name": attachment.name or "attachment",
            "content_disposition": "inline" if attachment.inline else "attachment",
        }
        if attachment.inline and attachment.cid:
            fields["content_id"] = attachment.cid
        self.data.setdefault("attachments", []).append(fields)

    def set_metadata(self, metadata: dict[str, Any]) -> None:
        """Set the attributes of all recipients."""
        self._metadata = metadata

    def set_merge_metadata(self, merge_metadata: dict[str, dict[str, Any]]) -> None:
        """Set the attributes of each recipient."""
        self._merge_metadata = merge_metadata

    def set_send_at(self, send_at: Any) -> None:
        """Set the time of the first attempt."""
        self.data["schedule"] = {"first_attempt": send_at if isinstance(send_at, str) else send_at.isoformat()}

    def set_tags(self, tags: list[str]) -> None:
        """Set the tags; the first names the campaign."""
        self.data["tags"] = tags

    def set_track_clicks(self, track_clicks: bool) -> None:
        """Turn tracking of clicks on or off."""
        self.data.setdefault("tracking", {})["click"] = track_clicks

    def set_track_opens(self, track_opens: bool) -> None:
        """Turn tracking of opens on or off."""
        self.data.setdefault("tracking", {})["open"] = track_opens

    def set_merge_data(self, merge_data: dict[str, Any]) -> None:
        """Set the substitutions of each recipient."""
        self._merge_data = merge_data

    def set_merge_global_data(self, merge_global_data: dict[str, Any]) -> None:
        """Set the substitutions of all recipients."""
        self.data["substitutions"] = merge_global_data

    def set_esp_extra(self, extra: dict[str, Any]) -> None:
        """Merge fields of the API into the request."""
        update_deep(self.data, extra)

    def _to_address(self, email: EmailAddress) -> dict[str, str]:
        fields: dict[str, str] = {"email": email.addr_spec}
        if email.display_name:
            fields["name"] = email.display_name
        return fields
