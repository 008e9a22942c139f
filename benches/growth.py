"""A hundred million rows on a cluster, played: what bounds them, and what lost executors cost.

A job's tasks, its driver and the service, slice by slice, with the figures below. Nothing is sent.

Usage: python benches/growth.py
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heappop, heappush

# As measured on two busy cores: rows a second that a task checks and sends, keys a second that a
# driver leases and settles, bytes of its file for each.
TASK, DRIVER, KEY_BYTES = 12_000, 14_000, 70
# As in the package: rows between two words with the driver, and seconds until one is lost.
SLICE, LOST_AFTER = 10_000, 30.0
# As a service may be: records in a page of a listing, seconds that one takes, and pages at a time.
PAGE, PAGE_SECONDS, PAGES = 200, 0.02, 4
# Slices in a partition, and tasks of an executor.
PARTITION, CORES = 25, 4


@dataclass
class Cluster:
    """A table, and what it goes through."""

    tasks: int
    # Rows a second of the service, for all tasks together.
    service: int
    # Hours between two losses of an executor.
    loses_each: float = float("inf")
    rows: int = 100_000_000
    # Campaigns that share the rows: their jobs run side by side, each with a driver of its own.
    campaigns: int = 1


@dataclass
class Task:
    """A slot of an executor, and how far it has come with a partition."""

    at: int = 0
    # Slices that an attempt before has sent.
    known: int = 0
    epoch: int = 0
    is_at_work: bool = True


class Job:
    """One campaign's job."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        share = cluster.campaigns
        self.rng = random.Random(seed)
        self.service = cluster.service / share
        self.mean = cluster.loses_each * 3600 * share
        self.waiting = cluster.rows // share // (PARTITION * SLICE)
        self.tasks = [Task() for _ in range(min(cluster.tasks // share, self.waiting))]
        self.free_at = {"driver": 0.0, "service": 0.0, "look": 0.0}
        self.busy = dict.fromkeys(self.free_at, 0.0)
        self.accepted = self.lost = 0
        self.events: list[tuple[float, int, int]] = []

    def serve(self, who: str, now: float, seconds: float) -> float:
        """When somebody who serves one after the other is done."""
        self.free_at[who] = max(now, self.free_at[who]) + seconds
        self.busy[who] += seconds
        return self.free_at[who]

    def play(self) -> float:
        """Seconds that it takes."""
        for at in range(len(self.tasks)):
            self.begin(0.0, at)
        self.lose_next(0.0)
        end = 0.0
        while self.events:
            now, at, epoch = heappop(self.events)
            if at < 0:
                if any(task.is_at_work for task in self.tasks):
                    self.lose(now)
                    self.lose_next(now)
            elif epoch == self.tasks[at].epoch:
                end = max(end, now)
                self.step(now, at)
        return end

    def begin(self, now: float, at: int) -> None:
        """A task takes a partition that nobody had."""
        task = self.tasks[at]
        task.at = task.known = 0
        task.is_at_work = self.waiting > 0
        if task.is_at_work:
            self.waiting -= 1
            heappush(self.events, (now, at, task.epoch))

    def step(self, now: float, at: int) -> None:
        """A slice: checked, asked for, sent unless it was before, and told of."""
        task = self.tasks[at]
        if task.at == PARTITION:
            self.begin(now, at)
            return
        now = self.serve("driver", now + SLICE / TASK, SLICE / DRIVER)
        if task.at >= task.known:
            now = self.serve("service", now, SLICE / self.service)
            self.accepted += SLICE
        task.at += 1
        heappush(self.events, (now, at, task.epoch))

    def lose_next(self, now: float) -> None:
        if self.mean < float("inf"):
            heappush(self.events, (now + self.rng.expovariate(1 / self.mean), -1, 0))

    def lose(self, now: float) -> None:
        """An executor: its tasks begin again, each with a look for the slice that it left open."""
        first = self.rng.randrange(0, len(self.tasks), CORES)
        for at in range(first, min(first + CORES, len(self.tasks))):
            task = self.tasks[at]
            if task.is_at_work:
                self.lost += 1
                task.epoch += 1
                task.known, task.at = max(task.known, task.at), 0
                took = self.accepted / PAGE * PAGE_SECONDS / PAGES
                again = self.serve("look", now + LOST_AFTER, took)
                heappush(self.events, (again, at, task.epoch))


SHOWN = [
    Cluster(tasks=8, service=2000),
    Cluster(tasks=200, service=2000),
    Cluster(tasks=200, service=20_000),
    Cluster(tasks=200, service=20_000, campaigns=8),
    Cluster(tasks=200, service=2000, loses_each=4),
    Cluster(tasks=200, service=2000, loses_each=1),
    Cluster(tasks=200, service=2000, loses_each=1, campaigns=8),
]


def main() -> None:
    """Prints a line for each."""
    print("  tasks  service  campaigns  executor lost  hours  driver  attempts  looking      each")
    print("at once   rows/s              each … hours           busy      lost    hours  driver GB")
    for cluster in SHOWN:
        jobs = [Job(cluster, seed) for seed in range(cluster.campaigns)]
        seconds = max(job.play() for job in jobs)
        driver = max(job.busy["driver"] for job in jobs) / seconds
        lost = sum(job.lost for job in jobs)
        looks = sum(job.busy["look"] for job in jobs) / 3600
        each = "-" if cluster.loses_each == float("inf") else f"{cluster.loses_each:.0f}"
        file = cluster.rows / cluster.campaigns * KEY_BYTES / 1e9
        print(
            f"{cluster.tasks:>7} {cluster.service:>8} {cluster.campaigns:>10} {each:>14} "
            f"{seconds / 3600:>6.1f} {driver:>7.0%} {lost:>9} {looks:>8.1f} {file:>9.1f}"
        )


if __name__ == "__main__":
    main()
