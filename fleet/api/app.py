"""The API, put together. fleet/urls.py mounts it under /api/v1/."""

from fleet.api import attention, cutovers, errors, rehearsals, sites, terminals, verbs
from fleet.api.openapi import DocumentedAPI
from fleet.api.parsing import StrictParser
from fleet.api.probing import inquiries, profiles

_ABOUT = """Plan, run and watch cutovers of NetPOS.Net sites between HTTP and HTTPS.

Send `Authorization: Bearer <token>`; `python manage.py create_api_token --user U` makes a token with that
user's role: an admin may do everything, an approver may look and approve, an auditor may look.

A cutover in four requests: `POST /cutovers`, `POST /cutovers/{id}/start`, then `GET /cutovers/{id}` until
its state is `completed`, `rolled_back`, `cancelled` or `needs_person`. `POST /cutovers/{id}/roll_back` takes
everything back.

Errors are `application/problem+json`. Times are ISO 8601 in UTC."""

api = DocumentedAPI(
    title="Tillway",
    version="1",
    description=_ABOUT,
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
    parser=StrictParser(),
)
errors.register(api)
_ROUTERS = (attention, sites, profiles, inquiries, terminals, rehearsals, cutovers, verbs)
for _module in _ROUTERS:
    api.add_router("", _module.router)
