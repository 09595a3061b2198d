"""What each recipient's own browser looks like: it comes back from mail to mail, which no scanner imitates.

A *client* is the owner of a network, a browser and device, and what the redirect saw of its requests. Of each recipient
is remembered which clients followed links of which messages as people do, and which of them did as machines do, by what
they did there; never by this record, or a mistake would confirm itself.

In memory only, and without addresses: recipients and clients are kept as hashes whose key is this process's own. Only
clicks in mode full have an address to go by. Bounded: the recipients unseen for longest go first.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from uuid import UUID

from linkweir.clicks.classify.classification import CLICK, Classification, Familiarity, Hit
from linkweir.clicks.classify.features import network_owner
from linkweir.clicks.classify.reputation import HUMAN_BIT, observed_bit

MAX_RECIPIENTS = 50_000
MAX_SIGHTINGS = 12  # of one recipient's clients with messages, the newest
MAX_OWN_CLIENTS = 2  # whoever uses more may use another; so may the many readers of a shared mailbox
_Sighting = tuple[int, int, int]  # client, message, bits


class RecipientHistory:
    """Recipients, and the clients that followed links of their newest messages."""

    def __init__(self) -> None:
        self._recipients: OrderedDict[int, tuple[_Sighting, ...]] = OrderedDict()

    def lookup(self, hits: Iterable[Hit], message: Hashable, recipient: Hashable | None) -> Mapping[UUID, Familiarity]:
        """By hit, whether it is of a client that followed other messages of this recipient as a person, or whether
        other clients did; of recipients of whom nothing is known there is none.
        """
        sightings = self._recipients.get(hash(recipient)) if recipient is not None else None
        if not sightings:
            return {}
        here = hash(message)
        bits_by_client: dict[int, int] = {}
        for client, other, bits in sightings:
            if other != here:
                bits_by_client[client] = bits_by_client.get(client, 0) | bits
        own = sum(bits == HUMAN_BIT for bits in bits_by_client.values())
        found: dict[UUID, Familiarity] = {}
        for hit in hits if own else ():
            if hit.ip is None or hit.kind != CLICK:
                continue
            if bits_by_client.get(_client_key(hit)) == HUMAN_BIT:
                found[hit.id] = "own client"
            elif own <= MAX_OWN_CLIENTS:
                found[hit.id] = "other client"
        return found

    def observe(self, hit: Hit, classification: Classification, message: Hashable, recipient: Hashable | None) -> None:
        """This hit of a message to this recipient was judged, with everything around it in sight."""
        bit = observed_bit(classification)
        if not bit or hit.ip is None or hit.kind != CLICK or recipient is None:
            return
        whom, client, here = hash(recipient), _client_key(hit), hash(message)
        sightings = self._recipients.get(whom, ())
        if bit != HUMAN_BIT and all(seen[0] != client for seen in sightings):
            return  # scanners come with ever new clients
        bits = next((seen[2] for seen in sightings if seen[:2] == (client, here)), 0)
        if bits | bit == bits:
            return
        others = tuple(seen for seen in sightings if seen[:2] != (client, here))
        self._recipients[whom] = (*others[1 - MAX_SIGHTINGS :], (client, here, bits | bit))
        self._recipients.move_to_end(whom)
        if len(self._recipients) > MAX_RECIPIENTS:
            self._recipients.popitem(last=False)


def _client_key(hit: Hit) -> int:
    return hash((network_owner(hit), hit.client, hit.device, hit.signals))
