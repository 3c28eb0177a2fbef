"""What can go wrong, by number: what is right then, the experiments that show it, and what one of them must notice.

A mutant is the code with one thing spoiled: `python tests/mutants.py` plants each, and its test must fail.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A file, what of it is replaced by what, and the test that must fail then."""

    file: str
    old: str
    new: str
    test: str


class Row(NamedTuple):
    """A fault and what is right then; the tests that show it, `folder/file::test`; the mutant; what is still open."""

    fault: str
    right: str
    tests: tuple[str, ...]
    mutant: Mutant | None = None
    open: str = ""


STORED = "flows/storage/forecasts.py"
BUCKET = "flows/storage/bucket.py"
WATCHDOG = "flows/notebook/watchdog.py"
ROWS = {
    1: Row(
        "kill -9 of the flow during publish", "a reader sees the old or the new set",
        ("storage/test_bucket::test_a_publisher_killed_at_any_request_leaves_the_old_or_the_new_set",
         "storage/test_bucket::test_what_a_killed_run_left_half_done_is_finished",
         "test_soak::test_after_every_fault_the_seven_invariants_hold"),
        Mutant(STORED, "    digest = digest_of(files)\n",
               "    digest = digest_of(files)\n    pointer = {'market': market, 'as_of': str(as_of), 'digest': digest, "
               "'manifest': layout.manifest(layout.forecast_set(market, as_of, digest)), 'manifest_sha256': ''}\n"
               "    _point(bucket, market, pointer)\n",
               "storage/test_bucket::test_a_publisher_killed_at_any_request_leaves_the_old_or_the_new_set"),
    ),
    2: Row(
        "a kernel killed in each cell", "failed, that cell named, later cells not run",
        ("notebook/test_execute::test_whatever_ends_a_run_the_record_says_so",
         "notebook/test_dying::test_a_death_is_told_alike_everywhere",
         "notebook/test_dying::test_a_kernel_killed_in_each_cell",
         "notebook/test_dying::test_trusting_papermill_would_be_noticed"),
        Mutant("flows/record/banner.py", 'return "failed" if index == progress.running else "not run"',
               'return "failed" if index == progress.running else "succeeded"',
               "notebook/test_execute::test_whatever_ends_a_run_the_record_says_so"),
    ),
    3: Row(
        "memory limit", "the kernel dies, not the machine",
        ("notebook/test_execute::test_a_kernel_that_takes_too_much_memory_is_stopped_and_nobody_else_is",),
        Mutant(WATCHDOG, "limit_memory(process.pid, self.memory)", "pass",
               "notebook/test_execute::test_a_kernel_that_takes_too_much_memory_is_stopped_and_nobody_else_is"),
    ),
    4: Row(
        "a cell that never returns, holding the GIL or not", "ended at its time limit",
        ("notebook/test_execute::test_a_notebook_has_a_time_limit_too",
         "notebook/test_execute::test_a_kernel_dies_with_a_killed_parent"),
        Mutant(WATCHDOG, "if time.monotonic() > self.deadline:", "if False:",
               "notebook/test_execute::test_a_notebook_has_a_time_limit_too"),
    ),
    5: Row(
        "grandchildren", "none left",
        ("notebook/test_execute::test_no_descendant_of_a_kernel_outlives_its_run",
         "notebook/test_execute::test_a_grandchild_dies_with_a_killed_parent"),
        Mutant(WATCHDOG, "for round in 1 2 3; do", "for round in; do",
               "notebook/test_execute::test_no_descendant_of_a_kernel_outlives_its_run"),
    ),
    6: Row(
        "SIGTERM, SIGINT, SIGKILL of the flow", "a readable record; after SIGKILL the next start writes it",
        ("cli/test_cli::test_a_run_that_is_told_to_stop_is_on_record_at_once",
         "notebook/test_dying::test_a_flow_that_was_killed_is_on_record_after_the_next_start",
         "notebook/test_dying::test_a_flow_killed_at_any_instant",
         "record/test_process::test_another_process_with_its_number_is_not_it"),
        Mutant("flows/record/process.py", "return now == self.born and", "return True or",
               "record/test_process::test_another_process_with_its_number_is_not_it"),
    ),
    7: Row(
        "kill while a large notebook is saved", "never a torn notebook",
        ("notebook/test_dying::test_a_kill_while_a_large_notebook_is_saved_leaves_a_whole_one",
         "notebook/test_dying::test_thirty_kills_while_a_large_notebook_is_saved"),
        Mutant("flows/notebook/execute.py", "replace(Path(path.removeprefix(SCHEME)), text, durable=False)",
               "Path(path.removeprefix(SCHEME)).write_text(text)",
               "notebook/test_dying::test_a_kill_while_a_large_notebook_is_saved_leaves_a_whole_one"),
    ),
    8: Row(
        "a kernel does not start; twelve start at once", "one retry, then a clear error",
        ("notebook/test_execute::test_a_kernel_that_does_not_start_is_tried_twice_and_told",
         "notebook/test_dying::test_a_hundred_starts_twelve_at_once"),
        Mutant("flows/notebook/ending.py", "return isinstance(error, RuntimeError) and not progress.seconds",
               "return False and not progress.seconds",
               "notebook/test_execute::test_a_kernel_that_does_not_start_is_tried_twice_and_told"),
    ),
    9: Row(
        "worker killed, then flow killed", "not Running for ever; run once more",
        ("orchestration/test_schedule::test_a_run_that_died_with_its_worker_is_ended_and_run_once_more",
         "orchestration/test_outage::test_worker_and_flow_are_killed"),
        Mutant("flows/orchestration/reaper.py", "return not psutil.pid_exists(int(run.infrastructure_pid))",
               "return False",
               "orchestration/test_schedule::test_a_run_that_died_with_its_worker_is_ended_and_run_once_more"),
    ),
    10: Row(
        "Prefect gone for 60 s during a run", "the work finishes, the state is recorded, one publish",
        ("orchestration/test_outage::test_the_prefect_server_is_gone_for_a_minute_during_a_run",),
        open="no mutant: its one experiment takes minutes",
    ),
    11: Row(
        "seven scheduled days missed", "the newest runs once; the missed ones are listed",
        ("orchestration/test_schedule::test_of_seven_missed_days_the_newest_runs_once_and_the_others_are_told_once",),
        Mutant("flows/orchestration/schedule.py", "    if not newer:\n        return None",
               "    if newer or not newer:\n        return None",
               "orchestration/test_schedule::"
               "test_of_seven_missed_days_the_newest_runs_once_and_the_others_are_told_once"),
    ),
    12: Row(
        "the same day started four times at once", "one publishes, the others say so",
        ("storage/test_bucket::test_four_at_once_publish_one_set_and_move_the_pointer_once",
         "orchestration/test_outage::test_the_same_day_is_started_four_times_at_once"),
        Mutant(BUCKET, "if_generation_match=replaces or 0", "if_generation_match=None",
               "storage/test_bucket::test_four_at_once_publish_one_set_and_move_the_pointer_once"),
    ),
    13: Row(
        "four trainers promote at once", "the gate's winner stays",
        ("champion/test_ledger::test_of_two_that_beat_the_same_champion_the_better_stays",
         "champion/test_ledger::test_of_four_trainers_at_once_the_gates_winner_stays",
         "champion/test_ledger::test_forty_races_of_four_trainers"),
        Mutant("flows/champion/ledger.py", "return bool(ours", "return bool(True or ours",
               "champion/test_ledger::test_of_two_that_beat_the_same_champion_the_better_stays"),
    ),
    14: Row(
        "kill between upload, register, alias", "nothing half-registered",
        ("champion/test_ledger::test_a_kill_between_any_two_steps_leaves_one_champion",),
        Mutant("flows/champion/ledger.py", "        registry.point(market, last.champions[-1].version)\n",
               "        return last\n",
               "champion/test_ledger::test_a_kill_between_any_two_steps_leaves_one_champion"),
    ),
    15: Row(
        "MLflow away for 60 s, and for good", "a bounded wait, MLflow named, the record spooled",
        ("notebook/test_dying::test_mlflow_stopped_during_a_run",
         "notebook/test_dying::test_a_record_that_mlflow_does_not_take_waits_and_is_named",
         "record/test_mlflow_runs::test_a_reply_that_was_cut_midway_is_asked_for_again",
         "record/test_mlflow_runs::test_a_record_waits_for_mlflow_and_is_delivered_once"),
        Mutant("flows/record/mlflow_runs.py", '    replace(folder / "delivered", run)\n    return run',
               "    return run", "record/test_mlflow_runs::test_a_record_waits_for_mlflow_and_is_delivered_once"),
    ),
    16: Row(
        "artifact upload cut midway", "no version without artifacts becomes champion",
        ("notebook/test_dying::test_an_upload_that_is_cut_leaves_no_half_record_and_no_champion",
         "record/test_mlflow_runs::test_a_model_without_artifacts_cannot_be_laid_down"),
        Mutant("flows/champion/registry.py", 'if digest == registered.tags.get("sha256"):', "if True:",
               "record/test_mlflow_runs::test_a_model_without_artifacts_cannot_be_laid_down"),
    ),
    17: Row(
        "sqlite locked 10 s, 120 s", "waits; a clear error",
        ("notebook/test_dying::test_a_locked_database_is_waited_for_or_named",),
        open="no mutant: the waiting is MLflow's own",
    ),
    18: Row(
        "bucket answers 408, 429, 503, resets, stalls", "retried, finished, bytes equal",
        ("storage/test_bucket::test_a_passing_fault_of_any_request_is_retried",),
        Mutant(BUCKET, "repeat(partial(call, retry=None, timeout=_deadline() / 3))",
               "partial(call, retry=None, timeout=_deadline() / 3)",
               "storage/test_bucket::test_a_passing_fault_of_any_request_is_retried"),
    ),
    19: Row(
        "bucket commits, the reply is lost", "recognised as our own success",
        ("storage/test_bucket::test_a_lost_reply_is_our_own_success",
         "storage/test_bucket::test_every_reply_to_a_write_may_be_lost"),
        Mutant(BUCKET, 'return _is_ours(bucket, name, blob.metadata["writer"])', "return False",
               "storage/test_bucket::test_a_lost_reply_is_our_own_success"),
    ),
    20: Row(
        "someone else moved the pointer", "conflict said, the newer stays",
        ("storage/test_bucket::test_another_forecast_of_the_day_that_comes_between_stays_and_is_a_conflict",
         "storage/test_bucket::test_a_newer_day_that_comes_between_stays"),
        Mutant(STORED, 'if lost and current.get("as_of") == ours["as_of"]:', "if False:",
               "storage/test_bucket::test_another_forecast_of_the_day_that_comes_between_stays_and_is_a_conflict"),
    ),
    21: Row(
        "a stored byte flips", "the reader refuses and names the object",
        ("storage/test_bucket::test_a_flipped_byte_in_any_object_is_refused_and_named",
         "storage/test_bucket::test_a_replaced_object_with_a_right_checksum_is_refused_too"),
        Mutant(STORED, "    if sha256(content) != digest:\n", "    if False:\n",
               "storage/test_bucket::test_a_replaced_object_with_a_right_checksum_is_refused_too"),
    ),
    22: Row(
        "401, 403, no such bucket", "no retry storm, the permission named",
        ("storage/test_bucket::test_a_refused_write_names_the_permission_and_is_not_repeated",
         "storage/test_bucket::test_a_refused_read_names_the_permission_and_is_not_repeated",
         "storage/test_bucket::test_a_bucket_that_is_not_there_is_named"),
        Mutant(BUCKET, "except (Unauthorized, Forbidden, GoogleAuthError)", "except (GoogleAuthError)",
               "storage/test_bucket::test_a_refused_write_names_the_permission_and_is_not_repeated"),
    ),
    23: Row(
        "a source in every way that servers fail", "one clear error, nothing published, time and memory capped",
        ("sources/test_download::test_only_what_may_pass_is_tried_again",
         "sources/test_download::test_a_trickle_ends_at_the_limit",
         "sources/test_download::test_too_large_a_body_ends_at_the_limit",
         "sources/test_download::test_a_redirect_to_another_host_is_not_followed",
         "sources/test_download::test_a_redirect_to_where_nothing_is_fetched_from_is_not_advised",
         "sources/test_download::test_a_cut_transfer_is_tried_again_and_refused",
         "sources/test_download::test_a_bomb_is_not_unpacked",
         "sources/test_download::test_memory_stays_small"),
        Mutant("flows/sources/download.py", "            if file.tell() > limits.size:\n", "            if False:\n",
               "sources/test_download::test_too_large_a_body_ends_at_the_limit"),
    ),
    24: Row(
        "the source changes while it is read", "one snapshot, cited by train and predict alike",
        ("cli/test_cli::test_a_run_trains_and_predicts_on_one_snapshot",),
        Mutant("flows/sources/reading.py", "    if data.source not in held.files:\n", "    if True:\n",
               "cli/test_cli::test_a_run_trains_and_predicts_on_one_snapshot"),
    ),
    25: Row(
        "the same file for ten days", "said to be stale, warned once, never relabelled",
        ("orchestration/test_schedule::test_the_same_file_day_after_day_is_said_to_be_stale_once_and_never_relabelled",
         "operations/test_status::test_a_source_that_stopped_and_an_open_cause_are_wrong"),
        Mutant("footfall/opening.py", "max(data.stale_after, data.lag)", "10**9",
               "operations/test_status::test_a_source_that_stopped_and_an_open_cause_are_wrong"),
    ),
    26: Row(
        "DST, leap day, year end, odd TZ and locale, a clock that is set", "same bytes, one run a date",
        ("test_settings::test_a_day_begins_in_lisbon_whatever_the_machines_zone",
         "record/test_process::test_a_run_goes_on_when_the_clock_is_set",
         "local/test_worker::test_the_schedules_keep_clear_of_the_clock_change",
         "local/test_environment::test_the_same_forecast_is_made_in_every_zone_and_language",
         "local/test_environment::test_a_clock_that_is_set_back_an_hour_in_a_run_breaks_nothing",
         "record/test_process::test_a_run_that_ends_before_it_began_by_the_clock_took_no_time",
         "sources/test_table::test_a_day_has_as_many_hours_as_clocks_show"),
        Mutant("flows/settings.py", ".astimezone(ZoneInfo(zone)).date()", ".astimezone().date()",
               "test_settings::test_a_day_begins_in_lisbon_whatever_the_machines_zone"),
    ),
    27: Row(
        "disk full; folder read-only", "clear error, last good set intact, recovers",
        ("record/test_full_disk::test_a_full_disk_leaves_what_was_there_and_is_said",
         "sources/test_download::test_a_folder_that_cannot_be_written_is_named",
         "cli/test_cli::test_a_home_that_cannot_be_made_is_told_in_plain_words"),
        Mutant("flows/record/files.py", "    part.write_text(", "    part = path\n    part.write_text(",
               "record/test_full_disk::test_a_full_disk_leaves_what_was_there_and_is_said"),
    ),
    28: Row(
        "forecast NaN, infinite, constant, crossed, absurd", "the check stops it, reason named",
        ("test_forecast::test_a_broken_rule_is_named_with_its_place_and_what_was_seen",
         "test_forecast::test_a_forecast_whose_parts_are_unknown_is_stopped"),
        Mutant("footfall/forecast.py", "~np.isfinite(numbers)", "np.isnan(numbers)",
               "test_forecast::test_a_broken_rule_is_named_with_its_place_and_what_was_seen"),
    ),
    29: Row(
        "champion missing, unloadable, tampered", "the last set stays; how to roll back is said",
        ("record/test_mlflow_runs::test_a_tampered_model_is_refused",
         "champion/test_ledger::test_a_model_that_was_changed_in_mlflow_with_its_tag_is_used_nowhere",
         "champion/test_ledger::test_nobody_goes_back_to_a_model_that_is_not_whole",
         "operations/test_audit::test_what_somebody_put_into_mlflow_with_a_record_that_fits_is_not_run",
         "champion/test_ledger::test_a_champion_that_is_no_longer_registered_can_be_rolled_back"),
        Mutant("flows/champion/ledger.py", "    if due and digest != due:\n", "    if False:\n",
               "champion/test_ledger::test_a_model_that_was_changed_in_mlflow_with_its_tag_is_used_nowhere"),
    ),
    30: Row(
        "300 days and 10 months, accelerated", "no growth",
        ("test_three_hundred_days::test_days_by_the_hundred_in_one_process_grow_nothing_but_what_is_kept",
         "test_soak::test_after_every_fault_the_seven_invariants_hold",
         "test_load::test_a_long_past_costs_no_request"),
        open="long: no mutant",
    ),
    31: Row(
        "a shard's worker is killed", "every series once in the table and on record; of a dead shard the naive speaks",
        ("evaluation/test_workers::test_a_worker_that_dies_once_costs_no_series_anything",
         "evaluation/test_workers::test_of_a_shard_whose_workers_die_the_naive_speaks_and_of_its_neighbours_not",
         "evaluation/test_workers::test_whoever_dies_and_however_often_every_series_is_once_on_record"),
        Mutant("footfall/evaluation/workers.py", "    except KilledWorker:\n", "    except ZeroDivisionError:\n",
               "evaluation/test_workers::test_of_a_shard_whose_workers_die_the_naive_speaks_and_of_its_neighbours_not"),
    ),
    32: Row(
        "a chatty or huge notebook", "what shows a run has limits of its own, and says what it left out",
        ("record/test_excerpt::test_a_chatty_notebook_is_shown_in_the_time_and_room_of_any",
         "record/test_excerpt::test_one_line_and_an_error_have_an_end_too",
         "record/test_excerpt::test_markup_that_takes_the_square_of_its_size_is_left_out",
         "record/test_excerpt::test_a_notebook_of_quite_other_code_is_not_compared"),
        Mutant("flows/record/excerpt.py", '"text": (20_000, 400_000)', '"text": (10**9, 10**9)',
               "record/test_excerpt::test_one_line_and_an_error_have_an_end_too"),
    ),
    33: Row(
        "proxy variables of every kind", "this machine's servers are reached; a proxy that cannot work is named",
        ("local/test_environment::test_this_machines_servers_are_asked_past_every_proxy",
         "local/test_environment::test_a_proxy_that_cannot_be_used_is_named",
         "local/test_environment::test_a_proxy_between_us_and_a_source_is_named_with_it"),
        Mutant("flows/proxies.py", 'return "" if url.host else "it names no host"', 'return ""',
               "local/test_environment::test_a_proxy_that_cannot_be_used_is_named"),
    ),
    34: Row(
        "somebody else's object in our folders", "named and passed over; no market but its own is touched",
        ("operations/test_status::test_what_is_somebody_elses_is_named_and_passed_over",
         "champion/test_entries::test_what_is_called_otherwise_is_somebody_elses_and_passed_over",
         "champion/test_entries::test_an_entry_that_is_none_stops_its_own_market_and_no_other"),
        Mutant("flows/champion/entries.py", "if layout.is_entry(name)]", "if True]",
               "champion/test_entries::test_what_is_called_otherwise_is_somebody_elses_and_passed_over"),
    ),
    35: Row(
        "the machine is lost with undelivered records and an open run", "a new one goes on; what was lost is named",
        ("operations/test_lost_machine::test_a_new_machine_goes_on_and_says_what_was_lost",),
        Mutant("flows/orchestration/reaper.py", "mlflow_runs.close_lost(", "str(",
               "operations/test_lost_machine::test_a_new_machine_goes_on_and_says_what_was_lost"),
    ),
    36: Row(
        "database restored to yesterday's backup", "bucket and ledger are right; what MLflow lacks is said",
        ("champion/test_ledger::test_a_champion_that_is_no_longer_registered_can_be_rolled_back",
         "champion/test_ledger::test_a_kill_between_any_two_steps_leaves_one_champion"),
        Mutant("flows/champion/registry.py", 'passing_over("RESOURCE_DOES_NOT_EXIST"):\n        return',
               "passing_over():\n        return",
               "champion/test_ledger::test_a_champion_that_is_no_longer_registered_can_be_rolled_back"),
        open="nothing brings back to MLflow, from a record on disk, a run that it has forgotten",
    ),
    37: Row(
        "weather away, late, of another place, issued after as_of", "made without; never with what it could not know",
        ("sources/test_weather::test_what_is_not_the_weather_that_was_asked_for_is_refused",
         "station/test_take_weather::test_a_day_that_is_over_has_what_was_kept_on_it_and_nothing_issued_afterwards",
         "station/test_take_weather::test_a_training_has_what_was_issued_by_its_day_and_nothing_later",
         "station/test_take_weather::test_weather_that_is_away_is_a_problem_that_leaves_nothing_behind",
         "station/test_take_weather::test_a_run_that_cannot_have_its_weather_goes_on_and_says_so",
         "models/test_with_weather::test_weather_that_was_issued_afterwards_changes_no_byte"),
        Mutant("footfall/sources/weather.py", "days[0] != begins", "False",
               "sources/test_weather::test_what_is_not_the_weather_that_was_asked_for_is_refused"),
    ),
    38: Row(
        "a machine four times slower", "nothing that succeeds in time is called dead",
        ("local/test_servers::test_a_server_is_waited_for_while_it_works_and_no_longer",),
        Mutant("flows/local/servers.py", "if self._processor_seconds() - seconds < WORKING", "if True or WORKING",
               "local/test_servers::test_a_server_is_waited_for_while_it_works_and_no_longer"),
    ),
}  # fmt: skip
