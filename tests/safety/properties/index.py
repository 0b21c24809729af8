"""The thirty-two properties, and where each is tested when no ``test_iNN_...`` of this folder or of the search does."""

from __future__ import annotations

PROPERTIES = {
    "I01": "the enable line is let closed only while FIRING, with every permit",
    "I02": "what is granted is a finite power, at most every cap and at most the demand",
    "I03": "what is granted lapses after 150 ms, and with its epoch",
    "I04": "a permit that is lost lets go in the same output",
    "I05": "the first cause stays the first until a reset; later ones follow in order",
    "I06": "a reset needs acknowledgement, two seconds clear, off proven, released inputs, and a person at the bench",
    "I07": "no way to FIRING is shorter than reset, prepare, arm, fire",
    "I08": "a footswitch that is closed since before ARM never fires",
    "I09": "LOCKOUT is for good",
    "I10": "STOPPING ends only by a sample that was asked for after off was commanded",
    "I11": "the energy that is counted is at least the energy that flowed",
    "I12": "energy and time never fall within a run, and saturate",
    "I13": "what is dated in the future is stale; a clock that stands or runs back trips",
    "I14": "a number that is none never gives more power",
    "I15": "a sample that is missing or older never gives more power",
    "I16": "a tighter limit never gives more power, nor trips later",
    "I17": "the order of samples within a tick does not matter",
    "I18": "a step depends on its arguments and changes none of them",
    "I19": "a faster tick changes the energy by less than 0.1 % and takes no trip away",
    "I20": "the pump runs whenever it must, but after a leak",
    "I21": "an answer that comes twice or late is as old as its request",
    "I22": "any bytes are a value or are rejected",
    "I23": "what is written is read back, and damage is found",
    "I24": "a configuration with an unknown key, unit or number is refused; no layer loosens another",
    "I25": "nothing from the network raises power, whatever the state",
    "I26": "a trip tells both ways off, whatever fails in either",
    "I27": "the watchdog closes the line after three good frames and opens it for each of its reasons",
    "I28": "every change of state and every act is in the record once, and the chain verifies",
    "I29": "a latched trip outlives the daemon with its cause",
    "I30": "a bench that is well never trips, roll-offs included",
    "I31": "what a real driver recorded is played back the same",
    "I32": "no fault can be injected where a port is real",
}

ELSEWHERE = {
    "I11": ["tests/safety/test_properties.py::test_energy_is_at_least_what_flowed_and_never_falls"],
    "I18": ["tests/safety/test_properties.py::test_the_step_is_total_pure_and_denies"],
    "I21": [
        "tests/drivers/test_port.py::test_late_reply_is_thrown_away_by_the_marker",
        "tests/drivers/test_visa.py::test_a_late_answer_is_not_taken_for_the_next_ones",
    ],
    "I22": ["tests/fuzz/test_codecs.py::test_none_escapes", "tests/watchdog/test_frames.py::test_any_bytes_are_judged"],
    "I23": [
        "tests/watchdog/test_frames.py::test_a_heartbeat_survives",
        "tests/watchdog/test_frames.py::test_no_damage_of_up_to_four_bytes_in_a_row_survives",
        "tests/safety/test_latch.py::test_no_flipped_bit_yields_another_trip",
        "tests/fuzz/test_codecs.py::test_what_fuzzing_starts_from_is_understood",
    ],
    "I24": [
        "tests/config/test_bench.py::test_what_is_wrong_is_said_with_its_line_and_remedy",
        "tests/config/test_setup.py::test_no_layer_can_loosen_what_another_grants",
        "tests/safety/test_limits.py::test_a_limit_that_is_no_limit_is_refused",
    ],
    "I25": [
        "tests/safety/test_acts.py::test_from_the_network_nothing_but_stop_exists",
        "tests/safety/test_graph.py::test_only_the_allowed_edges_and_every_one_of_them",
    ],
    "I26": [
        "tests/safety/test_properties.py::test_an_exception_in_any_monitor_is_off_in_the_same_tick",
        "tests/drivers/test_rf_chain.py::test_either_plan_alone_stops_the_energy_and_proves_it",
        "tests/closed_loop/test_faults.py::test_a_generator_that_ignores_off_is_cut_by_the_enable_line",
    ],
    "I27": [
        "tests/watchdog/test_core.py::test_the_enable_line_is_closed_after_three_good_frames",
        "tests/watchdog/test_core.py::test_whatever_comes_the_enable_line_is_closed_only_on_good_grounds",
        "tests/watchdog/test_core.py::test_a_contradiction_cuts",
    ],
    "I28": [
        "tests/safety/test_acts.py::test_the_whole_way_leaves_exactly_one_event_per_act_and_change",
        "tests/safety/test_graph.py::test_only_the_allowed_edges_and_every_one_of_them",
        "tests/records/test_verify.py::test_tampering_is_found",
    ],
    "I29": [
        "tests/safety/test_properties.py::test_a_latch_survives_a_restart_with_its_cause",
        "tests/process/test_refusals.py::test_a_latch_of_an_earlier_run",
    ],
    "I30": [
        "tests/safety/test_nominal.py::test_an_application_with_roll_offs_completes_without_a_trip",
        "tests/closed_loop/test_faults.py::test_nominal_runs_do_not_trip",
    ],
    "I31": ["tests/drivers/test_trace.py::test_a_recording_is_python_that_a_scripted_link_plays_again"],
    "I32": [
        "tests/config/test_bench.py::TestOneWorld::test_no_mixture_is_accepted",
        "tests/sim_devices/test_servers.py::test_no_back_door_is_opened_beside_a_real_port",
        "tests/architecture/test_imports.py::test_the_contracts_hold",
        "tests/architecture/test_source_rules.py::test_no_branch_depends_on_being_simulated",
    ],
}
