"""`manage.py create_api_token --user U [--name N]`: make a token for the REST API and print it, once."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.models import role_of
from fleet.services import tokens
from fleet.services.errors import Invalid


class Command(BaseCommand):
    """Prints nothing but the token on stdout, so that a script can capture it."""

    help = "Makes a bearer token for the REST API and prints it. It cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, help="whose role the token has")
        parser.add_argument("--name", default="", help="what it is for, shown in the list of tokens")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user named {options['user']!r}")
        if not user.is_active:
            raise CommandError(f"{options['user']!r} is not active; a token of theirs would be refused")
        try:
            token = tokens.create(user, options["name"])
        except Invalid as error:
            raise CommandError(str(error)) from error
        if role_of(user) is None:
            self.stderr.write(f"note: {options['user']} has no role yet, so this token may do nothing")
        self.stdout.write(token)
