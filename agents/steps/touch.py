"""Restarting Touch around the change of its settings. A Touch that is restarted reads its settings only when it starts, and may
write them back when it ends. So they are changed while it is closed. Everything here raises StepError when it fails."""

import time
from typing import cast

from agents.errors import StepError
from agents.hosts.host import TerminalHost
from agents.hosts.touch import owed
from agents.hosts.touch.owed import Owed
from agents.hosts.touch.program import NOBODY, not_started
from agents.steps import switch
from agents.steps.base import Context, Evidence, Saved

KEY = "touch"  # in what `secured` saves
START_S = 30.0  # until a Touch that was started shows up
# An earlier process may have started Touch just before it died: wait so long for it before starting it once more.
MAYBE_S = 3.0
LOGIN_S = 10.0  # between two attempts while nobody is logged in


def terminal(ctx: Context) -> TerminalHost:
    """The context's host. In a terminal's steps it is always a TerminalHost."""
    return cast(TerminalHost, ctx.host)


def how(ctx: Context) -> str:
    """How this terminal restarts Touch: "never", "program" or "reboot"."""
    return terminal(ctx).profile.restart.how


async def check(ctx: Context) -> Evidence:
    """Arming: Touch could be restarted, as far as that can be known without doing it."""
    if how(ctx) == "never":
        return {}
    terminal(ctx).touch.check()
    return {"restart": how(ctx), "running": (await terminal(ctx).touch.state()).running}


async def saved(ctx: Context) -> Saved:
    """What the undo of `secured` needs to know of Touch: whether it ran."""
    if how(ctx) == "never":
        return {}
    ran = (await terminal(ctx).touch.state()).running or _owed(ctx).start
    _owe(ctx, Owed(start=_owed(ctx).start))  # a restart of the machine that an earlier cutover owed is no longer needed
    return {KEY: {"ran": bool(ran)}}


async def read_since(ctx: Context) -> bool:
    """Whether Touch, if it runs, has started since its settings were last changed, and so knows them."""
    if how(ctx) != "program":
        return True
    state = await terminal(ctx).touch.state()
    changed = terminal(ctx).settings_changed_ms()
    return not state.running or state.since_ms is None or changed is None or changed <= state.since_ms


async def close(ctx: Context) -> None:
    """Close Touch, so that its settings can be changed. It stays open if they could not be written anyway."""
    if how(ctx) == "program":
        restart = terminal(ctx).profile.restart
        ctx.host.try_settings_folder()
        await terminal(ctx).touch.close(restart.limit_s, kill=restart.kill)


async def close_to_undo(ctx: Context) -> bool:
    """The same on the way back. Returns whether Touch ran; that it did is on disk before it is closed."""
    if how(ctx) != "program" or not (await terminal(ctx).touch.state()).running:
        return False
    _owe(ctx, Owed(start=True))
    await close(ctx)
    return True


def ran(before: Saved | None) -> bool:
    """Whether Touch ran before `secured`. before: what `secured` saved."""
    return bool((before or {}).get(KEY, {}).get("ran"))


async def start(ctx: Context, *, maybe_started: bool = False) -> None:
    """Start Touch and wait until it runs. maybe_started: an earlier process may have done so just now."""
    touch = terminal(ctx).touch
    if await touch.appears(MAYBE_S if maybe_started else 0):
        return
    end = time.monotonic() + START_S
    while True:
        try:
            await touch.start()
            break
        except StepError as error:
            if error.finding.code != NOBODY or time.monotonic() > end:
                raise
        # The terminal was just switched on. When somebody has logged in, Touch may start by itself.
        if await touch.appears(LOGIN_S):
            return
    if not await touch.appears(START_S):
        raise not_started(f"it does not run {START_S:.0f} s later")


async def start_again(ctx: Context, before: Saved, *, maybe_started: bool = True) -> bool:
    """On the way back: start Touch if it ran before `secured`, or when the undo closed it. Returns whether it runs again.
    maybe_started: as for start()."""
    if how(ctx) != "program" or not (ran(before) or _owed(ctx).start):
        return False
    await start(ctx, maybe_started=maybe_started)
    forget_owed(ctx)
    return True


def forget_owed(ctx: Context) -> None:
    """Nothing is owed any more."""
    _owe(ctx, owed.NOTHING)


# --- restarting the machine -----------------------------------------------------------------------------


async def reboot(ctx: Context) -> None:
    """Restart the machine. The journal resumes the step afterwards, so this returns only where it did not happen."""
    restart = terminal(ctx).profile.restart
    await terminal(ctx).touch.reboot(restart.limit_s)
    message = f"the terminal did not restart within {restart.limit_s} s: a sale or a dialog is open"
    raise StepError("touch_busy", message, "Finish it at the till, then press Retry failed.", retryable=True)


async def set_again(ctx: Context) -> None:
    """After the restart: a Touch that ended in it has written its old settings back. Set them again, unless Touch has
    started and read the old ones."""
    if not switch.is_set(ctx):
        await refuse_if_running(ctx)
        switch.set_scheme(ctx)


async def refuse_if_running(ctx: Context) -> None:
    """Raises settings_overwritten if Touch runs, with settings that are not to stay."""
    if (await terminal(ctx).touch.state()).running:
        message = f"Touch has written {ctx.host.file} back when the terminal restarted, and runs with it"
        remedy = 'Close Touch by hand, then press Retry failed. Or write how = "program" in [restart] of its profile.'
        raise StepError("settings_overwritten", message, remedy)


def owe_reboot(ctx: Context, boot: str) -> None:
    """On the way back: if the machine has started since `boot`, Touch has read the new settings, and the machine must be
    started once more when the old ones are back."""
    now = terminal(ctx).touch.boot()
    if boot != now and _owed(ctx).boot is None:
        _owe(ctx, Owed(boot=now))


async def reboot_again(ctx: Context, back: Saved) -> Evidence:
    """On the way back: put the old settings back, and restart the machine if that is owed and has not happened."""
    due = _owed(ctx).boot
    rebooted = due is not None and due != terminal(ctx).touch.boot()
    if rebooted and not switch.is_back(ctx, back):
        await refuse_if_running(ctx)
    evidence = switch.put_back(ctx, back)
    if due is not None and not rebooted:
        await reboot(ctx)
    forget_owed(ctx)
    return {**evidence, "rebooted": rebooted}


def _owed(ctx: Context) -> Owed:
    return owed.read(ctx.host.config.state)


def _owe(ctx: Context, what: Owed) -> None:
    owed.write(ctx.host.config.state, what)
