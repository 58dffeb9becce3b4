"""Who looks after the spools of a client: a thread for their files, and for what nobody reads."""

from collections.abc import Sequence
from typing import final

from trackway._core.settings import Settings, environment_of_child
from trackway._delivery.backlog import Backlog
from trackway._delivery.spool import Spool
from trackway._delivery.upkeep import Upkeep
from trackway._delivery.worker import Worker

__all__ = ["Caretaker"]


@final
class Caretaker:
    """The upkeep of some spools, and with a local one its backlog, in a thread that is there when it is needed."""

    __slots__ = ("backlog", "leave", "upkeep", "worker")

    def __init__(self, spools: Sequence[Spool], settings: Settings) -> None:
        self.upkeep = Upkeep(spools, settings.sync)
        self.backlog = self._backlog(settings) if spools and settings.local else None
        self.worker = Worker(self._step, name="trackway-spool")
        self.leave = False
        """At the exit of the process: a child of ours is left to finish."""

    def _backlog(self, settings: Settings) -> Backlog | None:
        # A process that is frozen between two requests would freeze its child with it.
        if settings.ingest_at == "off" or settings.serverless:
            return None
        return Backlog(
            settings.directory,
            settings.ingest_at,
            lambda: self.upkeep.appended,
            lambda: environment_of_child(settings),
        )

    def _step(self, timeout: float | None = None) -> float | None:
        wait = self.upkeep.step(timeout)
        also = None if self.backlog is None else self.backlog.step()
        if wait is None or also is None:
            return also if wait is None else wait
        return min(wait, also)

    def stop(self, timeout: float) -> bool:
        """Ends the thread, and unless at exit the child; False when it is still busy after *timeout* seconds."""
        ended = self.worker.stop(timeout)
        if self.backlog is not None:
            self.backlog.close(leave=self.leave)
        return ended

    def pause(self, timeout: float) -> bool:
        """Ends the thread until `resume`."""
        return self.worker.pause(timeout)

    def resume(self) -> None:
        """Allows it again."""
        self.worker.resume()
        if self.backlog is not None and self.backlog.running:
            # Somebody has to ask for its end, lest a zombie stays.
            self.worker.wake()

    def after_fork_in_child(self) -> None:
        """Forgets the parent's thread and the parent's child."""
        self.worker.after_fork_in_child()
        if self.backlog is not None:
            self.backlog.after_fork_in_child()
