"""Trial templates: from an Experiment's template and a trial's parameters to the object that runs it.

Upstream: katib v0.19.0, ``pkg/controller.v1beta1/experiment/manifest/generator.go``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from kubelab.client import Object
from kubelab.errors import KubelabError

PLACEHOLDER = re.compile(r"\$\{trialParameters\.(.+?)\}")
_REFERENCE = re.compile(r"\$\{trialSpec\.(.+?)\}")
_KEYED = re.compile(r"^(Labels|Annotations)\[(.+)]$")
_METADATA = ("Name", "Namespace", "Kind", "APIVersion")


class TemplateError(KubelabError):
    """A trial template that gives no object.

    Parameters
    ----------
    problem : str
        What is wrong, with the value.
    remedy : str
        How to write it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}. {remedy}")


def is_metadata_reference(reference: str) -> bool:
    """Say whether a trial parameter stands for something of the trial itself, not for a parameter."""
    found = _REFERENCE.search(reference)
    return found is not None and (found[1] in _METADATA or _KEYED.match(found[1]) is not None)


def source_of(template: Object, config_map: Object | None) -> Object | str:
    """Return the template's object, or its text where it is kept in a ConfigMap.

    Raises
    ------
    TemplateError
        If there is none.
    """
    if template.get("trialSpec") is not None:
        return dict(template["trialSpec"])
    place = template.get("configMap") or {}
    name = f"{place.get('configMapNamespace')}/{place.get('configMapName')}"
    if config_map is None:
        raise TemplateError(
            f"the trial template is in the ConfigMap {name}, which does not exist",
            "Create it first, or write spec.trialTemplate.trialSpec.",
        )
    data = config_map.get("data") or {}
    path = place.get("templatePath")
    if path not in data:
        known = ", ".join(sorted(data)) or "none"
        raise TemplateError(
            f"the ConfigMap {name} has no key {path!r} for the trial template", f"It has: {known}."
        )
    return str(data[path])


def parsed(source: Object | str) -> Object:
    """Return a template's object, with its placeholders as they are.

    Raises
    ------
    TemplateError
        If its text is no YAML of an object.
    """
    if not isinstance(source, str):
        return source
    try:
        document = yaml.safe_load(source)
    except yaml.YAMLError as error:
        raise TemplateError(f"the trial template is no YAML: {error}", "Mend it.") from None
    if not isinstance(document, dict):
        raise TemplateError("the trial template holds no object", "Write a Job, a TrainJob or a JAXJob.")
    return document


def run_spec(
    experiment: Object, source: Object | str, trial_name: str, assignments: Mapping[str, str]
) -> Object:
    """Return the object that runs a trial, named like the trial.

    Parameters
    ----------
    experiment : dict
        Its template names the trial parameters.
    source : dict or str
        What `source_of` returned.
    trial_name : str
        The trial's name.
    assignments : mapping of str to str
        Its parameters. One that does not count in this trial is put in as an empty text.

    Raises
    ------
    TemplateError
        If the template refers to what is not there.
    """
    namespace = experiment["metadata"]["namespace"]
    values = _values(experiment, parsed(source), trial_name, assignments)
    run = parsed(_replaced(source, values)) if isinstance(source, str) else _substituted(source, values)
    meta = {**(run.get("metadata") or {}), "name": trial_name, "namespace": namespace}
    return {**run, "metadata": meta}


def _values(
    experiment: Object, template: Object, trial_name: str, assignments: Mapping[str, str]
) -> dict[str, str]:
    """Return what each placeholder stands for."""
    spec = experiment["spec"]
    known = {parameter.get("name") for parameter in spec.get("parameters") or ()}
    values, used = {}, set()
    for parameter in spec["trialTemplate"].get("trialParameters") or ():
        reference = str(parameter.get("reference", ""))
        if _REFERENCE.search(reference):
            own = {"Name": trial_name, "Namespace": experiment["metadata"]["namespace"]}
            values[parameter["name"]] = _metadata(reference, template, own)
        elif reference in assignments or reference in known:
            values[parameter["name"]] = str(assignments.get(reference, ""))
            used.add(reference)
        else:
            raise TemplateError(
                f"the trial parameter {parameter.get('name')} refers to {reference!r}, which is no parameter",
                f"Refer to one of: {', '.join(sorted(assignments))}.",
            )
    unused = sorted(set(assignments) - used)
    if unused:
        raise TemplateError(
            f"the parameters {', '.join(unused)} are not in the trial template",
            "Name each in spec.trialTemplate.trialParameters.",
        )
    return values


def _metadata(reference: str, template: Object, own: Mapping[str, str]) -> str:
    found = _REFERENCE.search(reference)
    name = found[1] if found else ""
    keyed = _KEYED.match(name)
    if keyed:
        values = (template.get("metadata") or {}).get(keyed[1].lower()) or {}
        if keyed[2] in values:
            return str(values[keyed[2]])
    elif name in own:
        return own[name]
    elif name in ("Kind", "APIVersion"):
        return str(template.get("kind" if name == "Kind" else "apiVersion", ""))
    raise TemplateError(
        f"{reference} refers to what the trial template does not have",
        "Known are Name, Namespace, Kind, APIVersion, and the template's own Labels[k] and Annotations[k].",
    )


def _substituted(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _replaced(value, values)
    if isinstance(value, dict):
        return {_replaced(key, values): _substituted(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_substituted(each, values) for each in value]
    return value


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
