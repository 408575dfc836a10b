"""People's roles and their API tokens."""

from enum import StrEnum

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone


class Role(StrEnum):
    """What a person may do. Each is a Django group of that name; superusers are admins."""

    ADMIN = "admin"  # everything, but where a site asks for two persons not the approval of their own cutover
    APPROVER = "approver"  # look and approve
    AUDITOR = "auditor"  # look


def role_of(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The strongest role of this user, or None for somebody without any."""
    if not user.is_authenticated or not user.is_active:
        return None
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    names = set(user.groups.values_list("name", flat=True))  # type: ignore[attr-defined]
    return next((role for role in Role if role.value in names), None)


class ApiToken(models.Model):
    """A bearer token for scripts; only its SHA-256 is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True)  # hexadecimal
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"token {self.pk} of {self.user}"
