"""How every request of API v2 comes in: who asks, may they, how often, what do they send, and is it the first time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from linkweir.api import idempotent_requests
from linkweir.api.idempotent_requests import IdempotentRequest
from linkweir.web import authentication, request_body
from linkweir.web.authentication import ApiPrincipal
from linkweir.web.services import AppServices, services_from

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that has come in: `data` is its body, `once` remembers its answer where that is asked for."""

    request: Request
    services: AppServices
    principal: ApiPrincipal
    raw_body: bytes
    idempotency: IdempotentRequest
    _decoded: dict[type[Struct], Any] = field(default_factory=dict)

    @property
    def account_id(self) -> object:
        """The id of the account that asks."""
        return self.principal.account["id"]

    def decode(self, shape: type[S]) -> S:
        """The body as `shape`, read once. Raises BadInput."""
        if shape not in self._decoded:
            self._decoded[shape] = request_body.decode_body(self.raw_body, shape)
        found: S = self._decoded[shape]
        return found


Handler = Callable[[ApiRequest], Response]
PermissionCheck = Callable[[ApiRequest], None]


async def handle(
    request: Request,
    scope: str,
    handler: Handler,
    *,
    authorize: PermissionCheck | None = None,
    statistics: bool = False,
) -> Response:
    """Carry `work` out in a thread for somebody whose key has the scope; `…:any` is left to `permit` (which a POST goes
    through before it is carried out, and before an earlier answer is given again) or to `work` to look at closer.

    Raises AccessDenied, NotAllowed, TooMany, and what `work` raises.
    """
    parts = services_from(request)
    who = await authentication.authenticate(request, parts)
    (parts.statistics_limits if statistics else parts.limits).consume(who.account["id"])
    who.require(scope)
    call = ApiRequest(request, parts, who, b"", IdempotentRequest(parts, who, None))
    if request.method not in ("POST", "PUT", "PATCH"):
        return await parts.run_blocking(lambda: handler(call))
    with parts.memory_budget.reserve() as held:
        call = replace(call, raw_body=await request_body.read_body(request, parts.settings.max_body, held))
        if request.method != "POST":
            return await parts.run_blocking(lambda: handler(call))

        def allowed() -> None:
            if authorize is not None:
                authorize(call)

        def first_time(once: IdempotentRequest) -> Response:
            allowed()
            return handler(replace(call, idempotency=once))

        return await parts.run_blocking(
            lambda: idempotent_requests.run_once(
                parts, who, request, call.raw_body, authorize=allowed, handler=first_time
            )
        )
