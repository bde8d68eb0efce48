"""Calls of Kubeflow's TrainerClient."""

from dataclasses import asdict

from kubeflow.common.types import KubernetesBackendConfig
from kubeflow.trainer import CustomTrainer, TrainerClient


def psum(rate):
    import os

    import jax
    import jax.numpy as jnp
    from jax.experimental import multihost_utils

    jax.distributed.initialize(
        os.environ["JAX_COORDINATOR_ADDRESS"],
        int(os.environ["JAX_NUM_PROCESSES"]),
        int(os.environ["JAX_PROCESS_ID"]),
    )
    total = multihost_utils.process_allgather(jnp.ones(1)).sum()
    print(f"rank={jax.process_index()} of={jax.process_count()} total={float(total)} rate={rate}")


def broken():
    raise ValueError("no such file: digits")


def endless():
    import time

    print("started", flush=True)
    while True:
        time.sleep(1)


def quick():
    print("done")


FUNCTIONS = {each.__name__: each for each in (psum, broken, endless, quick)}


def client(namespace=None):
    return TrainerClient(KubernetesBackendConfig(namespace=namespace))


def default_namespace():
    return TrainerClient().backend.namespace


def list_runtimes(namespace):
    return [_runtime(each) for each in client(namespace).list_runtimes()]


def get_runtime(namespace, name):
    return _runtime(client(namespace).get_runtime(name))


def train(namespace, function, args=None, num_nodes=1, resources=None, runtime="jax-distributed"):
    trainer = client(namespace)
    return trainer.train(
        runtime=trainer.get_runtime(runtime),
        trainer=CustomTrainer(
            func=FUNCTIONS[function], func_args=args, num_nodes=num_nodes, resources_per_node=resources
        ),
    )


def get_job(namespace, name):
    return _job(client(namespace).get_job(name))


def list_jobs(namespace, runtime=None):
    trainer = client(namespace)
    chosen = trainer.get_runtime(runtime) if runtime else None
    return [_job(each) for each in trainer.list_jobs(chosen)]


def wait(namespace, name, status, timeout=120):
    return _job(client(namespace).wait_for_job_status(name, {status}, timeout=timeout, polling_interval=1))


def logs(namespace, name, step="node-0", follow=False):
    return list(client(namespace).get_job_logs(name, step=step, follow=follow))


def first_line(namespace, name):
    return next(iter(client(namespace).get_job_logs(name, follow=True)))


def events(namespace, name):
    return [asdict(each) for each in client(namespace).get_job_events(name)]


def delete(namespace, name):
    client(namespace).delete_job(name)


def _runtime(runtime):
    return {
        "name": runtime.name,
        "kind": runtime.kind.value,
        "framework": runtime.trainer.framework,
        "image": runtime.trainer.image,
        "num_nodes": runtime.trainer.num_nodes,
    }


def _job(job):
    return {
        "name": job.name,
        "status": job.status,
        "num_nodes": job.num_nodes,
        "runtime": job.runtime.name,
        "steps": {step.name: asdict(step) for step in job.steps},
    }
