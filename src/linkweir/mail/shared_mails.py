"""Lets the mails of one submission be stored with one copy of what they have in common: see mime.mail_delta."""

import uuid
from collections.abc import Callable

from linkweir._mime import MAX_DELTA_BASE_BYTES, DeltaEncoder
from linkweir.db.contents_table import SharedContent
from linkweir.mime.mail_delta import MailParts, encode_mail

MIN_SHARED_BYTES = 2048  # of what is common; less is not worth a row of its own
MAX_SHARE = 0.75  # of the mail that a difference may take; else the mail is stored whole


class SharedMails:
    """The mails of one submission to so many recipients. `get_common` returns what they have in common; it must hold
    nothing of a single recipient, for it is kept as long as one of the mails is.
    """

    def __init__(self, recipients: int, get_common: Callable[[], bytes]) -> None:
        self._is_wanted = recipients > 1
        self._get_common = get_common
        self._content: SharedContent | None = None
        self._encoder: DeltaEncoder | None = None

    def encode(self, mail: MailParts) -> tuple[bytes, SharedContent | None]:
        """What is to be stored for a mail, and the shared content that it is a difference from; None: the mail is
        whole.
        """
        if self._is_wanted and self._content is None:
            common = self._get_common()
            self._is_wanted = MIN_SHARED_BYTES <= len(common) <= MAX_DELTA_BASE_BYTES
            self._content, self._encoder = SharedContent(uuid.uuid4(), common), DeltaEncoder(common)
        if self._is_wanted and self._encoder is not None:
            difference = encode_mail(self._encoder, mail)
            if len(difference) <= MAX_SHARE * mail.size:
                return difference, self._content
        return mail.join(), None
