"""Exchanges on the command line: exit codes, what has a machine form on standard output, and the options of --help."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from tests.frozen.normalize import Normalizer, without_texts
from tests.frozen.service import WAIT_SECONDS, clean_environment

FIXTURES = Path(__file__).parent / "fixtures"
MAIL = (
    b"From: a@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    b'Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D"https://example.com/=C3=BC?a=3D1">one</a>\r\n'
)
PAGE = (
    b'<p><a href="https://example.com/a?x=1&amp;y=2">one</a> <a href=https://example.org/b>two</a>\n'
    b'<a href="mailto:a@example.org">mail</a> <a href="https://example.com/c" data-no-track>three</a>\n'
    b'<a href="/relative">four</a> <a href="https://example.com/%zz">five</a></p>\n'
)
COMMANDS = (
    *("rewrite", "check", "open", "keys", "account", "api-keys", "user", "block", "webhooks", "explain", "export"),
    *("recipient", "rebuild", "serve", "keys list", "keys rotate", "keys export", "account add", "account list"),
    *("api-keys list", "api-keys create", "api-keys revoke", "user add", "user list", "user password", "user remove"),
    *("block add", "block remove", "block list", "webhooks listen", "recipient export", "recipient erase", "bench"),
    *("classify", "networks", "networks list", "networks update", "render"),
)
FORKS = """\
import importlib.metadata, json, os, sys, tempfile
import linkweir.app
(entry,) = importlib.metadata.entry_points(group="console_scripts", name="linkweir")
main = entry.load()
for line in sys.stdin:
    words, given = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(given.encode())
    files[0].seek(0)
    child = os.fork()
    if not child:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.argv = ["linkweir", *words]
        try:
            code = main() or 0
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for file in files:
        file.seek(0)
    print(json.dumps([code, files[1].read().decode(), files[2].read().decode()]), flush=True)
"""
MODULE = ("-m", "linkweir")
TEXT_KEYS = frozenset({"reason", "message", "note", "sentence", "text", "why", "summary", "error", "warning", "says"})


class Shell:
    """Runs the command in a folder of its own and records how each run ends."""

    def __init__(self, folder: Path, data: Path, normalizer: Normalizer) -> None:
        self.folder = folder
        self.data = data
        self.normalizer = normalizer
        self.runs: dict[str, Any] = {}
        self._waiting: list[tuple[str, list[str], str, str]] = []
        folder.mkdir()
        (folder / "page.html").write_bytes(PAGE)
        (folder / "mail.eml").write_bytes(MAIL)
        shutil.copy(FIXTURES / "sample.keys", folder / "sample.keys")
        (folder / "sample.keys").chmod(0o600)
        self._environment = clean_environment() | {"HOME": str(folder)}
        self._process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-c", FORKS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=folder,
            env=self._environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def add(self, words: str, shape: str = "none", given: str = "", *, stored: bool = False) -> None:
        """One more run, whose exit code and standard output are noted: none, json, ndjson, lines or help; `stored`
        adds --data.
        """
        self._waiting.append((words, [*words.split(), *(["--data", str(self.data)] if stored else [])], shape, given))

    def run(self) -> None:
        """Run what was added: what starts processes of its own side by side, then the others in their order, each in a
        fork of one process that has everything imported.
        """
        apart = [one for one in self._waiting if one[0].startswith("rewrite") and one[2] != "help"]
        others = [one for one in self._waiting if one not in apart]
        with ThreadPoolExecutor(len(apart) or 1) as pool:
            ends = list(pool.map(lambda one: self._run_process([*MODULE, *one[1]], one[3]), apart))
        ends += [self._run_forked(words, given) for _, words, _, given in others]
        for (words, _, shape, _), end in zip([*apart, *others], ends, strict=True):
            name = self.normalizer.text(words)
            assert name not in self.runs, name
            self.runs[name] = self.normalizer.value(_entry(shape, end.returncode, end.stdout, bool(end.stderr)))
        self._waiting.clear()

    def _run_forked(self, words: list[str], given: str) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([words, given]) + "\n")
        self._process.stdin.flush()
        code, output, errors = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, code, output, errors)

    def _run_process(self, words: list[str], given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  our own command
            [sys.executable, *words],
            input=given,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment,
            timeout=WAIT_SECONDS,
            check=False,
        )


def _entry(shape: str, code: int, output: str, has_errors: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"code": code, "errors": has_errors}
    lines = output.splitlines()
    if shape == "json" and output:
        return entry | {"json": without_texts(json.loads(output), TEXT_KEYS)}
    if shape == "ndjson":
        return entry | {"ndjson": [without_texts(json.loads(line), TEXT_KEYS) for line in lines]}
    if shape == "lines":
        return entry | {"lines": lines}
    if shape == "help":
        return entry | {"options": _options(output)}
    return entry | {"output": bool(output)}


def record(shell: Shell, click: str) -> dict[str, Any]:
    """Every sub-command; `click` is the id of one."""
    for name in COMMANDS:
        shell.add(f"{name} --help", "help")
    shell.add("")
    shell.add("--version")
    shell.add("nonsense")
    shell.add("check --nonsense page.html")
    _record_files(shell)
    _record_folder(shell, click)
    return shell.runs


def _record_files(shell: Shell) -> None:
    options = "--key-file sample.keys --base-url https://k.example.com/ --message-id m1"
    shell.add(f"rewrite mail.eml {options} --privacy pseudonymous", "lines")
    shell.add(f"rewrite - {options} --opt-out data-own --vendors --outlook", "lines", given=PAGE.decode())
    shell.add(f"rewrite page.html --report report.json -o tracked.html --quiet {options}")
    shell.add("check page.html --format json", "ndjson")
    shell.add("check mail.eml --format json --only-problems", "ndjson")
    shell.run()
    report = (shell.folder / "report.json").read_text()
    shell.runs["report"] = [without_texts(json.loads(line), TEXT_KEYS) for line in report.splitlines()]
    link = re.search(r"https://k\.example\.com/[^\"]+", (shell.folder / "tracked.html").read_text())
    assert link
    shell.add(f"open --json --key-file sample.keys {link[0]}", "json")
    shell.add(f"open --json --key-file sample.keys {link[0]}x")
    shell.add("keys list --json --key-file sample.keys", "json")
    shell.add("keys rotate --key-file sample.keys")
    shell.add("keys export --key-file sample.keys")
    shell.add("keys export --key-file sample.keys -o copy.keys")
    shell.run()
    copied = json.loads((shell.folder / "copy.keys").read_text())
    shell.runs["key ring"] = shell.normalizer.value(_without_secrets(copied))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "<secret>" if name == "secret" else _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _record_folder(shell: Shell, click: str) -> None:
    shell.add(f"explain --json {click}", "json", stored=True)
    shell.add("explain --json 00000000-0000-4000-8000-000000000001", stored=True)
    shell.add("export --format ndjson", "ndjson", stored=True)
    shell.add("export --format csv --clickers --tag spring", "lines", stored=True)
    shell.add("export --clickers", stored=True)
    shell.add("recipient export person@example.org", "json", stored=True)
    shell.add("recipient export nobody@example.org", stored=True)
    shell.add("recipient erase nobody@example.org", stored=True)
    shell.add("recipient erase short@example.org --yes", stored=True)
    shell.add("block add phishing.example --reason test", stored=True)
    shell.add("block add https://docs.example/form?id=7", stored=True)
    shell.add("block add nothing", stored=True)
    shell.add("block list --json", "ndjson", stored=True)
    shell.add("block remove phishing.example", stored=True)
    shell.add("block remove phishing.example --data .")
    shell.add("account add Second", stored=True)
    shell.add("account list", stored=True)
    shell.add("api-keys create command --scope messages:read:all", stored=True)
    shell.add("api-keys create wrong --scope nothing", stored=True)
    shell.add("api-keys list --json", "json", stored=True)
    shell.add("api-keys revoke linkweir-sk-nobody", stored=True)
    shell.add("user add ada@example.com", stored=True)
    shell.add("user add ada@example.com --ask", given="correct horse battery\n", stored=True)
    shell.add("user password ada@example.com", stored=True)
    shell.add("user list", stored=True)
    shell.add("user remove nobody@example.com", stored=True)
    shell.add("rebuild", stored=True)
    shell.add("webhooks listen")
    shell.add("serve --port 70000", stored=True)
    shell.add("serve --workers 0 --port 0", stored=True)
    shell.run()


def _options(text: str) -> list[str]:
    """The options, choices and actions that a help text names: before its examples, which name others, too."""
    described = text.partition("\nexamples:")[0].partition("\nfirst steps:")[0]
    usage, _, rest = described.partition("\n\n")
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*|\{[a-z,]+\}", usage))
    return sorted(named | {f"action {name}" for name in re.findall(r"^    ([a-z-]+)(?: |$)", rest, re.MULTILINE)})
