"""The view that follows tracking links, and the signal that it sends."""

from __future__ import annotations

from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from linkweir.integrations.click_request import ClickResponder, LinkClick
from linkweir.integrations.django.django_settings import load_settings
from linkweir.integrations.wsgi import request_headers

try:
    from django.contrib.auth.decorators import login_not_required
except ImportError:  # before Django 5.1, which has a middleware that asks for a login

    def login_not_required(view):  # type: ignore[no-untyped-def]
        """Return the view as it is."""
        return view


# A reader followed a link. Receivers get `click` (a LinkClick) and `request`. What they raise is logged by Django, and
# the reader is redirected all the same.
link_clicked = Signal()


@csrf_exempt  # type: ignore[untyped-decorator]
@login_not_required  # type: ignore[untyped-decorator]
def follow_link(request: HttpRequest, token: str) -> HttpResponse:
    """Redirect the reader of a tracking link, or serve the tracking pixel."""
    loaded = load_settings()
    responder = ClickResponder(loaded.key_ring, loaded.honor_opt_out)
    response, click = responder.respond(
        request.method, token, request_headers(request.META), request.META.get("REMOTE_ADDR") or None
    )
    if click is not None:
        link_clicked.send_robust(LinkClick, click=click, request=request)
    result = HttpResponse(b"" if request.method == "HEAD" else response.body, status=response.status)
    del result.headers["Content-Type"]
    for name, value in response.headers:
        result.headers[name.decode("ascii").title()] = value.decode("latin-1")
    return result
