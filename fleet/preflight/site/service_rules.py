"""The server's services: NetPOS.Net itself, those that depend on it, and what could restart it during a change."""

from collections.abc import Iterator

from fleet.device_facts.facts import ServiceFacts
from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import ServerView, SiteView


def check_services(view: SiteView) -> Iterator[Item]:
    """Items about the server's services."""
    server = view.server
    if server is None:
        return
    if service := server.service:
        yield from _service(server, service)
    for monitor in (server.services or ())[1:]:
        if monitor.state != "stopped" or monitor.start_type != "disabled":
            message = f"{monitor.name} watches the services on {server.name} and restarts those that stop"
            yield item("monitor_present", message, server.name)
    if server.restarts:
        yield item("recovery_restarts", f"Windows on {server.name} restarts the service when it crashes", server.name)


def _service(server: ServerView, service: ServiceFacts) -> Iterator[Item]:
    if service.state is not None and service.state != "running":
        yield item("service_down", f"{service.name} on {server.name} is {service.state}", server.name)
    if service.start_type == "disabled":
        yield item("service_disabled", f"{service.name} on {server.name} is disabled", server.name)
    if service.dependents:
        names = ", ".join(service.dependents[:8])
        yield item("service_dependents", f"{names} on {server.name} need {service.name}", server.name)
