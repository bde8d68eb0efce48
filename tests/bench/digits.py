# ruff: noqa: ANN001, ANN202 - written as a learner writes a cell
"""A data-parallel training script: run by hand as bare processes, and as a job, it is the same.

By hand: ``JAX_COORDINATOR_ADDRESS=127.0.0.1:1234 JAX_NUM_PROCESSES=2 JAX_PROCESS_ID=0 python digits.py``
and the same with ``JAX_PROCESS_ID=1``.
"""


def train(steps: int = 400, report_every: int = 25) -> None:
    """Learn scikit-learn's digits with NNX and Optax, gradients averaged over all processes."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx
    from sklearn.datasets import load_digits

    from kubelab import training

    run = training.context()
    images, labels = load_digits(return_X_y=True)
    rows = len(images) // run.size * run.size
    mine = slice(run.rank, rows, run.size)
    sharding = jax.sharding.NamedSharding(run.mesh, jax.sharding.PartitionSpec("data"))
    inputs = jax.make_array_from_process_local_data(sharding, (images[mine] / 16).astype("float32"))
    targets = jax.make_array_from_process_local_data(sharding, labels[mine].astype("int32"))

    rngs = nnx.Rngs(0)
    model = nnx.Sequential(nnx.Linear(64, 256, rngs=rngs), nnx.relu, nnx.Linear(256, 10, rngs=rngs))
    graph, params = nnx.split(model)
    optimizer = optax.adam(1e-3)
    everywhere = jax.sharding.NamedSharding(run.mesh, jax.sharding.PartitionSpec())

    @jax.jit
    def start():
        return optimizer.init(params)

    @jax.jit
    def update(params, state, inputs, targets):
        def loss_of(params):
            logits = nnx.merge(graph, params)(inputs)
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, targets))

        loss, gradients = jax.value_and_grad(loss_of)(params)
        changes, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, changes), state, loss

    params = jax.device_put(params, everywhere)
    state = jax.device_put(start(), everywhere)
    for step in range(1, steps + 1):
        params, state, loss = update(params, state, inputs, targets)
        if step == 1 or step % report_every == 0:
            training.report(step=step, loss=loss)


if __name__ == "__main__":
    train()
