"""Calls of Kubeflow's OptimizerClient."""

from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.optimizer import OptimizerClient, Search, TrainJobTemplate, TrialConfig
from kubeflow.trainer import CustomTrainer, TrainerClient


def fit(rate, width):
    print(f"loss={rate}")


def client(namespace):
    return OptimizerClient(KubernetesBackendConfig(namespace=namespace))


def optimize(namespace, num_trials=4, parallel_trials=2):
    runtime = TrainerClient(KubernetesBackendConfig(namespace=namespace)).get_runtime("jax-distributed")
    return client(namespace).optimize(
        TrainJobTemplate(trainer=CustomTrainer(func=fit), runtime=runtime),
        trial_config=TrialConfig(num_trials=num_trials, parallel_trials=parallel_trials),
        search_space={"rate": Search.loguniform(0.001, 0.1), "width": Search.choice([16, 32])},
    )


def get_job(namespace, name):
    return _job(client(namespace).get_job(name))


def list_jobs(namespace):
    return [_job(each) for each in client(namespace).list_jobs()]


def wait(namespace, name):
    return _job(client(namespace).wait_for_job_status(name, timeout=240, polling_interval=1))


def best(namespace, name):
    found = client(namespace).get_best_results(name)
    if found is None:
        return None
    return {
        "parameters": found.parameters,
        "metrics": {each.name: [each.min, each.max, each.latest] for each in found.metrics},
    }


def events(namespace, name):
    return [each.reason for each in client(namespace).get_job_events(name)]


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
            trial.name: {"parameters": trial.parameters, "status": trial.trainjob.status}
            for trial in job.trials
        },
    }
