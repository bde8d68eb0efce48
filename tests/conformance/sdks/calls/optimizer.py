"""Calls of Kubeflow's OptimizerClient."""

from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.optimizer import (
    GridSearch,
    OptimizerClient,
    RandomSearch,
    Search,
    TrainJobTemplate,
    TrialConfig,
)
from kubeflow.trainer import CustomTrainer, TrainerClient


def fit(rate, width):
    for step in (1, 2, 3):
        print(f"step={step} loss={abs(float(rate) - 0.01) + int(width) / step}", flush=True)


def endless(rate, width):
    import time

    print(f"loss={rate}", flush=True)
    while width:
        time.sleep(1)


SPACES = {
    "random": {"rate": Search.loguniform(0.001, 0.1), "width": Search.choice([16, 32])},
    "grid": {"rate": Search.choice([0.01, 0.1]), "width": Search.choice([1, 2])},
}
ALGORITHMS = {"random": RandomSearch(random_state=7), "grid": GridSearch()}
FUNCTIONS = {"fit": fit, "endless": endless}


def client(namespace):
    return OptimizerClient(KubernetesBackendConfig(namespace=namespace))


def optimize(namespace, function="endless", algorithm="random", num_trials=4, parallel_trials=2):
    runtime = TrainerClient(KubernetesBackendConfig(namespace=namespace)).get_runtime("jax-distributed")
    trainer = CustomTrainer(func=FUNCTIONS[function], resources_per_node={"cpu": 0.5})
    return client(namespace).optimize(
        TrainJobTemplate(trainer=trainer, runtime=runtime),
        trial_config=TrialConfig(num_trials=num_trials, parallel_trials=parallel_trials),
        search_space=SPACES[algorithm],
        algorithm=ALGORITHMS[algorithm],
    )


def wait(namespace, name, status="Complete", timeout=300):
    return _job(client(namespace).wait_for_job_status(name, {status}, timeout=timeout, polling_interval=1))


def get_job(namespace, name):
    return _job(client(namespace).get_job(name))


def list_jobs(namespace):
    return [_job(each) for each in client(namespace).list_jobs()]


def best(namespace, name):
    found = client(namespace).get_best_results(name)
    return found and {
        "parameters": found.parameters,
        "metrics": {
            each.name: {"min": float(each.min), "max": float(each.max), "latest": float(each.latest)}
            for each in found.metrics
        },
    }


def events(namespace, name):
    return [
        [each.involved_object_kind, each.involved_object_name, each.reason]
        for each in client(namespace).get_job_events(name)
    ]


def logs(namespace, name, trial=None):
    return list(client(namespace).get_job_logs(name, trial_name=trial))


def delete(namespace, name):
    client(namespace).delete_job(name)


def _job(job):
    return {
        "name": job.name,
        "status": job.status,
        "search_space": {name: str(space) for name, space in job.search_space.items()},
        "objectives": [[each.metric, each.direction.value] for each in job.objectives],
        "algorithm": job.algorithm.algorithm_name,
        "num_trials": job.trial_config.num_trials,
        "parallel_trials": job.trial_config.parallel_trials,
        "trials": {
            trial.name: {
                "parameters": trial.parameters,
                "status": trial.trainjob.status,
                "losses": [float(each.min) for each in trial.metrics if each.name == "loss"],
            }
            for trial in job.trials
        },
    }
