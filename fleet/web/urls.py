"""The pages, one line each."""

from django.contrib.auth import views as auth
from django.urls import path

from fleet.web import audit, cutovers, entry
from fleet.web.by_hand import views as by_hand
from fleet.web.fleet import agents, devices, home, importing
from fleet.web.live import stream
from fleet.web.live import views as live
from fleet.web.plan import views as plan
from fleet.web.readiness import views as readiness
from fleet.web.site import asking
from fleet.web.site import views as site

urlpatterns = [
    path("login/", entry.LogIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    # the fleet
    path("", home.home, name="fleet"),
    path("sites/<int:pk>/", site.page, name="site"),
    path("sites/<int:pk>/member/", site.member, name="site_member"),
    path("sites/<int:pk>/probe/", site.probe, name="site_probe"),
    path("sites/<int:pk>/probe/remove/", site.remove, name="site_probe_remove"),
    path("sites/<int:pk>/try/", asking.check, name="site_try"),
    path("sites/<int:pk>/learn/", asking.learn, name="site_learn"),
    path("sites/<int:pk>/find/", asking.find, name="site_find"),
    path("sites/<int:pk>/part/<slug:part>/", asking.progress, name="site_part"),
    path("inquiries/<int:pk>/stop/", asking.stop, name="inquiry_stop"),
    path("inquiries/<int:pk>/use/", asking.use, name="inquiry_use"),
    path("inquiries/<int:pk>/adopt/", asking.adopt, name="inquiry_adopt"),
    path("sites/<int:pk>/dismiss/", home.dismiss, name="dismiss"),
    path("sites/<int:pk>/readiness/", readiness.page, name="readiness"),
    path("sites/<int:pk>/readiness/progress/", readiness.progress, name="readiness_progress"),
    path("sites/<int:pk>/readiness/rehearse/", readiness.rehearse, name="rehearse"),
    path("sites/<int:pk>/readiness/policy/", readiness.policy, name="policy"),
    path("sites/<int:pk>/readiness.csv", readiness.export, name="readiness_csv"),
    path("terminals.csv", home.export, name="fleet_csv"),
    path("terminals/<int:pk>/", devices.page, {"kind": "terminal"}, name="terminal"),
    path("server/<int:pk>/", devices.page, {"kind": "server"}, name="server"),
    path("import/", importing.page, name="import"),
    path("agents/", agents.index, name="agents"),
    path("agents/<str:agent_id>/revoke/", agents.revoke, name="revoke"),
    path("agents/token/<int:device_id>/", agents.token, name="token"),
    # cutovers
    path("cutovers/", cutovers.index, name="cutovers"),
    path("cutovers/plan/", plan.page, name="plan"),
    path("cutovers/plan/preview/", plan.preview, name="preview"),
    path("cutovers/<int:pk>/", live.page, name="cutover"),
    path("cutovers/<int:pk>/events", stream.stream, name="events"),
    path("cutovers/<int:pk>/act/<str:verb>/", live.act, name="act"),
    path("cutovers/<int:pk>/confirm/<str:verb>/", live.confirm, name="confirm"),
    path("cutovers/<int:pk>/by-hand/<int:device_id>/", by_hand.page, name="by_hand"),
    path("cutovers/<int:pk>/by-hand/<int:device_id>/now/", by_hand.look, name="by_hand_now"),
    path("cutovers/<int:pk>/print/", by_hand.print_out, name="print"),
    path("cutovers/<int:pk>/report/", cutovers.report, name="report"),
    path("cutovers/<int:pk>/report.csv", cutovers.report_csv, name="report_csv"),
    # what happened
    path("audit/", audit.page, name="audit"),
    path("audit.csv", audit.export, name="audit_csv"),
    path("audit-agents.csv", audit.export_events, name="audit_agents_csv"),
]
