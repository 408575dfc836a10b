"""What ninja does not document by itself: the problem documents of every operation."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, re_path, register_converter
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from fleet.api import responses
from fleet.api.problems import MEDIA_TYPE, Problem

_WHEN = {
    400: "The body is not a JSON object.",
    401: "The token is missing or wrong.",
    403: "The token's role may not do this.",
    404: "There is no object with this id.",
    409: "The current state does not allow it; `detail` says why.",
    413: "The body is larger than 1 MB.",
    422: "A value is wrong; `errors` names every field.",
    500: "Internal error; `detail` has its reference in the dashboard's log.",
}


class IdConverter:
    """Ids in paths. Text that cannot be an id (a word, 30 digits, -1) makes a path that does not exist."""

    regex = "[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        """The number; at most 18 digits, so that it fits into the column of every database."""
        return int(value)

    def to_url(self, value: int) -> str:
        """The digits."""
        return str(value)


register_converter(IdConverter, "id")


def problems(*statuses: int) -> dict[str, Any]:
    """openapi_extra of an operation that may answer with these, besides 401, 403 and 500."""
    every = sorted({401, 403, 500, *statuses})
    return {"responses": {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in every}}


@csrf_exempt
def _nothing_here(request: HttpRequest) -> HttpResponse:
    return Problem(404, "there is no such path; see /api/v1/openapi.json").response()


class DocumentedAPI(NinjaAPI):
    """NinjaAPI whose document defines the shared problem responses. It answers unknown paths itself, so that a script does
    not cause the page that people get to be rendered."""

    _document: Any = None

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """What Django mounts. The last entry is ninja's own root, which is needed only to look up the prefix."""
        patterns, app, namespace = super().urls
        return [*patterns[:-1], re_path("", _nothing_here), patterns[-1]], app, namespace

    def get_openapi_schema(self, **options: Any) -> Any:
        """The document of ninja with these responses added. It never changes, so it is made once."""
        if self._document is None:
            self._document = self._made(**options)
        return self._document

    def _made(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        definition = responses.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"] |= definition.pop("$defs") | {"Problem": definition}
        content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        schema["components"]["responses"] = {
            f"Problem{status}": {"description": f"{HTTPStatus(status).phrase}. {when}", "content": content}
            for status, when in _WHEN.items()
        }
        return schema
