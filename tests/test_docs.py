"""What the README says is there: commands, options, variables, files, parameters, stories."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.commands import parser
from local.cost import DOLLARS_PER_GB_SECOND, DOLLARS_PER_REQUEST, DOLLARS_PER_STREAMED_GB
from local.cost_page import cost_page
from local.edge import edge
from local.environment import start, surroundings
from local.function_url import endpoint, request_rate
from tests.deploy.transform import parsed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


SAME = README.partition("### Same as AWS\n")[2].partition("\n### ")[0]
NEIGHBOURS = README.partition("## Beside its neighbours\n")[2].partition("\n## ")[0]

# Words of "Same as AWS", and the tests of what they claim.
CLAIMS = {
    "runs from its own folder": ["test_a_worker_sees_these_variables_and_works_in_the_functions_folder"],
    "its own bootstrap": ["test_what_cannot_be_started_is_an_invalid_entrypoint"],
    "with Lambda's environment variables": [
        "test_a_managed_runtime_has_the_reserved_variables_and_the_defaults_and_no_others"
    ],
    "warm reuse": ["test_an_idle_environment_is_used_again"],
    "a new process for each concurrent request": ["test_invocations_at_the_same_time_are_processes_of_their_own"],
    "429 past the reserved concurrency": ["test_past_the_reserved_concurrency_of_a_real_function_is_a_429"],
    "filter the log": ["test_a_system_log_level_of_warn_leaves_only_what_went_wrong"],
    "ten requests a second": ["test_ten_requests_a_second_for_each_reserved_environment"],
    "metadata endpoint": ["test_a_function_learns_its_availability_zone_as_powertools_asks_for_it"],
    "states, status codes and error bodies": [
        "test_refused_alike",
        "test_any_illegal_request_is_a_4xx_and_harms_no_other_environment",
    ],
    "error trailers": ["test_error_trailers_cut_the_reply_and_are_accepted"],
    "410 for a late reply": ["test_a_reply_to_an_earlier_invocation_with_the_same_request_id_is_late"],
    "AWS's own clients for Python and Node": [
        "test_awss_own_runtime_client_sends_the_same_documents",
        "test_a_chunk_reaches_the_viewer_while_the_function_waits",
    ],
    "Chunks pass through as they come": ["test_each_event_is_a_chunk_of_its_own"],
    "backpressure down to the generator": ["test_a_slow_caller_stops_the_worker_and_a_quick_one_lets_it_go_on"],
    "one bounded buffer": ["test_a_viewer_who_does_not_read_fills_the_one_buffer_and_no_other"],
    "A viewer who leaves does not stop the function": ["test_viewer_who_leaves_does_not_stop_the_function"],
    "gives a silent origin up": ["test_an_origin_that_stays_silent_is_given_up"],
    "asks a function URL again": [
        "test_a_silent_origin_is_asked_again",
        "test_an_edge_that_asks_again_pays_for_two_invocations",
    ],
    "an environment is frozen, threads and all": ["test_a_background_thread_stands_still_too"],
    "expires after five minutes": ["test_an_idle_environment_expires"],
    "an old one after four hours": ["test_an_old_environment_is_given_up_after_its_invocation"],
    "Timeouts kill the process": ["test_the_timeout_ends_the_invocation_before_and_after_the_first_byte"],
    "the init phase at 10 s": ["test_an_init_phase_has_a_limit_and_its_retry_the_functions_timeout"],
    "it keeps its temporary folder": ["test_an_environment_is_reset_and_keeps_its_temporary_folder"],
    "a suppressed init": ["test_a_suppressed_init_counts_towards_the_timeout"],
    "tried again like that": ["test_an_init_phase_that_exits_is_tried_again_by_the_invocation"],
    "They hear of invocations": ["test_an_extension_hears_of_every_invocation_and_of_the_end"],
    "internal ones": ["test_an_internal_extension_is_part_of_the_runtime"],
    "all of them ask for the next": ["test_an_invocation_is_over_when_its_extensions_ask_for_the_next"],
    "the runtime gets SIGTERM": ["test_a_runtime_beside_an_extension_is_asked_to_end_first"],
    "an aborted body for the viewer": [
        "test_a_server_streams_cuts_and_stops",
        "test_an_error_in_the_middle_cuts_the_body",
        "test_the_timeout_of_a_real_function_is_a_502_before_its_first_byte_and_a_cut_after_it",
    ],
    "The page is put into the bucket": ["test_every_file_of_the_page"],
    "by the template's path patterns": ["test_first_behavior_that_matches_decides"],
    "`CustomErrorResponses`": ["test_the_page_comes_with_the_status_that_is_wanted"],
    "replaces the `Host` header": ["test_the_edge_tells_a_function_its_own_domain_and_no_other"],
    "grants both permissions": [
        "test_a_distribution_without_permission_is_forbidden",
        "test_public_url_needs_both_permissions",
    ],
    "1 MB of head": ["test_a_mebibyte_of_headers_is_refused", "test_headers_may_be_as_large_as_a_function_url_takes"],
    "6 MB of body": ["test_a_request_of_six_megabytes_is_taken_and_no_more"],
    "32 KB of head": ["test_the_edge_takes_no_more_than_cloudfront"],
    "8 KB of URL": ["test_a_target_may_be_as_long_as_cloudfront_takes"],
    "could be read in two ways": ["test_what_can_be_read_in_two_ways_is_refused"],
    "never becomes more than one response": ["test_a_header_that_would_be_two_is_a_502"],
    "verify SigV4 signatures": ["test_function_url_takes_requests_signed_by_botocore"],
    "refuse unsigned requests": ["test_function_url_refuses_unsigned_requests"],
    "answer CORS preflights": ["test_a_preflight_is_answered_without_the_function"],
}

# Rows of the comparison with other tools, and the test of our own "yes".
YES = {
    "A function URL on this machine": "test_a_target_reaches_the_function_as_it_came",
    "`RESPONSE_STREAM` honoured": "test_a_streamed_reply_is_what_its_prelude_says_and_every_chunk_as_it_comes",
    "Chunks reach the viewer as they are made": "test_each_event_is_a_chunk_of_its_own",
    "`InvokeWithResponseStream`, incremental": "test_first_chunk_arrives_while_the_function_still_runs",
    "The URL's `Cors` applied": "test_a_preflight_is_answered_without_the_function",
    "`AWS_IAM`: signatures verified": "test_function_url_takes_requests_signed_by_botocore",
    "A missing permission refused": "test_a_distribution_without_permission_is_forbidden",
    "Timeout enforced": "test_the_timeout_of_a_real_function_is_a_502_before_its_first_byte_and_a_cut_after_it",
    "Memory limit enforced": "test_a_worker_that_takes_too_much_memory_is_killed",
    "Reserved concurrency, 429": "test_past_the_reserved_concurrency_of_a_real_function_is_a_429",
    "Frozen between invocations": "test_a_background_thread_stands_still_too",
    "Changed code without a restart": "test_changed_code_runs_with_the_next_request",
    "Without Docker": "test_no_process_outlives_the_emulator",
    "Reads a SAM template": "test_own_template",
    "Layers": "test_a_later_layer_lies_over_an_earlier_one",
    "A real Runtime API over HTTP": "test_refused_alike",
    "Extensions API": "test_an_extension_hears_of_every_invocation_and_of_the_end",
    "A page from S3": "test_every_file_of_the_page",
    "CloudFront in front, streaming": "test_words_arrive_while_the_function_still_runs",
    "START, END and REPORT lines": "test_an_invocation_is_logged_as_lambda_logs_it",
    "X-Ray trace header": "test_a_trace_goes_on_or_begins_here",
    "A library for tests": "test_events_arrive_one_by_one",
}


@pytest.fixture(scope="module")
def there() -> set[str]:
    """The names of all tests."""
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    return {name for source in sources for name in re.findall(r"def (test_\w+)", source)}


def options(*commands: str) -> set[str]:
    """The long options that `python -m local` with *commands* really has."""
    result = subprocess.run(
        [sys.executable, "-m", "local", *commands, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"--[a-z-]+", result.stdout)) - {"--help"}


def test_every_option_is_told_and_every_told_option_is_there() -> None:
    """For the emulator and for each of its commands, in the usage lines."""
    usage = re.findall(r"^python -m local ?([a-z]*)(.*)$", README, re.MULTILINE)

    assert [command for command, _ in usage] == ["", "invoke", "lint", "cost"]
    for command, told in usage:
        assert set(re.findall(r"--[a-z-]+", told)) == options(*command.split())


def test_defaults_are_as_told() -> None:
    """Ports and template."""
    defaults = parser().parse_args([])

    assert f"--port {defaults.port}]" in README
    assert f"--aws-port {defaults.aws_port}]" in README
    assert f"--template {defaults.template}]" in README


def test_every_make_target_is_told_and_every_told_target_is_there() -> None:
    """Those with a line in the menu; `help` and `install-dev` are means to others."""
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", MAKEFILE, re.MULTILINE))

    assert set(re.findall(r"make ([a-z0-9-]+)", README)) == targets - {"help", "install-dev"}


def test_every_told_file_is_there() -> None:
    """Links, and paths in code spans that have a slash."""
    told = set(re.findall(r"\]\((?!http|#)([^)]+)\)", README))
    told |= {path for path in re.findall(r"`([a-z_.]+/[A-Za-z0-9_./-]+)`", README) if not path.startswith(".venv")}
    elsewhere = {".aws-sam/build/template.yaml", "words/words.py"}  # what is built, and what the reader writes

    assert told
    assert [path for path in sorted(told - elsewhere) if not (ROOT / path).exists() and path != "application/"] == [
        path for path in ("application/octet-stream", "application/problem+json") if path in told
    ]


def test_every_link_within_leads_to_a_heading() -> None:
    """Named as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", README, flags=re.DOTALL), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]+)\)", README)) - anchors == set()


def test_the_list_of_files_is_complete() -> None:
    """Every room of local/ and every folder of tests/ stands in the tree."""
    tree = README.partition("template.yaml              ")[2].partition("```")[0]
    rooms = {path.stem for path in (ROOT / "local").iterdir() if not path.name.startswith(("_", "py."))}

    assert {room for room in rooms if not re.search(rf"\b{room}\b", tree)} == set()
    assert {
        folder.name
        for folder in (ROOT / "tests").iterdir()
        if folder.is_dir() and not folder.name.startswith("_") and f"{folder.name}/" not in tree
    } == set()


def test_every_story_is_told() -> None:
    """The values of `story`."""
    slugs = {path.stem for path in (ROOT / "functions/layers/stories/python/stories/texts").glob("*.txt")}
    told = README.partition("takes `story` (")[2].partition(")")[0]

    assert set(re.findall(r"`(\w+)`", told)) == slugs


@pytest.mark.parametrize("name", ["SiteUrl", "StoryConcurrency", "WebOrigin", "AWS_LAMBDA_EXEC_WRAPPER"])
def test_template_has_what_is_told(name: str) -> None:
    """Parameters, outputs and variables that the README names."""
    assert name in README
    assert re.search(rf"\b{name}:", (ROOT / "template.yaml").read_text())


def test_what_it_costs_is_what_the_model_reckons() -> None:
    """The tables as `python -m local cost` prints them, and the prices that they are made of."""
    assert cost_page() in README
    for price in (*DOLLARS_PER_GB_SECOND.values(), DOLLARS_PER_STREAMED_GB):
        assert f"${price:.10f}".rstrip("0") in README
    assert f"${DOLLARS_PER_REQUEST * 1_000_000:.2f} a million requests" in README


def test_every_parameter_of_the_template_is_told() -> None:
    """In the table of the section on deploying."""
    declared = parsed()["Parameters"].keys()
    rows = re.findall(r"^\| (`.*?) \|", README.partition("| parameter |")[2].partition("\n\n")[0], re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == declared


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "TMPDIR", "LAMBDA_TASK_ROOT"])
def test_variables_that_functions_get(name: str) -> None:
    """The environment sets what the README promises."""
    assert f"`{name}`" in README
    assert f'"{name}"' in (ROOT / "local/environment/variables.py").read_text()


def test_every_yes_of_the_comparison_has_its_test(there: set[str]) -> None:
    """None may be renamed away."""
    rows = re.findall(r"^\| (.+?) \| yes \|", NEIGHBOURS, re.MULTILINE)

    assert rows == list(YES)
    assert set(YES.values()) - there == set()


def test_every_claim_has_its_tests() -> None:
    """Each line of the list has words in the table above, each of which stands in the list: name what shows it."""
    lines = [line for line in SAME.splitlines() if line.startswith("- ")]

    assert [line for line in lines if not any(words in line for words in CLAIMS)] == []
    assert [words for words in CLAIMS if words not in SAME] == []


@pytest.mark.parametrize("words", CLAIMS)
def test_every_test_of_a_claim_is_there(there: set[str], words: str) -> None:
    """None may be renamed away."""
    assert set(CLAIMS[words]) - there == set()


def test_the_numbers_are_those_of_the_code() -> None:
    """The tests above shorten the long ones."""
    assert (surroundings.IDLE_SECONDS, surroundings.LIFETIME_SECONDS) == (5 * 60, 4 * 60 * 60)
    assert start.INIT_LIMIT_SECONDS == 10
    assert request_rate.REQUESTS_PER_ENVIRONMENT == 10
    assert (endpoint.MAX_HEAD_BYTES, endpoint.MAX_REQUEST_BYTES) == (2**20, 6 * 2**20)
    assert (edge.MAX_HEAD_BYTES, edge.MAX_URL_BYTES) == (32 * 2**10, 8 * 2**10)


def test_changelog_has_an_unreleased_part() -> None:
    """Every landing adds a line to it."""
    text = (ROOT / "CHANGELOG.md").read_text()

    assert re.search(r"## Unreleased\n\n(?:#{3,4} .+\n\n)+- ", text)
