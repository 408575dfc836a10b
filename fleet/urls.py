"""Every URL: pages for people, REST for scripts. What agents talk to is fleet/gateway/."""

from django.urls import include, path

from fleet.api.app import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("", include("fleet.web.urls")),
]

handler400 = "fleet.web.errors.bad_request"
handler403 = "fleet.web.errors.forbidden"
handler404 = "fleet.web.errors.not_found"
handler500 = "fleet.web.errors.server_error"
