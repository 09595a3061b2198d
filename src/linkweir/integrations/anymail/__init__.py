"""django-anymail: a backend that sends through a Linkweir service, and a view for its webhooks.

    EMAIL_BACKEND = "linkweir.integrations.anymail.EmailBackend"
    ANYMAIL = {"LINKWEIR_API_URL": …, "LINKWEIR_ACCOUNT_ID": …, "LINKWEIR_API_KEY": …, "LINKWEIR_SIGNING_SECRET": …}

Needs `pip install 'linkweir[anymail]'`.
"""

from linkweir.integrations.anymail.api_backend import EmailBackend

__all__ = ["EmailBackend"]
