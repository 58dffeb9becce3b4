"""`trackway doctor`: what is configured and why, whether the backend answers, what the spool holds."""

import argparse
import base64
import binascii
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from trackway._cli.spool import needed, reasons
from trackway._cli.words import clean
from trackway._core.backend import Remote
from trackway._core.settings import Settings
from trackway._core.specs import SPECS
from trackway._delivery.policy import Rule
from trackway._wire.native import kernels
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from trackway._delivery.stats import DestinationStats

__all__ = ["main"]

HEALTHY: Final = 0
TROUBLE: Final = 1
WRONG_SETTINGS: Final = 2
# Shorter secrets are hidden whole: four characters would be too much of them.
SHOWABLE: Final = 12


def main(argv: list[str]) -> int:
    """Runs `trackway doctor` with *argv*; the exit status: 0, 1 where something is wrong, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="trackway doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    as_json = bool(parser.parse_args(argv).json)
    try:
        settings = Settings.from_env()
        prices = _prices(settings)
    except ConfigurationError as error:
        print(f"trackway: {error}", file=sys.stderr)
        return WRONG_SETTINGS
    report = _examine(settings, prices)
    if as_json:
        print(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(report)
    return HEALTHY if report.reachable is not False and not report.trouble else TROUBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found."""

    configuration: list[dict[str, str]]
    unused: list[str]
    sends_to: str | None
    reachable: bool | None
    answer: str
    directory: str
    writer: str
    kernels: str
    """The inner loops of the caller's path: "compiled", or "pure Python", which costs about twice as much."""
    prices: str
    """Where the prices of calls are from, and which version of it."""
    trouble: str
    destinations: "list[DestinationStats]"
    needs: dict[str, str]
    """Destination → what it takes to deliver what waits for it, where these settings do not."""


# -- what is looked at ------------------------------------------------------------------------------------------------


def _examine(settings: Settings, prices: str) -> Report:
    writer, trouble = _writer(settings.directory)
    reachable, answer = _reachability(settings)
    return Report(
        configuration=_configuration(settings),
        unused=list(settings.unused),
        sends_to=None if settings.remote is None else settings.remote.url,
        reachable=reachable,
        answer=answer,
        directory=str(settings.directory),
        writer=writer,
        kernels="pure Python" if kernels is None else "compiled",
        prices=prices,
        trouble=trouble,
        destinations=(found := _destinations(settings)),
        needs=_needs(settings, found),
    )


def _configuration(settings: Settings) -> list[dict[str, str]]:
    return [
        {
            "setting": spec.name,
            "value": _value(settings, spec.name),
            "source": settings.sources.get(spec.name, "default"),
        }
        for spec in SPECS
    ]


def _value(settings: Settings, name: str) -> str:
    remote = settings.remote
    if name in {"endpoint", "headers", "public_key", "secret_key", "base_url"}:
        return "" if remote is None else _of_remote(remote, name)
    # A setting that allows one value has no attribute.
    default = next(spec.default for spec in SPECS if spec.name == name)
    return clean(str(getattr(settings, name, default)))


def _of_remote(remote: Remote, name: str) -> str:
    is_langfuse = remote.kind == "langfuse"
    match name:
        case "endpoint":
            return "" if is_langfuse else remote.base
        case "headers":
            return (
                ""
                if is_langfuse
                else ", ".join(f"{name}={masked(value)}" for name, value in remote.headers)
            )
        case "base_url":
            return remote.base if is_langfuse else ""
        case "public_key":
            return remote.key if is_langfuse else ""
        case _:
            return masked(_secret_key(remote)) if is_langfuse else ""


def _secret_key(remote: Remote) -> str:
    """The password of the Basic credentials."""
    token = dict(remote.headers).get("Authorization", "").removeprefix("Basic ")
    try:
        return base64.b64decode(token, validate=True).decode(errors="replace").partition(":")[2]
    except binascii.Error:
        return ""


def masked(secret: str) -> str:
    """The last four characters behind stars, or stars alone."""
    return "****" + (secret[-4:] if len(secret) >= SHOWABLE else "")


def _reachability(settings: Settings) -> tuple[bool | None, str]:
    """Sends a request without a span; what came back, in words."""
    from trackway._delivery.policy import rule
    from trackway._delivery.posting import new_poster

    remote = settings.remote
    if remote is None:
        return None, "nothing is sent: spans stay in the local store"
    poster = new_poster(settings, remote)
    outcome = poster.post(b"")
    poster.close()
    said = outcome.answer
    match rule(outcome):
        case Rule.ACCEPTED if outcome.readable:
            return True, f"accepts spans ({said})"
        case Rule.ACCEPTED:
            return False, f"answers, but not as OTLP says ({said}): check {remote.setting}"
        case Rule.MISCONFIGURED if outcome.status in {401, 403}:
            return False, f"refuses the credentials ({said}): check {remote.auth_setting}"
        case Rule.UNAVAILABLE | Rule.THROTTLED | Rule.STUMBLED:
            return False, f"cannot take spans now ({said}): they wait in the spool"
        case _:
            return False, f"refuses spans ({said}): check {remote.setting}"


def _prices(settings: Settings) -> str:
    """Where prices are from, the first that is asked first; raises ConfigurationError for a file that is none."""
    from trackway._prices.book import open_book

    if settings.prices == "none":
        return f"none, as {settings.sources['prices']} says"
    book = open_book(settings)
    sources = {"genai-prices": None} if book is None else book.describe()
    told = []
    if (version := sources.get("overrides")) is not None:
        told.append(f"{clean(settings.prices)} ({version})")
    if (version := sources.get("genai-prices")) is not None:
        told.append(f"genai-prices {version}")
    elif told:
        told.append("nothing else: genai-prices is not installed (pip install 'trackway[prices]')")
    else:
        return "none: genai-prices is not installed (pip install 'trackway[prices]')"
    return ", then ".join(told)


def _writer(directory: Path) -> tuple[str, str]:
    """How records are written in *directory*, by trying, and what is wrong with it."""
    from trackway._delivery.spool import Spool

    root = directory / ".doctor"
    spool = Spool(root, "probe")
    try:
        spool.append(b"", spool.register_scope(b"", b""))
        trouble = spool.trouble
        return (
            spool.writer_kind,
            "" if trouble is None else f"{trouble.strerror}: spans wait in memory",
        )
    finally:
        spool.close()
        shutil.rmtree(root, ignore_errors=True)


def _destinations(settings: Settings) -> "list[DestinationStats]":
    from trackway._delivery.chain import destinations, spool_root
    from trackway._delivery.stats import destination_stats

    root = spool_root(settings.directory)
    return [destination_stats(root, found) for found in destinations(root)]


def _needs(settings: Settings, found: "list[DestinationStats]") -> dict[str, str]:
    from trackway._cli.spool import configured
    from trackway._delivery.chain import description, spool_root

    root, mine = spool_root(settings.directory), configured(settings)
    return {
        each.destination: needed(description(root, each.destination))
        for each in found
        if each.in_spool and each.destination not in mine
    }


# -- how it is shown --------------------------------------------------------------------------------------------------


def _print(report: Report) -> None:
    for row in report.configuration:
        print(f"{row['setting']:<16} {row['value'] or '-':<44} {row['source']}")
    if report.unused:
        print(f"\nset, but without effect: {', '.join(report.unused)}")
    print(f"\n{report.sends_to or 'no backend'}: {report.answer}")
    trouble = f"; {report.trouble}" if report.trouble else ""
    print(f"spool in {report.directory}: written by {report.writer}{trouble}")
    print(f"kernels: {report.kernels}")
    print(f"prices: {report.prices}")
    for found in report.destinations:
        print(
            f"{found.destination}: {found.ended} ended, {found.acked} accepted, {found.in_spool} waiting, "
            f"rejected {reasons(found.rejected)}, dropped {reasons(found.dropped)}"
        )
        if needs := report.needs.get(found.destination):
            print(f"    what waits needs {needs}")
