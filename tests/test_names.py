"""The names of the code are terms of the field: no private words, no bare participles, no two modules of one stem."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {".py": ("src", "bench", "tests"), ".pyx": ("ext",)}

# Words that mean something only to whoever wrote them: an engineer searches for ingest, notify, query, cursor, ...
PRIVATE_WORDS = re.compile(
    r"alone|aside|ask|asked|asking|asks|bells?|crowd|deeds?|dice|doors?|drawn|gates?|houses?|keep|keeper|keeping|keeps|"
    r"kept|lanes?|look|looked|looking|looks|ones?|ours|places?|placed|said|say|saying|says|scenes?|seats?|spare|story|"
    r"stories|tell|telling|tells|theirs|told|turnings?|twins?|ways?|wish|wished|wishes|words?"
)
STANDARD_NAMES = {  # names and parts of names that hold such a word and are right
    "in_place": "the standard term for changing a file where it is",
    "one_time": "one-time links, as in one-time passwords",
    "keep_alive": "persistent connections of HTTP",
    "looks_trackable": "a field of the API's answers",
    "keep_until_at": "a column of the database",
    "tell_seconds": "a setting, LINKWEIR_TELL_SECONDS",
}

PARTICIPLES = re.compile(
    r"\w+ed|begun|built|drawn|found|given|gone|got|held|kept|known|left|lost|made|meant|met|said|seen|sent|shown|spent|"
    r"taken|told|written"
)
STANDARD_FUNCTIONS = {  # functions whose name ends like a participle and is right
    "feed": "a verb: passes data to an incremental parser",
    "embed": "a verb",
    "seed": "a verb",
    "escaped": "a state of the HTML standard's tokenizer",
}
LOCAL_NAMES = {"word", "words", "longest_word"}  # of a text: right for variables, too vague for what others see
DECORATORS_OF_NOUNS = ("property", "fixture", "contextmanager")  # what they define is read as a noun

REPEATED_STEMS = {"__init__", "__main__", "routes"}
MAX_SMALL_LINES = 30
SMALL_MODULES = {
    "benchmark/mail_engine.py": "shared by the command and bench/",
    "clicks/url_normalization.py": "shared by policy, blocklist and pages",
    "dashboard/export_formats.py": "shared by pages, routes and templates",
    "dashboard/static_assets.py": "shared by every page",
    "dashboard/static_files.py": "one endpoint beside the pages",
    "dashboard/verdict_reasons.py": "shared by two pages",
    "db/aggregate_columns.py": "shared by all modules of aggregates",
    "db/erased_clicks_table.py": "the statements on a table of its own",
    "db/machines_table.py": "the statements on a table of its own",
    "db/migrations/env.py": "Alembic prescribes it",
    "db/migrations/versions/v0001_initial_schema.py": "Alembic wants a file for each revision",
    "db/schema/table_metadata.py": "what all modules of tables import, and none of them may own",
    "error_hints.py": "shared by commands, settings and exports, which import nothing else in common",
    "integrations/django/apps.py": "Django prescribes it",
    "integrations/django/urls.py": "Django users include it by this name",
    "integrations/ray.py": "a package that is imported where it is used only",
    "integrations/spark.py": "a package that is imported where it is used only",
    "mail/transport/transport_factory.py": "where a new transport is registered",
    "mail/message_ids.py": "shared by submission, bounces and links",
    "manual/generate.py": "a program of its own",
    "pagination.py": "types that db and every layer above it share",
    "mime/notes.py": "types that every module of mime imports",
    "privacy/row_json.py": "shared by export and search",
    "privacy/sealed_destinations.py": "shared by export and erasure",
    "server/instance_lock.py": "shared by both ways to serve",
    "terminal/text.py": "shared by all commands",
    "web/downloads.py": "shared by API and dashboard",
    "web/json_response.py": "shared by all JSON endpoints",
}


def words_of(name: str) -> list[str]:
    """The words of an identifier in lower case."""
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


STANDARD_PARTS = [f"_{'_'.join(words_of(name))}_" for name in STANDARD_NAMES]


def is_private(name: str) -> bool:
    """Whether a private word is part of the name, outside the standard names."""
    words = words_of(name)
    if not any(map(PRIVATE_WORDS.fullmatch, words)):
        return False
    joined = f"_{'_'.join(words)}_"
    for standard in STANDARD_PARTS:
        joined = joined.replace(standard, "_")
    return any(map(PRIVATE_WORDS.fullmatch, joined.split("_")))


def is_bare_participle(name: str) -> bool:
    """Whether a function is named by a participle alone."""
    words = words_of(name)
    return len(words) == 1 and words[0] not in STANDARD_FUNCTIONS and bool(PARTICIPLES.fullmatch(words[0]))


def source_files(suffix: str) -> Iterator[Path]:
    """Every source file but tests, whose names are sentences."""
    for folder in FOLDERS[suffix]:
        for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
            if "build" not in path.relative_to(ROOT).parts and not path.name.startswith("test_"):
                yield path


def definitions(tree: ast.AST, owner: str = "", *, in_function: bool = False) -> Iterator[tuple[str, ast.AST]]:
    """Functions, classes and constants with their qualified names; attributes wherever they are assigned."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield owner + node.name, node
            yield from definitions(node, f"{owner}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield owner + node.name, node
            yield from definitions(node, owner, in_function=True)
        else:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not in_function:
                yield owner + node.id, node
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                yield owner + node.attr, node
            yield from definitions(node, owner, in_function=in_function)


def cython_definitions(source: str) -> Iterator[str]:
    """Classes, functions and C attributes of a Cython module."""
    pattern = r"^\s*(?:cdef|cpdef|def|async def|class|cdef class|ctypedef)\b[^=\n(:]*?(\w+)\s*(?:[(:=,]|$)"
    return (match[1] for match in re.finditer(pattern, source, re.MULTILINE))


@pytest.fixture(scope="module")
def syntax_trees() -> dict[Path, ast.Module]:
    """Every source file as it is parsed, once for all tests."""
    return {path: ast.parse(path.read_text()) for path in source_files(".py")}


def test_no_name_holds_a_private_word(syntax_trees: dict[Path, ast.Module]) -> None:
    """Modules, classes, functions, methods, attributes and constants are named in the terms of the field."""
    result = []
    for path, tree in syntax_trees.items():
        names = [path.stem, *(name for name, _ in definitions(tree))]
        result += [f"{path.relative_to(ROOT)}: {name}" for name in names if is_private(name)]
    for path in source_files(".pyx"):
        names = [path.stem, *cython_definitions(path.read_text())]
        result += [f"{path.relative_to(ROOT)}: {name}" for name in names if is_private(name)]
    assert result == []


def local_names(tree: ast.Module) -> set[str]:
    """Names of parameters and of variables, wherever they are bound."""
    nodes = list(ast.walk(tree))
    parameters = {node.arg for node in nodes if isinstance(node, ast.arg)}
    return parameters | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def test_no_local_name_of_the_product_holds_a_private_word(syntax_trees: dict[Path, ast.Module]) -> None:
    """Variables and parameters in `src` are named in the terms of the field, too."""
    package = ROOT / "src" / "linkweir"
    result = {
        path.relative_to(package).as_posix(): names
        for path, tree in syntax_trees.items()
        if path.is_relative_to(package) and (names := sorted(filter(is_private, local_names(tree) - LOCAL_NAMES)))
    }
    assert result == {}


def test_no_function_is_a_bare_participle(syntax_trees: dict[Path, ast.Module]) -> None:
    """A function's name says what it does: a verb, or for properties and fixtures a noun."""
    result = []
    for path, tree in syntax_trees.items():
        for name, node in definitions(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_bare_participle(name.split(".")[-1]):
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                if not any(noun in decorators for noun in DECORATORS_OF_NOUNS):
                    result.append(f"{path.relative_to(ROOT)}: {name}")
    assert result == []


def test_stems_of_modules_are_unique() -> None:
    """A file name alone says which module is meant."""
    stems = Counter(path.stem for path in (ROOT / "src").rglob("*.py"))
    assert {stem for stem, count in stems.items() if count > 1} <= REPEATED_STEMS


def test_small_modules_have_a_reason() -> None:
    """A module is an idea, not a function that its only user could hold."""
    package = ROOT / "src" / "linkweir"
    small = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.stem not in REPEATED_STEMS and len(path.read_text().splitlines()) <= MAX_SMALL_LINES
    }
    assert small - SMALL_MODULES.keys() == set()


@pytest.mark.parametrize("name", ["ClickKeeper", "_ask", "is_told", "WORDS", "Plan.in_placed", "one_time_word"])
def test_private_words_are_recognized(name: str) -> None:
    """In whatever case, and beside names that are right."""
    assert is_private(name)


@pytest.mark.parametrize("name", ["RewriteConfig.in_place", "one_time", "uses_one_time_links", "placeholder", "none"])
def test_standard_names_are_accepted(name: str) -> None:
    """Terms that hold such a word, and longer words that begin with one."""
    assert not is_private(name)
