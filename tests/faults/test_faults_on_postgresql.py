"""Faults of machines that share PostgreSQL, under load: no answered click and no accepted mail is lost, nothing is
counted twice, and what webhooks hear twice has the same id.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.loaded_machines import LONGEST_LEASE_SECONDS, PROGRESS, REDIRECTING, LoadedMachines
from tests.faults.shifted_clock import make_clock_environment, read_clocks
from tests.faults.test_full_disk import mount
from tests.machine_process import MachineProcess
from tests.postgresql_server import require_postgresql
from tests.web.running_service import wait_until

HOUR_SECONDS = 3600
PARTITION_SECONDS = 10.0  # for each of two kinds


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedMachines]:
    """Machines that all tests share, on a server of their own."""
    machines = LoadedMachines(tmp_path_factory.mktemp("machines"), require_postgresql("faults"))
    with machines.run():
        yield machines


def kill_child(machine: MachineProcess, child: int) -> None:
    """End one of a machine's processes, and wait for the one that takes its place."""
    before = machine.list_children()
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: set(machine.list_children()) - set(before))


def kill_redirect(machines: LoadedMachines) -> None:
    """A process that redirects."""
    background = machines.redirecting.find_background()
    kill_child(machines.redirecting, (set(machines.redirecting.list_children()) - {background}).pop())


def kill_carrier(machines: LoadedMachines) -> None:
    """The process that brings clicks from the journal to the inbox, twice."""
    for _ in range(2):
        kill_child(machines.redirecting, machines.redirecting.find_background())


def kill_redirect_machine(machines: LoadedMachines) -> None:
    """All processes of the machine that redirects."""
    machines.redirecting.kill(keeps_disk=True)
    machines.restart_redirecting()


def kill_workers(machines: LoadedMachines) -> None:
    """One worker after the other."""
    for number, worker in enumerate(machines.working):
        worker.kill(keeps_disk=True)
        machines.working[number] = machines.start_worker(number)


def end_backends(machines: LoadedMachines) -> None:
    """`pg_terminate_backend` for every connection, again and again."""
    for _ in range(4):
        for pid in machines.list_backends():
            machines.server.execute(f"SELECT pg_terminate_backend({pid})")
        time.sleep(0.4)


def kill_backend(machines: LoadedMachines) -> None:
    """`kill -9` of one backend, after which the server ends all others and recovers."""
    os.kill(machines.list_backends()[0], signal.SIGKILL)


def kill_postmaster(machines: LoadedMachines) -> None:
    """`kill -9` of the server's first process, and a new start."""
    machines.server.kill()
    time.sleep(1)
    machines.server.start()


def stop_immediately(machines: LoadedMachines) -> None:
    """`pg_ctl stop -m immediate`, and a new start."""
    machines.server.kill(signal.SIGQUIT)
    time.sleep(1)
    machines.server.start()


def pause_processes(machines: LoadedMachines) -> None:
    """A worker and a carrier stand still for longer than every lease, and go on."""
    paused = (machines.working[0].pid, machines.redirecting.find_background())
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(LONGEST_LEASE_SECONDS + 1)
    finally:
        for pid in paused:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "fault",
    [
        kill_redirect,
        kill_carrier,
        kill_redirect_machine,
        kill_workers,
        end_backends,
        kill_backend,
        kill_postmaster,
        stop_immediately,
        pause_processes,
    ],
)
def test_processes_that_end_or_stand_still(machines: LoadedMachines, fault: Callable[[LoadedMachines], None]) -> None:
    """Whatever is killed, ended or paused under load: all is counted, delivered and told in the end, and only once."""
    with machines.load():
        machines.wait_for_progress()
        fault(machines)
        machines.wait_for_progress()
    machines.check()


def test_a_partition_between_a_redirect_and_the_database(machines: LoadedMachines) -> None:
    """While nothing gets through, and while connections are refused, redirects go on and their clicks wait; then they
    are all counted.
    """
    with machines.load():
        machines.wait_for_progress()
        for partition in (machines.proxy.hold, machines.proxy.cut):
            with partition():
                end = time.monotonic() + PARTITION_SECONDS
                time.sleep(0.5)  # what was said before may get through
                before = set(machines.requested)
                machines.wait_for_progress(mails=False)
                time.sleep(max(0.0, end - time.monotonic()))
                later = machines.answered - before
                assert later
                assert not later & machines.count_stored().keys()
            machines.wait_for_progress()
    machines.check()


def test_a_full_disk_of_a_machine(machines: LoadedMachines, tmp_path: Path) -> None:
    """While the disk of a machine that redirects is full, its journal's preallocated room takes the clicks, which are
    carried to the database on another machine.
    """
    with mount(tmp_path / "disk", "32m") as disk:
        machine = machines.start(disk / "full", *REDIRECTING)
        try:
            with machines.load(machine):
                machines.wait_for_progress()
                with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                    while True:
                        filler.write(bytes(4096))
                machines.wait_for_progress()
                assert os.statvfs(disk).f_bavail == 0
                (disk / "filler").unlink()
            machines.check()
        finally:
            machine.kill()


@pytest.mark.parametrize("ahead", [True, False])
def test_clocks_an_hour_off(machines: LoadedMachines, tmp_path: Path, ahead: bool) -> None:
    """A machine that redirects has a clock an hour ahead or behind, a worker one an hour off the other way: nothing is
    lost or counted twice, and no claim ends early.
    """
    offsets = (HOUR_SECONDS, -HOUR_SECONDS) if ahead else (-HOUR_SECONDS, HOUR_SECONDS)
    redirecting, working = (make_clock_environment(tmp_path, offset) for offset in offsets)
    before, started_at = set(machines.answered), time.time()
    wall, slept = read_clocks(working)
    assert abs(wall - started_at - offsets[1]) < HOUR_SECONDS / 4
    assert 0.1 <= slept < HOUR_SECONDS / 4
    machines.working[0].kill(keeps_disk=True)
    machines.working[0] = machines.start_worker(0, **working)
    with machines.start(tmp_path / "shifted", *REDIRECTING, **redirecting) as machine:
        with machines.load(machine):
            for _ in range(3):
                machines.wait_for_progress()
        machines.check()
    shifted = [
        at for at in machines.list_click_times(machines.answered - before) if abs(at - started_at) > HOUR_SECONDS / 2
    ]
    assert len(shifted) >= 3 * PROGRESS
    assert all((at > started_at) is ahead for at in shifted)
    machines.working[0].kill(keeps_disk=True)
    machines.working[0] = machines.start_worker(0)


def test_sums_are_those_of_the_stored_clicks(machines: LoadedMachines) -> None:
    """After all of this every sum, in each dimension, is what the clicks that are stored come to."""
    machines.check_rebuilt_sums()
