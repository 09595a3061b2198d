"""Files that survive a crash: atomic replacement, private files, locks between processes."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from linkweir import durable_files
from linkweir.atomic_file import AtomicFile, is_temporary, remove_leftovers
from tests.web.running_service import WAIT_SECONDS


def list_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(params=["unnamed", "named"])
def write_method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to write: to a file without a name, where there are such, and to a temporary one."""
    if request.param == "named":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("files without a name are Linux's")
    return str(request.param)


def test_target_appears_only_when_the_block_ends(tmp_path: Path, write_method: str) -> None:
    """The target keeps its old bytes until the block ends; then it has the new, and no other file was ever seen, or a
    temporary one only in between.
    """
    target = tmp_path / "a.html"
    target.write_bytes(b"old")
    with AtomicFile(str(target)) as sink:
        sink.write(b"new")
        assert target.read_bytes() == b"old"
        assert any(is_temporary(name) for name in list_names(tmp_path)) == (write_method == "named")
    assert target.read_bytes() == b"new"
    assert list_names(tmp_path) == ["a.html"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_everything_as_it_was(
    tmp_path: Path, write_method: str, error: type[BaseException]
) -> None:
    """An exception of any kind in the block leaves the old target and no temporary file."""
    target = tmp_path / "a.html"
    target.write_bytes(b"old")

    def fail() -> None:
        with AtomicFile(str(target)) as sink:
            sink.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"old"
    assert list_names(tmp_path) == ["a.html"]


@pytest.mark.usefixtures("write_method")
def test_discard_leaves_the_target(tmp_path: Path) -> None:
    """After discard the target is untouched although the block ends well."""
    target = tmp_path / "a.html"
    with AtomicFile(str(target)) as sink:
        sink.write(b"new")
        sink.abort()
    assert list_names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.usefixtures("write_method")
def test_an_existing_mode_is_preserved(tmp_path: Path) -> None:
    """A replaced file keeps its permission bits, a new one gets the given ones less the umask."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"")
    old.chmod(0o604)
    before = os.umask(0o027)
    try:
        for target in (old, new):
            with AtomicFile(str(target), mode=0o100755) as sink:
                sink.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert stat.S_IMODE(new.stat().st_mode) == 0o750


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """Writing to a symbolic link replaces the file that it leads to."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with AtomicFile(str(tmp_path / "link")) as sink:
        sink.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_a_device_is_written_to_and_not_replaced() -> None:
    """/dev/null is still a device after having been written to."""
    with AtomicFile("/dev/null") as sink:
        sink.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder as the target is an OSError and stays a folder."""
    with pytest.raises(IsADirectoryError), AtomicFile(str(tmp_path)):
        pass
    assert tmp_path.is_dir()


KILLED_PROCESS_SCRIPT = """
import os, signal, sys
from linkweir.atomic_file import AtomicFile
if sys.argv[2] == "named":
    os.__dict__.pop("O_TMPFILE", None)
with AtomicFile(sys.argv[1]) as sink:
    sink.write(b"half" * 100_000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_killed_process_leaves_nothing(tmp_path: Path, write_method: str) -> None:
    """After SIGKILL in the block the folder is as it was; a temporary file is taken away by who knows the process."""
    target = tmp_path / "a.html"
    target.write_bytes(b"old")
    command = [sys.executable, "-c", KILLED_PROCESS_SCRIPT, str(target), write_method]
    process = subprocess.Popen(command)  # noqa: S603 - our own program
    assert process.wait(timeout=WAIT_SECONDS) == -signal.SIGKILL
    assert len(list_names(tmp_path)) == (1 if write_method == "unnamed" else 2)
    remove_leftovers([str(target)], process.pid + 1)
    assert len(list_names(tmp_path)) == (1 if write_method == "unnamed" else 2)
    remove_leftovers([str(target)], process.pid)
    assert list_names(tmp_path) == ["a.html"]
    assert target.read_bytes() == b"old"


def test_nothing_to_take_away_is_no_error(tmp_path: Path) -> None:
    """A folder that is gone, or holds others' files only, stays as it is."""
    (tmp_path / "linkweir-1-.tmp").write_bytes(b"")
    remove_leftovers([str(tmp_path / "x")], 1)
    remove_leftovers([str(tmp_path / "gone" / "x")], 1)
    assert list_names(tmp_path) == ["linkweir-1-.tmp"]


def fail_to_flush(_: int) -> None:
    """What a full disk does."""
    raise OSError(28, "No space left on device")


def test_private_files_are_the_owners_from_the_start(tmp_path: Path) -> None:
    """Whatever the umask, files that are created, replaced or appended to can be read by their owner only."""
    old_umask = os.umask(0)
    try:
        durable_files.create_file(tmp_path / "created", b"1")
        durable_files.replace_file(tmp_path / "replaced", b"2")
        durable_files.append_durably(tmp_path / "appended", b"3")
        os.close(durable_files.open_lock_file(tmp_path / "locked"))
    finally:
        os.umask(old_umask)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == dict.fromkeys(
        ["created", "replaced", "appended", "locked"], 0o600
    )


def test_a_file_is_created_once(tmp_path: Path) -> None:
    """Creating over an existing file raises FileExistsError, leaves its bytes and nothing beside it."""
    durable_files.create_file(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        durable_files.create_file(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"
    assert list_names(tmp_path) == ["key"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, neither creating nor replacing changes anything in the folder."""
    durable_files.replace_file(tmp_path / "key", b"old")
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with pytest.raises(OSError, match="No space left"):
        durable_files.replace_file(tmp_path / "key", b"new")
    with pytest.raises(OSError, match="No space left"):
        durable_files.create_file(tmp_path / "other", b"new")
    assert (tmp_path / "key").read_bytes() == b"old"
    assert list_names(tmp_path) == ["key"]


def test_without_sync_nothing_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that need not survive a power cut is replaced without waiting for the disk."""
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    durable_files.replace_file(tmp_path / "heartbeat", b"1", sync=False)
    assert (tmp_path / "heartbeat").read_bytes() == b"1"


def test_writes_and_appends_reach_the_whole_file(tmp_path: Path) -> None:
    """Bytes are written where they belong, and appended behind what is there."""
    path = tmp_path / "log"
    durable_files.append_durably(path, b"one\n")
    durable_files.append_durably(path, b"two\n")
    with path.open("r+b") as file:
        durable_files.write_durably(file.fileno(), b"ONE", 0)
    assert path.read_bytes() == b"ONE\ntwo\n"


def test_one_process_holds_a_lock(tmp_path: Path) -> None:
    """A locked file cannot be locked through another descriptor until the lock is ended or its descriptor closed."""
    first, second = (durable_files.open_lock_file(tmp_path / "lock") for _ in range(2))
    try:
        assert durable_files.try_lock(first)
        assert not durable_files.try_lock(second)
        durable_files.unlock(first)
        assert durable_files.try_lock(second)
    finally:
        os.close(second)
    assert durable_files.try_lock(first)
    os.close(first)


def test_the_lock_of_a_folder_is_exclusive(tmp_path: Path) -> None:
    """While the lock of a folder is held another process cannot take it, and nothing is created in the folder."""
    attempt = [
        *(sys.executable, "-c"),
        "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)",
        str(tmp_path),
    ]
    with durable_files.lock_folder(tmp_path):
        refused = subprocess.run(attempt, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert "BlockingIOError" in refused.stderr
    assert subprocess.run(attempt, check=False).returncode == 0  # noqa: S603 - our own
    assert list_names(tmp_path) == []
