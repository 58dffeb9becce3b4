"""For tests of applications: what was observed, as plain dictionaries.

::

    from trackway.testing import capture

    def test_the_answer_is_the_users():
        with capture() as spans:
            application.answer("What is six times seven?", user="alice")
        assert spans.one("answer")["user_id"] == "alice"

With pytest, the fixture `trackway_spans` is such a capture for the time of a test.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, final, overload

from trackway._core import log
from trackway._core.guard import guard_settings, swallowed
from trackway._testing.diversion import Diversion
from trackway._testing.reading import compact, scores, spans
from trackway._testing.recorder import Recorder
from trackway._testing.shapes import Score, Span
from trackway.registry import get_client

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["Score", "Span", "Spans", "capture"]


@final
class Spans(Sequence[Span]):
    """The observations of a `capture`, in the order in which they started; each is a dictionary, see `Span`.

    Read from the OTLP bytes that a backend would have been sent, as often as it is looked at: inside of the block for
    what has ended so far, and afterwards. Low-level handles that are open are there as they are.

    Example:
        >>> from trackway import observe
        >>> from trackway.testing import capture
        >>> with capture() as spans:
        ...     observe(name="double")(lambda n: 2 * n)(21)
        42
        >>> len(spans), spans[0]["name"], spans[0]["input"], spans[0]["output"]
        (1, 'double', {'n': 21}, 42)
    """

    __slots__ = ("_diversion", "_recorder")

    def __init__(self, recorder: Recorder, diversion: Diversion) -> None:
        self._recorder = recorder
        self._diversion = diversion

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: "slice[int | None, int | None, int | None]") -> list[Span]: ...
    def __getitem__(
        self, index: "int | slice[int | None, int | None, int | None]"
    ) -> Span | list[Span]:
        return self._spans()[index]

    def __len__(self) -> int:
        return len(self._spans())

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans())

    def __repr__(self) -> str:
        return f"<Spans {self.tree('kind')}>"

    def one(self, name: str) -> Span:
        """The one observation called *name*.

        Raises:
            AssertionError: None or several are called so; the message names those that there are.

        Example:
            >>> from trackway import get_client
            >>> from trackway.testing import capture
            >>> with capture() as spans:
            ...     _ = get_client().create_event(name="retry", level="WARNING")
            >>> spans.one("retry")["level"]
            'WARNING'
        """
        recorded = self._spans()
        found = [span for span in recorded if span["name"] == name]
        if len(found) != 1:
            there = ", ".join(repr(span["name"]) for span in recorded) or "no others"
            raise AssertionError(
                f"{len(found)} observations are called {name!r}; there are: {there}"
            )
        return found[0]

    def tree(self, *fields: str) -> list[dict[str, object]]:
        """The observations below one another: each with its name, what it says, and its `children`.

        What is empty, and what differs from run to run (ids, times, stacks), is left out, so that a tree can be
        compared with one that is written down. With *fields*, each has its name and these.

        Example:
            >>> from trackway import observe, propagate_attributes
            >>> from trackway.testing import capture
            >>> with capture() as spans, propagate_attributes(user_id="alice"):
            ...     observe(name="shout")(lambda word: word.upper())("hi")
            'HI'
            >>> spans.tree()
            [{'name': 'shout', 'kind': 'span', 'user_id': 'alice', 'input': {'word': 'hi'}, 'output': 'HI'}]
            >>> spans.tree("user_id")
            [{'name': 'shout', 'user_id': 'alice'}]
        """
        recorded = self._spans()
        nodes = {(span["trace_id"], span["id"]): compact(span, fields) for span in recorded}
        roots: list[dict[str, object]] = []
        children: dict[tuple[str, str], list[dict[str, object]]] = {}
        for span in recorded:
            above = (span["trace_id"], span["parent_id"] or "")
            among = children.setdefault(above, []) if above in nodes else roots
            among.append(nodes[span["trace_id"], span["id"]])
        for key, below in children.items():
            nodes[key]["children"] = below
        return roots

    @property
    def scores(self) -> list[Score]:
        """The scores that were given, in that order.

        Example:
            >>> from trackway import get_client
            >>> from trackway.testing import capture
            >>> with capture() as spans, get_client().start_as_current_observation(name="chat"):
            ...     get_client().score_current_trace(name="helpful", value=True)
            >>> [(score["name"], score["value"]) for score in spans.scores]
            [('helpful', True)]
        """
        self._diversion.write_handles()
        return scores(self._recorder.recorded())

    @property
    def tracer_provider(self) -> "TracerProvider":
        """The default client, as instrumentations through OpenTelemetry's API want it: `instrument(tracer_provider=…)`.

        Example:
            >>> from trackway.testing import capture
            >>> with capture() as spans:
            ...     with spans.tracer_provider.get_tracer("httpx").start_as_current_span("GET"):
            ...         pass
            >>> spans.tree("scope")
            [{'name': 'GET', 'scope': 'httpx'}]
        """
        return get_client()._provider

    def clear(self) -> None:
        """Forgets what was observed so far.

        Example:
            >>> from trackway import get_client
            >>> from trackway.testing import capture
            >>> with capture() as spans:
            ...     _ = get_client().create_event(name="before")
            ...     spans.clear()
            >>> list(spans)
            []
        """
        self._recorder.clear()

    def _spans(self) -> list[Span]:
        self._diversion.write_handles()
        return spans(self._recorder.recorded())


@contextmanager
def capture(*, deterministic: bool = False) -> Iterator[Spans]:
    """A block in which everything that is observed in this process is kept in memory, for the test to look at.

    Nothing is sent or written to disk, by whichever client: the default one, those that the application holds, those
    that it makes inside. Their mask, redaction and sampling stay in force; `flush` and `shutdown` do nothing;
    a client that is switched off by its settings records all the same. Child processes are not captured.

    Args:
        deterministic: Ids count from 1; time begins at 2026-01-01T00:00:00Z and goes on by a second with each start
            and each end. For snapshots with ids and times in them; `Spans.tree` needs none of it.

    Raises:
        AssertionError: At the end, if an internal error of trackway was swallowed; inside of the block they are raised.

    Example:
        >>> from trackway import observe
        >>> from trackway.testing import capture
        >>> with capture(deterministic=True) as spans:
        ...     observe(name="greet")(lambda: "hello")()
        'hello'
        >>> spans[0]["id"], spans[0]["end_time"] - spans[0]["start_time"]
        ('0000000000000001', 1000000000)
    """
    recorder = Recorder(deterministic=deterministic)
    diversion = Diversion(recorder)
    errors, reraised = swallowed(), guard_settings.reraise
    # Of two tests that are warned of the same thing within a minute, both shall see it.
    log.forget()
    diversion.begin()
    guard_settings.reraise = True
    try:
        yield Spans(recorder, diversion)
    finally:
        guard_settings.reraise = reraised
        diversion.end()
        recorder.close()
    hidden = {place for place, n in swallowed().items() if n > errors.get(place, 0)}
    if hidden:
        raise AssertionError(f"tracing failed inside: {', '.join(sorted(hidden))}")
