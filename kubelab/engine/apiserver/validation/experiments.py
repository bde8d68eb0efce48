"""Rules for Katib's Experiment, which upstream's webhook checks (katib v0.19.0, ``validator.go``).

What a search needs beyond its form is `kubelab.tuning`'s to say: known algorithms, their settings, the space.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid, required
from kubelab.engine.katib.collectors import KNOWN, kind_of
from kubelab.engine.katib.paths import PathError, find
from kubelab.engine.katib.problems import check
from kubelab.engine.katib.template import PLACEHOLDER, is_metadata_reference
from kubelab.metric_grammar import FilterError, compile_filters
from kubelab.sweeps.names import RUNS
from kubelab.tuning import Problem, TuningError
from kubelab.tuning.errors import SettingError, SpaceError, UnknownNameError

_NAME = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
_LONGEST_NAME = 40
_RESUME_POLICIES = ("Never", "LongRunning", "FromVolume")
_COUNTS = ("parallelTrialCount", "maxTrialCount", "maxFailedTrialCount")
_RESTARTABLE = ("LongRunning", "FromVolume")
_TEMPLATE = "spec.trialTemplate"


def validate_experiment(experiment: Object) -> Iterator[Cause]:
    """Check an Experiment, with its defaults, that is to be created."""
    causes = [*_form(experiment), *_template(experiment), *_collector(experiment["spec"])]
    yield from causes
    if not causes:
        try:
            check(Problem.from_experiment(experiment))
        except TuningError as error:
            yield invalid(_field_of(error), _shown(experiment, error), str(error))


def validate_experiment_update(experiment: Object, old: Object) -> Iterator[Cause]:
    """Check a change of an Experiment's spec: only its three counts may change."""
    new_spec, old_spec = experiment["spec"], old["spec"]
    if new_spec == old_spec:
        return
    if _without_counts(new_spec) != _without_counts(old_spec):
        yield forbidden(
            "spec",
            "only spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount are editable",
        )
        return
    status = old.get("status") or {}
    ended = _true(status, "Failed") or _true(status, "Succeeded")
    if ended is not None and not _may_restart(old, ended):
        yield invalid(
            "spec.resumePolicy",
            new_spec.get("resumePolicy"),
            "Experiment can be restarted if it is in succeeded state by reaching max trials and "
            "spec.resumePolicy = LongRunning or spec.resumePolicy = FromVolume, when experiment is completed",
        )
    most = new_spec.get("maxTrialCount")
    if most is not None and most != old_spec.get("maxTrialCount") and most <= int(status.get("trials") or 0):
        yield invalid("spec.maxTrialCount", most, "must be greater than status.trials count")
    yield from _form(experiment)


def _form(experiment: Object) -> Iterator[Cause]:
    spec, name = experiment["spec"], str(experiment["metadata"].get("name", ""))
    if not _NAME.match(name) or len(name) > _LONGEST_NAME:
        detail = (
            "name must consist of lower case alphanumeric characters or '-', start with an alphabetic "
            "character, end with an alphanumeric character and may not be longer than "
            f"{_LONGEST_NAME} characters"
        )
        yield invalid("metadata.name", name, detail)
    yield from _numbers(spec)
    yield from _objective(spec.get("objective") or {})
    if not (spec.get("algorithm") or {}).get("algorithmName"):
        yield required("spec.algorithm.algorithmName", "must be specified")
    if spec.get("earlyStopping") is not None and not spec["earlyStopping"].get("algorithmName"):
        yield required("spec.earlyStopping.algorithmName", "must be specified")
    if spec.get("resumePolicy") not in (None, "", *_RESUME_POLICIES):
        detail = f"invalid ResumePolicyType: use one of {', '.join(_RESUME_POLICIES)}"
        yield invalid("spec.resumePolicy", spec["resumePolicy"], detail)


def _numbers(spec: Object) -> Iterator[Cause]:
    most = spec.get("maxTrialCount")
    for field, least in zip(_COUNTS, (1, 1, 0), strict=True):
        value = spec.get(field)
        if value is not None and value < least:
            detail = "must be greater than 0" if least else "should not be less than 0"
            yield invalid(f"spec.{field}", value, detail)
        if value is not None and most is not None and value > most >= 1:
            yield invalid(f"spec.{field}", value, "should be less than or equal to spec.maxTrialCount")


def _objective(objective: Object) -> Iterator[Cause]:
    if not objective:
        yield required("spec.objective", "must be specified")
        return
    if objective.get("type") not in ("minimize", "maximize"):
        yield invalid("spec.objective.type", objective.get("type") or "", "must be minimize or maximize")
    if not objective.get("objectiveMetricName"):
        yield required("spec.objective.objectiveMetricName", "must be specified")


def _template(experiment: Object) -> Iterator[Cause]:
    spec = experiment["spec"]
    template = spec.get("trialTemplate")
    if not template:
        yield required(_TEMPLATE, "must be specified")
        return
    if not template.get("primaryContainerName"):
        yield required(f"{_TEMPLATE}.primaryContainerName", "must be specified")
    yield from _conditions(template)
    if template.get("trialParameters") is None:
        yield required(f"{_TEMPLATE}.trialParameters", "must be specified")
        return
    run, place = template.get("trialSpec"), template.get("configMap")
    if (run is None) == (place is None):
        yield required(_TEMPLATE, "one of trialSpec and configMap must be specified, and only one")
    elif run is not None:
        yield from validate_run(experiment, run)
    elif not all(place.get(each) for each in ("configMapName", "configMapNamespace", "templatePath")):
        detail = "configMapName, configMapNamespace and templatePath must be specified"
        yield required(f"{_TEMPLATE}.configMap", detail)


def validate_run(experiment: Object, run: Object) -> Iterator[Cause]:
    """Check the object that a trial template holds, with its placeholders as they are."""
    field = f"{_TEMPLATE}.trialSpec"
    meta = run.get("metadata") or {}
    if meta.get("name") or meta.get("namespace"):
        yield invalid(
            _TEMPLATE, "", "metadata.name and metadata.namespace in spec.trialTemplate must be omitted"
        )
    api_version, kind = run.get("apiVersion"), run.get("kind")
    if not api_version or not kind:
        yield required(field, "APIVersion and Kind in spec.trialTemplate must be specified")
    elif (api_version, kind) not in RUNS:
        known = ", ".join(f"{known_kind} ({version})" for version, known_kind in RUNS)
        yield invalid(field, f"{api_version}, Kind={kind}", f"trials can be one of: {known}")
    yield from _parameters(experiment, set(_placeholders(run)))


def _parameters(experiment: Object, used: set[str]) -> Iterator[Cause]:
    """Check that the trial parameters, the placeholders and the search space name each other."""
    spec = experiment["spec"]
    known = [parameter.get("name") for parameter in spec.get("parameters") or ()]
    names: set[str] = set()
    references: set[str] = set()
    for position, parameter in enumerate(spec["trialTemplate"]["trialParameters"]):
        field = f"{_TEMPLATE}.trialParameters[{position}]"
        name, reference = str(parameter.get("name") or ""), str(parameter.get("reference") or "")
        if not name or not reference or "{" in name or "}" in name:
            detail = "name and reference must be specified and name must not contain '{' or '}'"
            yield invalid(field, "", detail)
            continue
        if name in names or reference in references:
            part = "name" if name in names else "reference"
            yield invalid(f"{field}.{part}", parameter[part], "is there twice")
            continue
        names.add(name)
        references.add(reference)
        if not is_metadata_reference(reference) and known and reference not in known:
            detail = f"does not exist in spec.parameters: {', '.join(map(str, known))}"
            yield invalid(f"{field}.reference", reference, detail)
        if name not in used:
            yield invalid(f"{field}.name", name, f"${{trialParameters.{name}}} is not in the trial template")
    for name in sorted(used - names):
        detail = f"${{trialParameters.{name}}} is not in spec.trialTemplate.trialParameters"
        yield invalid(_TEMPLATE, "", detail)
    for name in known:
        if name and name not in references:
            yield invalid(f"{_TEMPLATE}.trialParameters", "", f"the parameter {name} is not referred to")


def _conditions(template: Object) -> Iterator[Cause]:
    if not template.get("successCondition") or not template.get("failureCondition"):
        yield required(_TEMPLATE, "successCondition and failureCondition must be specified")
        return
    for each in ("successCondition", "failureCondition"):
        try:
            find({}, str(template[each]))
        except PathError as error:
            yield invalid(f"{_TEMPLATE}.{each}", template[each], str(error))


def _collector(spec: Object) -> Iterator[Cause]:
    field = "spec.metricsCollectorSpec"
    collector = spec.get("metricsCollectorSpec") or {}
    kind = kind_of({"metricsCollector": collector})
    if kind not in KNOWN:
        detail = f"this cluster does not read metrics that way: use one of {', '.join(KNOWN)}"
        yield invalid(f"{field}.collector.kind", kind, detail)
    source = collector.get("source") or {}
    file = source.get("fileSystemPath") or {}
    if kind == "File":
        if file.get("kind") != "File" or not posixpath.isabs(str(file.get("path") or "")):
            yield required(
                f"{field}.source.fileSystemPath.path", "file path where metrics file exists is required"
            )
        if file.get("format") not in ("TEXT", "JSON"):
            yield required(
                f"{field}.source.fileSystemPath.format", "format of metrics file is required: TEXT or JSON"
            )
    formats = (source.get("filter") or {}).get("metricsFormat") or ()
    if formats and kind == "File" and file.get("format") == "JSON":
        yield invalid(f"{field}.source.filter", "", "filter must be nil when format of metrics file is json")
    try:
        compile_filters(formats)
    except FilterError as error:
        yield invalid(f"{field}.source.filter.metricsFormat", error.text, str(error))


def _placeholders(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from PLACEHOLDER.findall(key)
            yield from _placeholders(each)
    elif isinstance(value, list):
        for each in value:
            yield from _placeholders(each)


def _field_of(error: TuningError) -> str:
    """Return which field an error of a search is about."""
    if isinstance(error, SpaceError):
        return "spec.parameters"
    if isinstance(error, SettingError):
        return "spec.algorithm.algorithmSettings"
    if isinstance(error, UnknownNameError):
        if error.what == "early stopping":
            return "spec.earlyStopping.algorithmName"
        return (
            "spec.algorithm.algorithmName"
            if error.what == "algorithm"
            else "spec.algorithm.algorithmSettings"
        )
    return "spec"


def _shown(experiment: Object, error: TuningError) -> Any:
    if isinstance(error, UnknownNameError):
        return error.name
    if isinstance(error, SettingError):
        return error.setting
    return experiment["metadata"].get("name", "")


def _without_counts(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in _COUNTS}


def _true(status: Object, type_: str) -> Object | None:
    conditions = status.get("conditions") or ()
    return next((each for each in conditions if each["type"] == type_ and each["status"] == "True"), None)


def _may_restart(experiment: Object, ended: Object) -> bool:
    return (
        ended["type"] == "Succeeded"
        and ended.get("reason") == "ExperimentMaxTrialsReached"
        and experiment["spec"].get("resumePolicy") in _RESTARTABLE
    )
