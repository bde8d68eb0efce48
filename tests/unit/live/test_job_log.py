from kubelab.live.job_log import JobLog, readable


def report(second: int, step: int, loss: float, attempt: int = 0) -> str:
    again = f" attempt={attempt}" if attempt else ""
    return f"2026-08-01T10:00:{second:02d}.000000Z step={step} loss={loss}{again}"


def test_reported_metrics_become_series_by_rank() -> None:
    log = JobLog()
    log.add(0, report(1, 10, 0.5))
    log.add(1, report(1, 10, 0.6))
    assert log.history() == {("loss", 0): ((10, 0.5),), ("loss", 1): ((10, 0.6),)}
    assert log.step == 10


def test_a_restarted_worker_that_repeats_its_history_adds_nothing_twice() -> None:
    log = JobLog()
    for line in (report(1, 10, 0.5), report(2, 20, 0.4)):
        log.add(0, line)
    log.take()
    for line in (report(1, 10, 0.5), report(2, 20, 0.4), report(9, 15, 0.45, attempt=1)):
        log.add(0, line)
    points, parts = log.take()
    assert points == {("loss", 0): ((15, 0.45),)}
    assert len(parts) == 1
    assert len(parts[0].lines) == 1
    assert log.history()["loss", 0] == ((10, 0.5), (20, 0.4), (15, 0.45))


def test_a_first_reader_gets_the_repeated_history() -> None:
    log = JobLog()
    for line in (report(1, 10, 0.5), report(2, 20, 0.4), report(9, 15, 0.45, attempt=1)):
        log.add(0, line)
    assert [step for step, _ in log.history()["loss", 0]] == [10, 20, 15]


def test_only_what_is_new_is_taken() -> None:
    log = JobLog()
    log.add(0, "hello")
    assert [part.lines for part in log.take()[1]] == [("hello",)]
    assert log.take() == ({}, ())


def test_a_flood_is_thinned_and_counted() -> None:
    log = JobLog()
    for number in range(10_000):
        log.add(0, f"2026-08-01T10:{number // 600:02d}:{number / 10 % 60:09.6f}Z step={number} loss=1.0")
    points, (part,) = log.take()
    assert len(points["loss", 0]) <= 200
    assert points["loss", 0][-1][0] == 9_999
    assert len(part.lines) + part.skipped == 10_000


def test_lines_are_shown_without_date_and_colour() -> None:
    assert readable("2026-08-01T10:22:17.120394Z step=1") == "10:22:17 step=1"
    assert readable("\x1b[31mred\x1b[0m") == "red"
    assert len(readable("x" * 10_000)) == 400
