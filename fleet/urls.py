"""Every URL: pages for people, REST for scripts. What agents talk to is fleet/gateway/."""

from django.urls import include, path

urlpatterns = [
    path("", include("fleet.web.urls")),
]
