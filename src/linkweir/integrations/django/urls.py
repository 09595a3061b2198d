"""URLs to include where the base URL leads: `path("c/", include("linkweir.integrations.django.urls"))`."""

from django.urls import re_path

from linkweir.integrations.django.link_views import follow_link

app_name = "linkweir"
urlpatterns = [re_path(r"^(?P<token>[\s\S]+)$", follow_link, name="link")]  # gateways break long links into lines
