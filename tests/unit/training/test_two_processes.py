"""Two real processes from one archive: gradients averaged over gloo, failures, checkpoints."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from kubelab import training
from kubelab.training.metrics import parse_metrics
from kubelab.training.pod.failure import EXIT_PEER_LOST

from .conftest import Ended, Workers

TRUTH = [0.0, 1.0, 2.0, 3.0]


def mean_squared_error(weights: Any, inputs: Any, targets: Any) -> Any:
    return jnp.mean((inputs @ weights - targets) ** 2)


def fit(steps: int = 20, fault: str = "", fault_rank: int = 1) -> list[float]:
    """Fit a line on data that differs by rank; only averaged gradients agree everywhere."""
    import os
    import signal

    import jax

    run = training.context()
    data = np.random.default_rng(run.rank)
    weights = run.replicate(np.full(4, float(run.rank), np.float32))
    gradient = jax.jit(jax.value_and_grad(mean_squared_error))
    restored = run.restore(weights)
    start = 0
    if restored is not None:
        weights, start = restored
    for step in range(start + 1, steps + 1):
        inputs = data.normal(size=(8, 4)).astype(np.float32)
        targets = inputs @ np.arange(4, dtype=np.float32)
        loss, slope = gradient(weights, run.shard(inputs), run.shard(targets))
        weights = weights - 0.1 * slope
        training.report(step=step, loss=loss, own=float(inputs.sum()))
        if run.should_save(step):
            run.save(step, weights)
        if step == 12 and start == 0 and run.rank == fault_rank:
            if fault == "raise":
                raise ValueError("the twelfth step is unlucky")
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
    final = [float(weight) for weight in np.asarray(weights.addressable_data(0))]
    training.report(checksum=float(np.sum(final)))
    return final


def losses(ended: Ended) -> dict[int, float]:
    return {m.step: m.value for m in parse_metrics(ended.lines, ended.rank) if m.name == "loss" and m.step}


def checksum(ended: Ended) -> float:
    return next(m.value for m in parse_metrics(ended.lines) if m.name == "checksum")


def test_gradients_are_averaged_so_that_all_ranks_hold_the_same_parameters(workers: Workers) -> None:
    first, second = workers.run(fit, steps=40)
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert losses(first) == losses(second)
    assert checksum(first) == checksum(second)
    own = [{m.value for m in parse_metrics(each.lines) if m.name == "own"} for each in (first, second)]
    assert not own[0] & own[1], "each rank trains on data of its own"
    returned = re.search(r"returned \[(.*)\]", first.output)
    assert returned is not None
    assert [float(text) for text in returned[1].split(",")] == pytest.approx(TRUTH, abs=0.1)


def test_a_lone_worker_needs_no_coordinator(workers: Workers) -> None:
    (only,) = workers.run(fit, size=1, steps=3)
    assert only.exit_code == 0, only.output
    assert list(losses(only)) == [1, 2, 3]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_raises_exits_1_with_the_users_frames_and_the_other_follows(
    workers: Workers, rank: int
) -> None:
    ended = workers.run(fit, fault="raise", fault_rank=rank)
    raised, follower = ended[rank], ended[1 - rank]
    assert raised.exit_code == 1
    assert "ValueError: the twelfth step is unlucky" in raised.output
    assert 'raise ValueError("the twelfth step is unlucky")' in raised.output
    assert "site-packages" not in raised.output
    assert "kubelab/training/pod" not in raised.output
    assert follower.exit_code in {EXIT_PEER_LOST, -6}


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_other_and_the_next_start_goes_on_from_the_last_checkpoint(
    workers: Workers, rank: int
) -> None:
    ended = workers.run(fit, fault="kill", fault_rank=rank)
    assert ended[rank].exit_code == -9
    assert ended[1 - rank].exit_code in {EXIT_PEER_LOST, -6}
    again = workers.run(fit, fault="kill", fault_rank=rank)
    for each in again:
        assert each.exit_code == 0, each.output
        steps = [(m.attempt, m.step) for m in parse_metrics(each.lines) if m.name == "loss"]
        assert steps == [(0, step) for step in range(1, 13)] + [(1, step) for step in range(11, 21)]
    assert checksum(again[0]) == checksum(again[1])


captured_array = jnp.arange(3.0)


def use_captured_array() -> None:
    run = training.context()
    training.report(total=float(captured_array.sum()), devices=run.mesh.size)


def test_workers_meet_before_an_array_is_unpickled(workers: Workers) -> None:
    for each in workers.run(use_captured_array):
        assert each.exit_code == 0, each.output
        assert {m.name: m.value for m in parse_metrics(each.lines)} == {"total": 3.0, "devices": 2.0}


def compute_too_early() -> None:
    jnp.ones(3).sum()
    training.context()


def test_computing_before_the_context_says_what_to_do(workers: Workers) -> None:
    for each in workers.run(compute_too_early):
        assert each.exit_code == 1
        assert "Call training.context() before the first jax computation" in each.output


def restore_every_kind() -> None:
    import jax

    run = training.context()
    state = {
        "global": run.replicate(np.arange(3.0)),
        "local": jnp.full(2, 2.5),
        "numpy": np.arange(4),
        "key": run.replicate(jax.random.key(7)),
        "count": 5,
    }
    run.save(1, state)
    empty = jax.tree.map(lambda leaf: leaf * 0 if not hasattr(leaf, "_impl") else leaf, state)
    restored = run.restore(empty)
    assert restored is not None
    found, step = restored
    assert step == 1
    assert found["count"] == 5
    assert found["global"].sharding == state["global"].sharding
    training.report(
        local=float(found["local"].sum()),
        numpy=int(found["numpy"].sum()),
        key=int(jax.random.key_data(found["key"]).sum()),
        total=float(found["global"].sum()),
    )


@pytest.mark.parametrize("size", [1, 2])
def test_a_checkpoint_brings_back_every_kind_of_leaf(workers: Workers, size: int) -> None:
    for each in workers.run(restore_every_kind, size=size):
        assert each.exit_code == 0, each.output
        assert {m.name: m.value for m in parse_metrics(each.lines)} == {
            "local": 5.0,
            "numpy": 6.0,
            "key": 7.0,
            "total": 3.0,
        }


def replicate_every_kind() -> None:
    import jax

    run = training.context()
    mine = run.rank + 1
    tree = {
        "half": jnp.full((3, 2), mine, jnp.bfloat16),
        "flag": np.array(run.rank == 0),
        "count": 10 * mine,
        "key": jax.random.key(mine),
        "nothing": {},
    }
    same = run.replicate(tree)
    training.report(
        half=float(same["half"].addressable_data(0).sum()),
        flag=bool(same["flag"]),
        count=int(same["count"]),
        key=int(jax.random.key_data(same["key"]).addressable_data(0).sum()),
        empty=len(run.replicate({})),
    )


def test_replicated_values_are_rank_0s_whatever_their_type(workers: Workers) -> None:
    for each in workers.run(replicate_every_kind):
        assert each.exit_code == 0, each.output
        expected = {"half": 6.0, "flag": 1.0, "count": 10.0, "key": 1.0, "empty": 0.0}
        assert {m.name: m.value for m in parse_metrics(each.lines)} == expected


def digits_with_nnx(steps: int = 30) -> None:
    import optax
    from flax import nnx
    from sklearn.datasets import load_digits

    run = training.context()
    images, labels = load_digits(return_X_y=True)
    images, labels = run.share(images.astype(np.float32) / 16), run.share(labels)
    model = nnx.Sequential(
        nnx.Linear(64, 64, rngs=nnx.Rngs(run.rank)), nnx.relu, nnx.Linear(64, 10, rngs=nnx.Rngs(run.rank))
    )
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)
    nnx.update((model, optimizer), run.replicate(nnx.state((model, optimizer))))

    @nnx.jit
    def update(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        def loss_of(model: Any) -> Any:
            return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

        loss, gradient = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, gradient)
        return loss

    rows = np.random.default_rng(run.rank)
    for step in range(1, steps + 1):
        batch = rows.integers(0, len(images), 128)
        x, y = run.shard((images[batch], labels[batch]))
        training.report(step=step, loss=update(model, optimizer, x, y))
        if step == steps:
            run.save(step, nnx.state((model, optimizer)))
    kernel = model.layers[0].kernel[...].addressable_data(0)
    training.report(checksum=float(np.asarray(kernel).sum()))


def test_an_nnx_model_learns_digits_on_two_ranks(workers: Workers) -> None:
    first, second = workers.run(digits_with_nnx)
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    assert losses(first)[30] < 0.5 < losses(first)[1]
    assert checksum(first) == checksum(second)
