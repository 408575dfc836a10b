"""What can be wrong with any device, server or terminal: its clock, disk, TLS, settings."""

from collections.abc import Iterator

from fleet.preflight.site.readiness import Item, item
from fleet.preflight.site.view import DeviceView, SiteView

CLOCK_OFF_MS = 5 * 60 * 1000
DISK_LOW_MB, DISK_FULL_MB = 200, 20
# In the spelling of OpenSSL, Windows and the agents.
_RANKS = {"SSLv2": 0, "SSLv3": 0, "TLSv1": 1, "TLSv1.0": 1, "TLSv1.1": 2, "TLSv1.2": 3, "TLSv1.3": 4}
_TLS_1_2 = _RANKS["TLSv1.2"]


def check_devices(view: SiteView) -> Iterator[Item]:
    """Items about each device that takes part."""
    checks = view.checks()
    for device in view.devices:
        check = checks.get(device.name)
        yield from _clock(device, clock_offset_ms(device, check.clock_offset_ms if check else None))
        yield from _disk(device)
        yield from _tls(device)
        if device.writable is not None:
            yield item("settings_not_writable", f"{device.name}: {device.writable}", device.name)


def clock_offset_ms(device: DeviceView, in_rehearsal: int | None) -> int | None:
    """The dashboard's time minus the device's, in milliseconds: the larger error of the last inventory and the rehearsal,
    because a clock that stands still or jumps is right now and then. None when neither told it."""
    known = [offset for offset in (device.clock_offset_ms, in_rehearsal) if offset is not None]
    return max(known, key=abs, default=None)


def _clock(device: DeviceView, offset_ms: int | None) -> Iterator[Item]:
    if offset_ms is not None and abs(offset_ms) > CLOCK_OFF_MS:
        yield item("clock_off", f"{device.name}'s clock is {in_words(offset_ms)}", device.name)


def in_words(offset_ms: int) -> str:
    """A clock's error: "12 min behind"."""
    minutes = round(abs(offset_ms) / 60_000)
    days = minutes // 1440
    length = f"{days} days" if days > 1 else f"{minutes // 60} h {minutes % 60} min" if minutes >= 120 else f"{minutes} min"
    return f"{length} {'behind' if offset_ms > 0 else 'ahead'}"


def _disk(device: DeviceView) -> Iterator[Item]:
    free = device.free_mb
    if free is not None and free < DISK_LOW_MB:
        yield item("disk_full" if free < DISK_FULL_MB else "disk_low", f"{device.name} has {free} MB left", device.name)


def ranks(device: DeviceView) -> set[int]:
    """The TLS versions that a device can speak, as numbers that can be compared; empty where it did not tell."""
    return {_RANKS[version] for version in device.tls or () if version in _RANKS}


def _tls(device: DeviceView) -> Iterator[Item]:
    spoken = ranks(device)
    if spoken and max(spoken) < _TLS_1_2:
        yield item("tls_too_old", f"{device.name} supports {', '.join(device.tls or ())} and nothing newer", device.name)


def has_tls_1_2(device: DeviceView) -> bool:
    """Whether it can speak TLS 1.2 or newer, as far as it told."""
    return not (spoken := ranks(device)) or max(spoken) >= _TLS_1_2
