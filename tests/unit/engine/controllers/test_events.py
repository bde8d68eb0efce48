import asyncio
from datetime import datetime, timedelta

from kubelab.client import EVENTS, JOBS, Object
from kubelab.engine.controllers.events import BURST, EventRecorder, Note, event_of
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.objects import START, job


class SetClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


def test_an_event_carries_what_kubectl_and_the_sdk_read() -> None:
    about = job()
    event = event_of(
        about, Note("Normal", "Completed", "Job completed"), component="job-controller", now=START
    )
    assert event["involvedObject"]["uid"] == about["metadata"]["uid"]
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-31T12:00:00Z"
    assert event["source"] == {"component": "job-controller"}
    assert event["metadata"]["namespace"] == "default"


async def test_a_talkative_source_is_cut_short_and_may_speak_again_later(lab: Lab) -> None:
    clock = SetClock()
    recorder = EventRecorder(lab.client, clock)
    for number in range(BURST + 10):
        recorder.record("job-controller", job_of_one_uid(), Note("Normal", "Told", str(number)))
    assert recorder._pending.qsize() == BURST
    clock.time += timedelta(minutes=5)
    recorder.record("job-controller", job_of_one_uid(), Note("Normal", "Told", "again"))
    assert recorder._pending.qsize() == BURST + 1


async def test_a_repeated_event_counts_up(lab: Lab) -> None:
    body = job("repeats", suspend=True)
    del body["metadata"]["uid"], body["metadata"]["creationTimestamp"], body["status"]
    about = await lab.client.create(JOBS, body)
    recorder = EventRecorder(lab.client, lab.clock)
    note = Note("Warning", "FailedCreate", "Error creating: no")
    for _ in range(3):
        recorder.record("test", about, note)
    event = event_of(about, note, component="test", now=START)
    running = asyncio.create_task(recorder.run())
    await lab.until(EVENTS, lambda events: events.get(event["metadata"]["name"], {}).get("count") == 3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def job_of_one_uid() -> Object:
    made = job()
    made["metadata"]["uid"] = "one"
    return made
