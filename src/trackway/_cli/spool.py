"""`trackway spool`: what waits on disk, for whom, and how to get it on its way."""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import orjson

from trackway._cli.words import clean
from trackway._core.settings import Settings
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from trackway._core.backend import Remote
    from trackway._delivery.deadletter import DeadLetter, DeadLetters
    from trackway._delivery.exporter import Exporter
    from trackway._delivery.stats import DestinationStats

__all__ = ["main"]

EXPORTER: Final = "exporter"
"""The kind of destination that an object of an application is, which no setting can name."""
DONE: Final = 0
SOMETHING_STAYS: Final = 1
WRONG_SETTINGS: Final = 2


def main(argv: list[str]) -> int:
    """Runs `trackway spool`; the exit status: 0, 1 where something stays undelivered, 2 for wrong settings."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.from_env()
    except ConfigurationError as error:
        print(f"trackway: {error}", file=sys.stderr)
        return WRONG_SETTINGS
    if arguments.command == "drain":
        return _drain(settings, arguments.timeout, as_json=arguments.json)
    if arguments.command == "rejected":
        return _rejected(settings, send=arguments.send, as_json=arguments.json)
    return _list(settings, as_json=arguments.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trackway spool", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("ls", help="every destination, and what became of its spans")
    drain = commands.add_parser(
        "drain", help="deliver what dead processes left for the configured destination"
    )
    rejected = commands.add_parser(
        "rejected", help="spans that the backend refused for what they are"
    )
    drain.add_argument("--timeout", type=float, default=60.0, help="seconds at most (60)")
    rejected.add_argument("--send", action="store_true", help="send them once more")
    for command in (listing, drain, rejected):
        command.add_argument(
            "--json", action="store_true", help="one JSON document instead of a table"
        )
    return parser


# -- ls ---------------------------------------------------------------------------------------------------------------


def _list(settings: Settings, *, as_json: bool) -> int:
    from trackway._delivery.chain import description, destinations, spool_root
    from trackway._delivery.stats import destination_stats

    root = spool_root(settings.directory)
    mine = configured(settings)
    rows = [
        (destination_stats(root, found), _named(description(root, found)))
        for found in destinations(root)
    ]
    if as_json:
        found = [
            {**asdict(row), "description": name, "configured": row.destination in mine}
            for row, name in rows
        ]
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return DONE
    if not rows:
        print("Nothing was ever written here.")
    for row, name in rows:
        print(
            f"{row.destination}  {name}{'' if row.destination in mine else '  (not configured here)'}"
        )
        print(
            f"    {row.in_spool} waiting in {row.spool_bytes} bytes; {row.ended} ended, {row.acked} accepted, "
            f"rejected {reasons(row.rejected)}, dropped {reasons(row.dropped)}"
        )
    return DONE


def configured(settings: Settings) -> set[str]:
    """The destinations that these settings reach."""
    from trackway._delivery.destination import LOCAL, identity_of

    return {LOCAL} if settings.remote is None else {LOCAL, identity_of(settings.remote)}


def _named(description: dict[str, str]) -> str:
    """A destination in words; what is unknown to an older version is left out."""
    words = [description.get(part, "") for part in ("kind", "url", "key")]
    return clean(" ".join(filter(None, words)))


def needed(description: dict[str, str]) -> str:
    """What it takes to deliver to a destination that is not configured here."""
    name = _named(description)
    if description.get("kind") == EXPORTER:
        return f"a process that makes its client with Trackway(span_exporter=…): {name}"
    return f"credentials for {name}"


def reasons(counts: Mapping[str, int]) -> str:
    """`0`, or how many for which reason."""
    return ", ".join(f"{n} ({reason})" for reason, n in counts.items()) or "0"


# -- drain ------------------------------------------------------------------------------------------------------------


def _drain(settings: Settings, timeout: float, *, as_json: bool) -> int:
    from trackway._delivery.chain import description, destinations, spool_root
    from trackway._delivery.stats import destination_stats

    root = spool_root(settings.directory)
    before = after = None
    if settings.remote is not None:
        before, after = _empty(settings, settings.remote, timeout)
    mine = configured(settings)
    others = [
        (description(root, found), waiting)
        for found in destinations(root)
        if found not in mine and (waiting := destination_stats(root, found).in_spool)
    ]
    sent = 0 if before is None or after is None else after.acked - before.acked
    stays = 0 if after is None else after.in_spool
    if as_json:
        code = {_named(text): n for text, n in others if text.get("kind") == EXPORTER}
        credentials = {_named(text): n for text, n in others if text.get("kind") != EXPORTER}
        answer = {
            "sent": sent,
            "stays": stays,
            "needs_credentials": credentials,
            "needs_code": code,
        }
        print(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"{sent} spans delivered, {stays} stay.")
        for text, waiting in others:
            print(f"{waiting} spans wait for another destination: needs {needed(text)}")
    return SOMETHING_STAYS if stays or others else DONE


def _empty(
    settings: Settings, remote: "Remote", timeout: float
) -> "tuple[DestinationStats, DestinationStats]":
    """Delivers what can be claimed; the counters before and after."""
    from trackway._delivery.delivery import exporter_for
    from trackway._delivery.stats import destination_stats
    from trackway._prices.pricer import open_pricer

    exporter = exporter_for(settings, remote, prices=open_pricer(settings))
    before = destination_stats(exporter.root, exporter.destination)
    try:
        drain(exporter, timeout)
    finally:
        exporter.close()
    return before, destination_stats(exporter.root, exporter.destination)


def drain(exporter: "Exporter", timeout: float) -> None:
    """Steps until nothing is left, or nothing can be delivered within *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        pause = exporter.step(left)
        if pause is None or exporter.rests_for() > deadline - time.monotonic():
            return
        time.sleep(pause)


# -- rejected ---------------------------------------------------------------------------------------------------------


def _rejected(settings: Settings, *, send: bool, as_json: bool) -> int:
    from trackway._delivery.chain import destinations, spool_root
    from trackway._delivery.deadletter import DeadLetters

    root = spool_root(settings.directory)
    if send:
        return _resend(settings, root, as_json=as_json)
    rows = [
        _row(found, letter)
        for found in destinations(root)
        for letter in DeadLetters(root, found, settings.spool_quota)
    ]
    if as_json:
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return DONE
    for row in rows:
        print(
            f"{row['time']}  {row['destination']}  {row['reason']}  {row['name']}  {row['trace_id']}  {row['message']}"
        )
    print(f"{len(rows)} spans were refused; `trackway spool rejected --send` sends them once more.")
    return DONE


def _row(destination: str, letter: "DeadLetter") -> dict[str, str]:
    name, trace_id, span_id = _identity(letter)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(letter.time_ns / 1e9))
    return {
        "time": moment,
        "destination": destination,
        "reason": letter.reason,
        "message": clean(letter.message),
        "name": clean(name),
        "trace_id": trace_id,
        "span_id": span_id,
    }


def _identity(letter: "DeadLetter") -> tuple[str, str, str]:
    """Name, trace id and span id of what was refused; empty where its bytes do not tell."""
    from trackway._wire.decode import DecodeError, decode_span

    try:
        if letter.score:
            score = orjson.loads(letter.payload)
            return score["name"], score.get("traceId", ""), score.get("observationId", "")
        span = decode_span(letter.payload)
    except (DecodeError, ValueError, KeyError):
        return "", "", ""
    return span.name, span.trace_id, span.span_id


def _resend(settings: Settings, root: "Path", *, as_json: bool) -> int:
    from trackway._delivery.deadletter import DeadLetters
    from trackway._delivery.destination import identity_of

    remote = settings.remote
    if remote is None:
        print("trackway: no remote destination is configured", file=sys.stderr)
        return WRONG_SETTINGS
    destination = identity_of(remote)
    letters = DeadLetters(root, destination, settings.spool_quota)
    sent, stays = _send_letters(settings, remote, letters)
    if sent:
        _count(root, destination, sent)
    if as_json:
        print(orjson.dumps({"sent": len(sent), "stays": stays}).decode())
    else:
        print(f"{len(sent)} spans accepted, {stays} stay refused.")
    return SOMETHING_STAYS if stays else DONE


def _send_letters(
    settings: Settings, remote: "Remote", letters: "DeadLetters"
) -> "tuple[list[DeadLetter], int]":
    """Sends each letter by itself, removes those that are accepted; these, and how many stay."""
    from trackway._delivery.policy import Rule, rule
    from trackway._delivery.posting import new_poster
    from trackway._wire import encode

    poster = new_poster(settings, remote)
    sent, stays = [], 0
    try:
        for letter in letters:
            if letter.score:
                body = b"[" + letter.payload + b"]"
            else:
                body = encode.request([(letter.resource, letter.scope, [letter.payload])])
            outcome = poster.post(body, scores=letter.score)
            if rule(outcome) is Rule.ACCEPTED and not outcome.rejected:
                sent.append(letter)
            else:
                stays += 1
    finally:
        poster.close()
        letters.remove(sent)
    return sent, stays


def _count(root: "Path", destination: str, sent: "list[DeadLetter]") -> None:
    """They were counted as rejected; now they are accepted."""
    from trackway._delivery.counters import DeliveryCounters, add_totals

    rejected: dict[str, int] = {}
    for letter in sent:
        rejected[letter.reason] = rejected.get(letter.reason, 0) - 1
    add_totals(root, destination, DeliveryCounters(acked=len(sent), rejected=rejected))
