"""The one setting that decides whether a device speaks HTTPS: "Use SSL" on the server, "Secured" on a terminal. Everything here
raises StepError when it fails."""

import base64
import hashlib

from agents.errors import StepError
from agents.steps.base import Context, Evidence, Saved

LEAST_FREE = 20 * 1024**2  # bytes


def check_settings(ctx: Context) -> Evidence:
    """Arming, both roles: the disk has room for the journal, the settings can be read and rewritten, and the port is the
    expected one."""
    host = ctx.host
    host.kept.forget()  # so that the next inventory reads everything anew and describes the device as it was armed
    folder = next(place for place in (host.config.state, *host.config.state.parents) if place.exists())
    if (free := host.files.free_bytes(folder)) < LEAST_FREE:
        message = f"the disk has {free // 1024**2} MB left: the agent could not write down how to undo a step"
        raise StepError("disk_full", message, "Free 200 MB on this device, then try again.")
    port, scheme = host.check_port(ctx.instruction.port), host.scheme()
    # Rewriting is tried with a new file in the same folder; the settings themselves stay untouched.
    host.try_settings_folder()
    return {"port": port, "scheme": scheme}


def is_set(ctx: Context) -> bool:
    """Whether the setting already says what the instruction wants."""
    return ctx.host.scheme() == ctx.instruction.to_scheme


def saved(ctx: Context) -> Saved:
    """What put_back() needs: where the setting is, its old value, the whole file before, and a digest of the file after."""
    before, place = ctx.host.settings(), ctx.host.profile.switch.at
    after = _switched(ctx, before)
    return {
        "path": place,
        "old": ctx.host.reading(before).find(place).text,
        "before": base64.b64encode(before).decode(),
        "after_sha256": _digest(after),
    }


def set_scheme(ctx: Context) -> None:
    """Write the settings with the scheme that the instruction wants."""
    ctx.host.write_settings(_switched(ctx, ctx.host.settings()))


def is_back(ctx: Context, saved: Saved) -> bool:
    """Whether the setting has the value that it had before set_scheme(), so that put_back() has nothing to write."""
    now = ctx.host.reading(ctx.host.settings()).find(saved["path"]).text
    return bool(now == saved["old"])


def put_back(ctx: Context, saved: Saved) -> Evidence:
    """Undo set_scheme(). If somebody else has changed other settings since, only our own value is put back."""
    now = ctx.host.settings()
    before = base64.b64decode(saved["before"])
    if now != before:
        untouched = _digest(now) == saved["after_sha256"]
        back = before if untouched else ctx.host.reading(now).replaced(saved["path"], saved["old"])
        if back != now:
            ctx.host.write_settings(back)
    after = ctx.host.settings()
    value = ctx.host.reading(after).find(saved["path"]).text
    if value != saved["old"]:
        raise _overwritten(ctx, value)
    return {"file": ctx.host.file, "after": value, "identical": after == before}


def proof(ctx: Context, saved: Saved | None) -> Evidence:
    """Read the setting back. saved: what this step has saved, None if it had nothing to change."""
    data = ctx.host.settings()
    switch = ctx.host.profile.switch
    found = ctx.host.reading(data).find(switch.at)
    now = found.text
    if switch.meaning(found.value) is not (ctx.instruction.to_scheme == "https"):
        raise _overwritten(ctx, now)
    return {
        "file": ctx.host.file,
        "before": saved.get("old", now) if saved else now,
        "after": now,
        "scheme": ctx.instruction.to_scheme,
        "sha256": _digest(data),
    }


def _switched(ctx: Context, data: bytes) -> bytes:
    return ctx.host.reading(data).switched(ctx.instruction.to_scheme == "https")


def _overwritten(ctx: Context, value: str) -> StepError:
    return StepError("settings_overwritten", f"{ctx.host.file} says {value} again", "Close the program's settings window.")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
