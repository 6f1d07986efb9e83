"""An APScheduler executor with one thread that always takes the most urgent job that waits."""

import itertools
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job

_LAST = 1_000_000


class Lane(BaseExecutor):  # type: ignore[misc]
    """Jobs of one lane run one after another, by urgency and then in the order in which they came."""

    def __init__(self, name: str, urgency: Mapping[str, int]) -> None:
        super().__init__()
        self._name, self._urgency = name, urgency
        self._waiting: queue.PriorityQueue[tuple[int, int, Any, Any]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._closed = False
        # A daemon, so that a request that does not end cannot hold the process.
        self._thread = threading.Thread(target=self._work, name=f"lane {name}", daemon=True)

    def start(self, scheduler: Any, alias: str) -> None:
        super().start(scheduler, alias)
        self._thread.start()

    def shutdown(self, wait: bool = True) -> None:
        """Lets the job in hand end; jobs that only wait are not begun."""
        self._closed = True
        self._waiting.put((_LAST, next(self._order), None, None))
        if wait:
            self._thread.join()

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self._waiting.put((self._urgency.get(job.id, _LAST), next(self._order), job, run_times))

    def _work(self) -> None:
        while True:
            _, _, job, run_times = self._waiting.get()
            if job is None or self._closed:
                return
            try:
                events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
                self._run_job_success(job.id, events)
            except BaseException:
                self._run_job_error(job.id, *sys.exc_info()[1:])
