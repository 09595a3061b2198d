"""Django: an e-mail backend that makes links trackable, URLs that follow them, a signal for each click, system checks.

    INSTALLED_APPS = [..., "linkweir.integrations.django"]
    EMAIL_BACKEND = "linkweir.integrations.django.EmailBackend"
    LINKWEIR = {"KEY_FILE": BASE_DIR / "linkweir-keys.json", "BASE_URL": "https://www.example.com/c/"}

Needs `pip install 'linkweir[django]'`, and neither a database table nor a service.
"""

from linkweir.integrations.django.email_backend import EmailBackend
from linkweir.integrations.django.link_views import link_clicked

__all__ = ["EmailBackend", "link_clicked"]
