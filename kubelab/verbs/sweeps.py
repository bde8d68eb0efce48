"""`SweepVerbs`: search for the best arguments of a function, and find sweeps again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from kubelab.client import EXPERIMENTS, Object
from kubelab.quantities import Quantity
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.sweeps import Sweep
    from kubelab.tuning.parameters import Parameter


class SweepVerbs(Handle):
    """The verbs about sweeps."""

    def sweep(
        self,
        fn: Callable[..., object],
        *,
        space: Mapping[str, Parameter],
        objective: str,
        direction: Literal["minimize", "maximize"] = "minimize",
        goal: float | None = None,
        algorithm: str = "tpe",
        settings: Mapping[str, object] | None = None,
        stopping: str | None = None,
        stopping_settings: Mapping[str, object] | None = None,
        max_trials: int = 20,
        parallel: int = 2,
        max_failed: int = 3,
        metrics: tuple[str, ...] = (),
        seed: int | None = None,
        args: Mapping[str, Any] | None = None,
        num_nodes: int = 1,
        resources: Mapping[str, Quantity] | None = None,
        kind: Literal["TrainJob", "JAXJob", "Job"] = "TrainJob",
        env: Mapping[str, str] | None = None,
        image: str | None = None,
        volumes: Mapping[str, Object] | None = None,
        name: str | None = None,
    ) -> Sweep:
        """Search for the best arguments of a function, each trial a job, and return the handle at once.

        Parameters
        ----------
        fn : callable
            An ordinary function that reports the objective with `kubelab.training.report`.
        space : mapping of str to parameter
            What to search, by the function's arguments: ``{"lr": log(1e-4, 1e-1), "width": choice(64, 128)}``
            with `uniform`, `log`, `integer`, `normal`, `choice` and `when` of `kubelab.tuning`.
        objective : str
            The metric that is to be best.
        direction : {"minimize", "maximize"}
            What best means.
        goal : float, optional
            The value with which the search is over.
        algorithm : str
            How trials are chosen: `kubelab.tuning.suggestion` has them, under Katib's names, and ``asha``.
            By ``pbt`` a trial goes on from its parent's checkpoint if the function uses ``run.restore`` and
            ``run.save``.
        settings : mapping, optional
            The algorithm's settings.
        stopping : str, optional
            The rule that stops trials early, such as ``medianstop``. ``asha`` brings its own, and so does
            ``hyperband`` with the setting ``max_resource`` (in steps).
        stopping_settings : mapping, optional
            The rule's settings.
        max_trials, parallel : int
            How many trials in all, and at a time.
        max_failed : int
            How many trials may fail before the sweep does.
        metrics : tuple of str
            Metrics that are kept besides the objective.
        seed : int, optional
            Makes the search repeatable.
        args : mapping, optional
            The function's other arguments.
        num_nodes, resources, kind, env, image, volumes
            Each trial's job, as in `train`.
        name : str, optional
            Made from the function's name unless given.

        Raises
        ------
        KubelabError
            If the search cannot be made or the function cannot travel; nothing is created then.
        """
        from kubelab.sweeps.launch import launch

        return launch(
            self.client,
            self.namespace,
            fn,
            space=space,
            objective=objective,
            direction=direction,
            goal=goal,
            algorithm=algorithm,
            settings=settings,
            stopping=stopping,
            stopping_settings=stopping_settings,
            max_trials=max_trials,
            parallel=parallel,
            max_failed=max_failed,
            metrics=metrics,
            seed=seed,
            args=args,
            num_nodes=num_nodes,
            resources=resources,
            kind=kind,
            env=env,
            image=image,
            volumes=volumes,
            name=name,
        )

    def tune_llm(
        self,
        *,
        model: str = "nano",
        data: str = "stdlib-prose",
        lora: Mapping[str, Any] | None = None,
        space: Mapping[str, Parameter] | None = None,
        steps: int = 60,
        algorithm: str = "asha",
        max_trials: int = 12,
        parallel: int = 2,
        args: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Sweep:
        """Search for the best way to fine-tune a small language model with LoRA; return the handle at once.

        Parameters
        ----------
        model : str
            A base by its name or size, made before by ``kubelab pretrain``; trials read it from a volume.
        data : str
            The text to adapt to: ``stdlib-prose``, ``stdlib``, a folder, or ``hf:NAME``.
        lora : mapping, optional
            What is fixed of LoRA: rank, alpha, dropout, targets.
        space : mapping, optional
            What to search among the arguments of `kubelab.llm.finetune`; learning rate, rank, alpha, dropout,
            batch and schedule unless given.
        steps : int
            Training steps of a trial that is not stopped early.
        args : mapping, optional
            What is fixed of the arguments of `kubelab.llm.finetune`, such as ``{"batch": 8}``; without a
            ``space``, it is not searched then.
        algorithm, max_trials, parallel, **options
            As in `sweep`. Half of the trials may fail: a learning rate that is far too high diverges.

        Raises
        ------
        KubelabError
            If there is no such base, or the search cannot be made; nothing is created then.
        """
        from kubelab import llm
        from kubelab.llm.search import default_space, fixed_arguments, mounted_text, place_of, rungs

        base = llm.find(model)
        fixed = (lora or {}) if space is not None else {**(lora or {}), **(args or {})}
        space = default_space() if space is None else space
        space = {name: parameter for name, parameter in space.items() if name not in fixed}
        mounted = llm.mounted_bases()
        mounted["volumes"] = {**mounted["volumes"], **mounted_text(data)}
        for option, needed in mounted.items():
            mounted[option] = {**needed, **(options.pop(option, None) or {})}
        return self.sweep(
            llm.finetune,
            space=space,
            objective="val_loss",
            algorithm=algorithm,
            max_trials=max_trials,
            parallel=parallel,
            args={**fixed_arguments(base.name, place_of(data), steps, lora, space), **(args or {})},
            **{
                "metrics": ("loss",),
                "settings": rungs(algorithm, steps),
                "max_failed": max(3, max_trials // 2),
                **mounted,
                **options,
            },
        )

    def find_sweep(self, name: str) -> Sweep:
        """Return the handle of a sweep that exists, by its name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        from kubelab.sweeps.launch import attach

        return attach(self.client, self.namespace, name)

    def sweeps(self) -> list[Sweep]:
        """Return the handles of the namespace's sweeps, oldest first."""
        from kubelab.sweeps import Sweep

        metas = [each["metadata"] for each in self._list(EXPERIMENTS, self.namespace)]
        return [
            Sweep(self.client, self.namespace, meta["name"], meta["uid"])
            for meta in sorted(metas, key=lambda meta: str(meta["creationTimestamp"]))
        ]
