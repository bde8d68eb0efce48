"""A small network on scikit-learn's digits: what every way of sweeping calls. Run as a script by Optuna."""

from __future__ import annotations


def train(lr: float = 0.01, steps: int = 120, width: int = 256) -> float:
    """Train, 8 ms a step on one core, and return the last loss."""
    import jax
    import jax.numpy as jnp
    import optax
    from sklearn.datasets import load_digits

    from kubelab import training

    training.context()
    pixels, labels = load_digits(return_X_y=True)
    images, classes = jnp.asarray(pixels / 16, jnp.float32), jnp.asarray(labels)
    keys = jax.random.split(jax.random.key(0), 3)
    sizes = ((64, width), (width, width), (width, 10))
    params = [jax.random.normal(key, size) / size[0] ** 0.5 for key, size in zip(keys, sizes, strict=True)]

    def loss_of(params: list[jax.Array]) -> jax.Array:
        hidden = jax.nn.relu(jax.nn.relu(images @ params[0]) @ params[1])
        return optax.softmax_cross_entropy_with_integer_labels(hidden @ params[2], classes).mean()

    @jax.jit
    def step_of(params: list[jax.Array], rate: float) -> tuple[list[jax.Array], jax.Array]:
        loss, gradients = jax.value_and_grad(loss_of)(params)
        return jax.tree.map(lambda weights, slope: weights - rate * slope, params, gradients), loss

    loss = jnp.inf
    for step in range(1, steps + 1):
        params, loss = step_of(params, lr)
        if step == 1 or step % 20 == 0:
            training.report(step=step, loss=loss)
    return float(loss)


if __name__ == "__main__":
    import sys
    import time

    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trials, steps = int(sys.argv[1]), int(sys.argv[2])

    def objective(trial: optuna.Trial) -> float:
        return train(trial.suggest_float("lr", 1e-3, 1e-1, log=True), steps)

    if trials > 1:
        study.optimize(objective, n_trials=1)
    started = time.monotonic()
    study.optimize(objective, n_trials=trials)
    print(f"seconds a trial: {(time.monotonic() - started) / trials}")
