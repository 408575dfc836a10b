"""Authentication by bearer token, and which role may do what."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from fleet.models import Role, role_of
from fleet.services import tokens
from fleet.services.errors import Forbidden


class Bearer(HttpBearer):
    """`Authorization: Bearer <token>`, made with `manage.py create_api_token`. Roles are checked before the body is read,
    so that a user without the role gets 403 and not the errors of the request."""

    def __init__(self, *roles: Role) -> None:
        super().__init__()
        self.roles = roles

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """The user, or None for a 401. Raises Forbidden where the role may not."""
        user = tokens.find(token)
        if user is None:
            return None
        role = role_of(user)
        if role not in self.roles:
            who = f"the role {role}" if role else "a user without a role"
            raise Forbidden(f"{who} may not do this; required: {', '.join(self.roles)}")
        return user


reader = Bearer(Role.ADMIN, Role.APPROVER, Role.AUDITOR)
approver = Bearer(Role.ADMIN, Role.APPROVER)
admin = Bearer(Role.ADMIN)
