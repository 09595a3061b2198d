"""Tests of bench.path_trace."""

from pathlib import Path

from bench.path_trace import SOURCE, trace_rewrite, trace_service


def test_a_rewritten_file_is_traced(tmp_path: Path) -> None:
    """The trace of a file has what reads, rewrites and writes it, and nothing of the service or of the parser."""
    trace = trace_rewrite(SOURCE, tmp_path)
    assert {
        ("cli/rewrite_command.py", "run"),
        ("html/rewriter.py", "Rewriter.feed"),
        ("atomic_file.py", "AtomicFile.write"),
    } <= trace.functions
    assert not [file for file in trace.files if file.startswith(("db/", "web/"))]
    assert ("cli/shared_options.py", "add_command") not in trace.functions
    assert (("cli/entry_point.py", "_run"), ("cli/rewrite_command.py", "run")) in trace.jumps
    assert all(caller[0] != callee[0] for caller, callee in trace.jumps)


def test_a_message_and_a_click_are_traced_apart(tmp_path: Path) -> None:
    """The message's trace leads from the API to the relay, the click's from the redirect to the dashboard."""
    send, click = trace_service(SOURCE, tmp_path)
    assert {
        ("api/v2/send_endpoints.py", "send_message"),
        ("mail/submission.py", "Submitter.submit"),
        ("mail/transport/smtp_relay.py", "SmtpRelay.deliver"),
    } <= send.functions
    assert {
        ("web/redirect.py", "RedirectEndpoint.begin"),
        ("clicks/ingest/pipeline.py", "ingest_events"),
        ("dashboard/overview_page.py", "show_overview"),
    } <= click.functions
    assert ("mail/submission.py", "Submitter.submit") not in click.functions
    assert ("dashboard/overview_page.py", "show_overview") not in send.functions
