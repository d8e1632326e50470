"""What the README says is the same as on AWS: behind each claim stand the tests that show it here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from local.edge import edge
from local.environment import start, surroundings
from local.function_url import endpoint, request_rate

ROOT = Path(__file__).parent.parent
SECTION = (ROOT / "README.md").read_text().partition("### Same as AWS\n")[2].partition("\n### ")[0]

# Words of the section, and the tests of what they claim.
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
    "A subscription to telemetry": ["test_telemetry_is_refused_so_that_the_extension_lives_on"],
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


def test_every_claim_has_its_tests() -> None:
    """Each line of the list has words in the table above, each of which stands in the list: name what shows it."""
    lines = [line for line in SECTION.splitlines() if line.startswith("- ")]

    assert [line for line in lines if not any(words in line for words in CLAIMS)] == []
    assert [words for words in CLAIMS if words not in SECTION] == []


@pytest.fixture(scope="module")
def there() -> set[str]:
    """The names of all tests."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, functions)}


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
