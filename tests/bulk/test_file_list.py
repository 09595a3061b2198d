"""From paths to jobs."""

import inspect
import os
import sys
from pathlib import Path

import pytest

from linkweir.bulk.file_list import FileList, InvalidPlan, list_files_to_read, plan_rewrite


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    (root / "b" / "deep").mkdir(parents=True)
    for name in ("z.html", "A.HTM", "b/x.xhtml", "b/deep/y.html", "b/logo.png", "readme.txt"):
        (root / name).write_bytes(b"<p>")
    return root


def relative_pairs(listing: FileList, root: Path) -> list[tuple[str, str | None]]:
    def short(path: str | None) -> str | None:
        return None if path is None else os.path.relpath(path, root)

    return [(os.path.relpath(job.source, root), short(job.target)) for job in listing.jobs]


def test_a_folder_is_mirrored_into_the_output_itself(tree: Path, tmp_path: Path) -> None:
    """HTML files get the same relative names under the output, in byte order; others are counted."""
    listing = plan_rewrite([str(tree)], output=str(tmp_path / "out"))
    assert relative_pairs(listing, tmp_path) == [
        ("in/A.HTM", "out/A.HTM"),
        ("in/b/deep/y.html", "out/b/deep/y.html"),
        ("in/b/x.xhtml", "out/b/x.xhtml"),
        ("in/z.html", "out/z.html"),
    ]
    assert listing.skipped_files == 2
    assert listing.problems == []


def test_others_are_copied_on_request(tree: Path, tmp_path: Path) -> None:
    """With copy_others the other files become jobs that copy."""
    listing = plan_rewrite([str(tree)], output=str(tmp_path / "out"), copy_others=True)
    copied = [os.path.basename(job.source) for job in listing.jobs if job.copy_only]
    assert copied == ["logo.png", "readme.txt"]
    assert listing.skipped_files == 0


def test_several_paths_go_under_their_own_names(tree: Path, tmp_path: Path) -> None:
    """With several paths each goes into the output under its own last name."""
    listing = plan_rewrite([str(tree / "b"), str(tree / "z.html")], output=str(tmp_path / "out"))
    assert [target for _, target in relative_pairs(listing, tmp_path)] == [
        "out/b/deep/y.html",
        "out/b/x.xhtml",
        "out/z.html",
    ]


def test_a_file_becomes_the_output_or_goes_into_it(tree: Path, tmp_path: Path) -> None:
    """A single file is written to the output's name, or into it where that is a folder or ends in a slash."""
    source = str(tree / "z.html")
    (tmp_path / "folder").mkdir()
    for output, target in (("new.html", "new.html"), ("folder", "folder/z.html"), ("new/", "new/z.html")):
        listing = plan_rewrite([source], output=f"{tmp_path}/{output}")
        assert relative_pairs(listing, tmp_path) == [("in/z.html", target)]


@pytest.mark.parametrize("output", ["in", "in/out", "in/b/../out", "link/out"])
def test_an_output_inside_the_input_is_refused(tree: Path, tmp_path: Path, output: str) -> None:
    """An output folder that is the input folder or lies in it, by whatever name, is a InvalidPlan."""
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(InvalidPlan, match="inside the input folder"):
        plan_rewrite([str(tree)], output=str(tmp_path / output))


def test_an_input_is_never_a_target(tree: Path, tmp_path: Path) -> None:
    """A target that is one of the inputs, be it by a hard link, is a InvalidPlan."""
    source = tree / "z.html"
    os.link(source, tmp_path / "same.html")
    for output in (source, tmp_path / "same.html"):
        with pytest.raises(InvalidPlan, match="--in-place"):
            plan_rewrite([str(source)], output=str(output))
    (tmp_path / "z.html").symlink_to(source)
    with pytest.raises(InvalidPlan, match="--in-place"):
        plan_rewrite([str(tree)], output=str(tmp_path))


def test_two_inputs_never_share_a_target(tree: Path, tmp_path: Path) -> None:
    """Two inputs that would become one file are a InvalidPlan that names both."""
    (tmp_path / "z.html").write_bytes(b"")
    with pytest.raises(InvalidPlan, match=r"in/z\.html and .*z\.html would both become"):
        plan_rewrite([str(tree / "z.html"), str(tmp_path / "z.html")], output=str(tmp_path / "out"))


def test_several_files_need_an_output_folder(tree: Path) -> None:
    """A folder, or two files, without output, in-place or dry run are a InvalidPlan."""
    for paths in ([str(tree)], [str(tree / "z.html"), str(tree / "A.HTM")]):
        with pytest.raises(InvalidPlan, match="--output"):
            plan_rewrite(paths)
        assert plan_rewrite(paths, dry_run=True).jobs


def test_a_symbolic_link_loop_ends(tree: Path) -> None:
    """Links to folders are counted, not entered; followed, a loop is a problem, each file found once."""
    (tree / "b" / "up").symlink_to(tree)
    listing = list_files_to_read([str(tree)])
    assert (len(listing.jobs), listing.skipped_folder_links, listing.problems) == (4, 1, [])
    listing = list_files_to_read([str(tree)], follow=True)
    assert len(listing.jobs) == 4
    assert [(path, "loop" in why) for path, why in listing.problems] == [(str(tree / "b" / "up"), True)]


def test_a_link_to_nothing_is_a_problem(tree: Path) -> None:
    """A dangling link and a link to itself are problems with a reason, and the other files are found."""
    (tree / "gone.html").symlink_to("nowhere")
    (tree / "self.html").symlink_to("self.html")
    listing = list_files_to_read([str(tree), str(tree / "missing.html")])
    assert len(listing.jobs) == 4
    assert [os.path.basename(path) for path, _ in listing.problems] == [
        "gone.html",
        "self.html",
        "missing.html",
    ]
    assert all(why for _, why in listing.problems)


def test_inplace_processes_each_real_file_once(tree: Path) -> None:
    """In place, a file that is met again through a symbolic link or named twice is one job."""
    (tree / "zz.html").symlink_to("z.html")
    listing = plan_rewrite([str(tree), str(tree / "z.html")], in_place=True, follow=True)
    assert sorted(os.path.basename(job.source) for job in listing.jobs) == [
        "A.HTM",
        "x.xhtml",
        "y.html",
        "z.html",
    ]


def test_leftover_temporary_files_are_no_inputs(tree: Path, tmp_path: Path) -> None:
    """A temporary file that a killed run left behind is neither rewritten nor copied."""
    (tree / ".linkweir-0123456789abcdef.tmp").write_bytes(b"half")
    listing = plan_rewrite([str(tree)], output=str(tmp_path / "out"), copy_others=True)
    assert not [job for job in listing.jobs if "linkweir-" in os.path.basename(job.source)]


def test_a_tree_deeper_than_python_recurses_is_walked(tmp_path: Path) -> None:
    """A file 300 folders down is found by a Python that may not recurse 200 levels more."""
    folder = tmp_path.joinpath(*["d"] * 300)
    folder.mkdir(parents=True)
    (folder / "x.html").write_bytes(b"")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        assert len(list_files_to_read([str(tmp_path / "d")]).jobs) == 1
    finally:
        sys.setrecursionlimit(limit)


def test_standard_input_is_combined_with_no_file(tree: Path) -> None:
    """Standard input together with a file, or in place, is a InvalidPlan."""
    for paths, in_place in ((["-", str(tree / "z.html")], False), (["-"], True)):
        with pytest.raises(InvalidPlan, match="standard input"):
            plan_rewrite(paths, output="out", in_place=in_place)


def test_a_pipe_in_a_folder_is_not_read(tree: Path) -> None:
    """A pipe named like HTML is a problem where it is met in a folder, and a job where it is named itself."""
    os.mkfifo(tree / "b" / "pipe.html")
    listing = list_files_to_read([str(tree)])
    assert len(listing.jobs) == 4
    assert listing.problems == [(str(tree / "b" / "pipe.html"), "not a regular file")]
    assert len(list_files_to_read([str(tree / "b" / "pipe.html")]).jobs) == 1


@pytest.mark.parametrize("exists", [True, False])
def test_links_to_one_file_are_one_target(tree: Path, tmp_path: Path, exists: bool) -> None:
    """Two outputs that are symbolic links to one file, be it there yet or not, are refused."""
    out = tmp_path / "out"
    out.mkdir()
    if exists:
        (tmp_path / "one").touch()
    for name in ("z.html", "A.HTM"):
        (out / name).symlink_to(tmp_path / "one")
    with pytest.raises(InvalidPlan, match="would both become"):
        plan_rewrite([str(tree)], output=str(out))
