from kubelab.engine.katib.db_manager.messages import MESSAGES


def test_bytes_are_those_of_katibs_proto() -> None:
    request = MESSAGES["ReportObservationLogRequest"](trial_name="t")
    log = request.observation_log.metric_logs.add(time_stamp="z")
    log.metric.name, log.metric.value = "loss", "1"
    metric = b"\x0a\x04loss\x12\x011"
    entry = b"\x0a\x01z\x12" + bytes([len(metric)]) + metric
    logs = b"\x0a" + bytes([len(entry)]) + entry
    assert request.SerializeToString() == b"\x0a\x01t\x12" + bytes([len(logs)]) + logs


def test_what_to_get_is_four_texts() -> None:
    asked = MESSAGES["GetObservationLogRequest"].FromString(b"\x0a\x01t\x12\x01m\x1a\x01s\x22\x01e")
    assert (asked.trial_name, asked.metric_name, asked.start_time, asked.end_time) == ("t", "m", "s", "e")
