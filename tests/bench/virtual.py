"""Virtual time for real threads: one runs at a time, and the clock jumps to whoever is next.

What takes no virtual time costs none, so a busy machine changes no figure, and every run is the
same. Code under test must block through this module only.
"""

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Task:
    def __init__(self) -> None:
        self.turn = threading.Semaphore(0)
        self.wakes = 0
        """Numbers its waits: an entry of an earlier one is void."""


class Time:
    """Seconds since `began`. The thread that makes it is its first task."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._at = 0.0
        self._due: list[tuple[float, int, Task, int]] = []
        self._order = itertools.count()
        self._running = Task()
        self._failed: BaseException | None = None
        self._first = self._running

    def __call__(self) -> datetime:
        return self._began + timedelta(milliseconds=int(self._at * 1000))

    def monotonic(self) -> float:
        return self._at

    def sleep(self, seconds: float) -> None:
        self.wake(self._running, seconds)
        self.park()

    def spawn(self, act: Callable[[], Any]) -> None:
        task = Task()

        def run() -> None:
            task.turn.acquire()
            try:
                act()
            except BaseException as error:
                # Told by the first task, which alone can end the run.
                self._failed = self._failed or error
            self._hand_over()

        threading.Thread(target=run, daemon=True).start()
        self.wake(task, 0)

    def current(self) -> Task:
        return self._running

    def wake(self, task: Task, seconds: float = 0) -> None:
        """Lets a task go on after so long, unless something else has woken it before."""
        heapq.heappush(self._due, (self._at + seconds, next(self._order), task, task.wakes))

    def park(self) -> None:
        """Until somebody wakes this task."""
        mine = self._running
        if self._hand_over() is not mine:
            mine.turn.acquire()
        if self._failed is not None and mine is self._first:
            raise self._failed

    def _hand_over(self) -> Task:
        if self._failed is not None:
            self._running = self._first
            self._first.turn.release()
            return self._first
        while True:
            at, _, task, number = heapq.heappop(self._due)
            if number == task.wakes:
                break
        task.wakes += 1
        self._at = max(self._at, at)
        before, self._running = self._running, task
        if task is not before:
            task.turn.release()
        return task


class Result(Future[T]):
    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def result(self, timeout: float | None = None) -> T:
        waiter(self._time)([self], timeout)
        return super().result(0)


class Pool(Executor):
    """Each call is a task of its own."""

    def __init__(self, time: Time) -> None:
        self._time = time

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Result(self._time)
        self._time.spawn(lambda: future.set_result(fn(*args, **kwargs)))
        return future


def waiter(time: Time) -> Callable[..., None]:
    """Stands in for `concurrent.futures.wait` of all."""

    def wait(futures: Collection[Future[Any]], timeout: float | None = None) -> None:
        task = time.current()
        left = [future for future in futures if not future.done()]
        if not left:
            return
        open_ones = len(left)
        number = task.wakes

        def done(_: Future[Any]) -> None:
            nonlocal open_ones
            open_ones -= 1
            if open_ones == 0 and task.wakes == number:
                time.wake(task)

        for future in left:
            future.add_done_callback(done)
        if timeout is not None:
            time.wake(task, timeout)
        time.park()

    return wait


class Lane(Generic[T]):
    """A queue that slots wait at; `pick` chooses among what waits."""

    def __init__(self, time: Time, pick: Callable[[deque[T]], T]) -> None:
        self._time = time
        self._pick = pick
        self._waiting: deque[T] = deque()
        self._slots: deque[Task] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: T) -> None:
        self._waiting.append(one)
        if self._slots:
            self._time.wake(self._slots.popleft())

    def take(self) -> T:
        while not self._waiting:
            self._slots.append(self._time.current())
            self._time.park()
        one = self._pick(self._waiting)
        self._waiting.remove(one)
        return one
