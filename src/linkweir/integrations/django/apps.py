"""The application's configuration, which Django finds by this module's name."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from linkweir.integrations.django import setting_checks


class LinkweirConfig(AppConfig):  # type: ignore[misc]
    """Registers the system checks."""

    name = "linkweir.integrations.django"
    label = "linkweir"
    verbose_name = "Linkweir"

    def ready(self) -> None:
        """Add the checks of the settings to those of the project."""
        register(setting_checks.check_settings)
        register(setting_checks.check_urls, Tags.urls)
        register(setting_checks.check_deployment, Tags.security, deploy=True)
