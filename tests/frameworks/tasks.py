"""A Celery application on a broker of files, in the folder that `TASKS` names."""

import os
from pathlib import Path

from celery import Celery  # type: ignore[import-untyped]  # it carries no types

from tests.frameworks.application import answer

folder = Path(os.environ["TASKS"])
queue = folder / "queue"
queue.mkdir(parents=True, exist_ok=True)

app = Celery("tasks", broker="filesystem://", backend=f"file://{folder}")
app.conf.update(
    broker_transport_options={
        "data_folder_in": str(queue),
        "data_folder_out": str(queue),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.02,
    },
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=False,
)


@app.task  # type: ignore[untyped-decorator]  # as above
def reply(user: str) -> str:
    return "".join(answer(user))
