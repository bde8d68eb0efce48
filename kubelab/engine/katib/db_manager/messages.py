"""The messages of ``api.v1.beta1.DBManager``, as katib v0.19.0 numbers their fields (``api.proto``)."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "api.v1.beta1"
SERVICE = f"{PACKAGE}.DBManager"
_FIELDS: dict[str, tuple[str, ...]] = {
    "Metric": ("name", "value"),
    "MetricLog": ("time_stamp", "metric: Metric"),
    "ObservationLog": ("metric_logs: MetricLog[]",),
    "ReportObservationLogRequest": ("trial_name", "observation_log: ObservationLog"),
    "ReportObservationLogReply": (),
    "GetObservationLogRequest": ("trial_name", "metric_name", "start_time", "end_time"),
    "GetObservationLogReply": ("observation_log: ObservationLog",),
    "DeleteObservationLogRequest": ("trial_name",),
    "DeleteObservationLogReply": (),
}
"""The fields are numbered from 1 in this order; those without a type are texts."""


def _classes() -> dict[str, Any]:
    """Return each message's class, in a pool of its own: Katib's SDK may be loaded beside it."""
    file = descriptor_pb2.FileDescriptorProto(name="api.proto", package=PACKAGE, syntax="proto3")
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for number, field in enumerate(fields, 1):
            name, _, type_ = field.partition(": ")
            entry = described.field.add(name=name, number=number, label=3 if type_.endswith("[]") else 1)
            if type_:
                entry.type, entry.type_name = entry.TYPE_MESSAGE, f".{PACKAGE}.{type_.removesuffix('[]')}"
            else:
                entry.type = entry.TYPE_STRING
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _FIELDS
    }


MESSAGES = _classes()
"""Class by name."""
