"""The ``kubelab`` command: lab clusters, the lab itself, reports, language models, and prices."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from kubelab.errors import KubelabError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A Kubernetes lab for notebooks.",
)
catalogue = typer.Typer(no_args_is_help=True, help="Instance types and their prices.")
app.add_typer(catalogue, name="catalogue")
expander = typer.Typer(no_args_is_help=True, help="The expander that a Cluster Autoscaler asks.")
app.add_typer(expander, name="expander")
Name = Annotated[
    str, typer.Option(envvar="KUBELAB_CLUSTER", help="Which lab cluster; several can run at once.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]
Engine = Annotated[
    Literal["embedded", "binaries", "kind"] | None,
    typer.Option(
        help="What runs underneath: kubelab's own control plane; the real etcd and kube-apiserver "
        "found in KUBEBUILDER_ASSETS or on PATH; or kind, with Docker. A cluster keeps its engine.",
        show_default="embedded",
    ),
]
Warm = Annotated[
    bool, typer.Option(help="Keep a parent process with JAX imported, so that jobs start at once.")
]

Recorder = Annotated[
    bool,
    typer.Option(
        help="Keep jobs and sweeps as MLflow runs by themselves. Off, job.lineage() still does. "
        "KUBELAB_RECORDER=off does the same."
    ),
]
Recover = Annotated[
    bool,
    typer.Option("--recover", help="If the journal is damaged, keep it and start from what can be read."),
]
Nodes = Annotated[
    int | None,
    typer.Option(help="With --engine kind: how many, the first being the control plane.", min=1),
]
KubeProxyMode = Annotated[
    Literal["iptables", "ipvs", "nftables"] | None,
    typer.Option(help="With --engine kind: how Services are carried to pods."),
]
FeatureGates = Annotated[
    str | None,
    typer.Option(help="With --engine kind: Kubernetes' feature gates.", metavar="A=true,B=false"),
]


def plainly(function: Callable[..., None]) -> Callable[..., None]:
    """End a command's mistakes in one plain line and exit status 1."""

    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except (KubelabError, OSError) as error:
            _fail(str(error))
        except ModuleNotFoundError as error:
            extras = "grpc" if (error.name or "").partition(".")[0] in {"grpc", "google"} else "lab,jax"
            _fail(f"this needs {error.name}, which is not installed: pip install 'kubelab[{extras}]'")
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    return guarded


@app.command()
@plainly
def up(
    name: Name = "lab",
    *,
    engine: Engine = None,
    nodes: Nodes = None,
    kube_proxy_mode: KubeProxyMode = None,
    feature_gates: FeatureGates = None,
    warm: Warm = True,
    recorder: Recorder = True,
    recover: Recover = False,
    as_json: Json = False,
) -> None:
    """Start a cluster in the background, or bring back one whose process died."""
    from kubelab.engine import launch

    if recover and (recovered := launch.recover(name)):
        kept = f"Brought back {recovered.objects} objects; the damaged journal is kept as {recovered.kept}."
        typer.echo(kept, err=as_json)
    if not recorder:
        from kubelab.engine.recording import OFF, SWITCH

        os.environ[SWITCH] = OFF  # the control plane inherits it
    kind_options = None
    if nodes or kube_proxy_mode or feature_gates:
        from kubelab.engine.kind import KindOptions, parse_feature_gates

        kind_options = KindOptions(nodes or 1, kube_proxy_mode, parse_feature_gates(feature_gates or ""))
    running = launch.up(name, engine=engine, warm=warm, kind_options=kind_options)
    if running.engine == "kind" and not (warm and recorder):
        typer.echo("--no-warm and --no-recorder change nothing: the engine 'kind' has neither.", err=True)
    if as_json:
        reached = {key: value for key, value in asdict(running).items() if key != "engine"}
        typer.echo(json.dumps(reached))
        return
    process = f" (process {running.pid})" if running.pid else ""
    typer.echo(f"Cluster {running.name} is ready at {running.server}{process}.")
    typer.echo(f"  export KUBECONFIG={running.kubeconfig}")


@app.command()
@plainly
def down(
    name: Name = "lab",
    *,
    delete: Annotated[bool, typer.Option(help="Also delete its objects, logs and volumes.")] = False,
    as_json: Json = False,
) -> None:
    """End a cluster and its pods; its state stays unless --delete. One of the engine kind is deleted."""
    from kubelab.engine import launch
    from kubelab.engine.state import known

    existed = name in {folder.name for folder in known()}
    was_running = launch.down(name, delete=delete)
    delete = delete or (existed and name not in {folder.name for folder in known()})
    if as_json:
        typer.echo(json.dumps({"name": name, "was_running": was_running, "deleted": delete}))
        return
    if not existed:
        typer.echo(f"There is no cluster {name}.")
        return
    ended = f"Cluster {name} has ended." if was_running else f"Cluster {name} was not running."
    again = f" `kubelab up --name {name}` brings it back." if was_running else ""
    typer.echo(ended + (" Its state is deleted." if delete else again))


@app.command()
@plainly
def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show nodes, pods and requests each second, until Ctrl-C.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the lab clusters: where they are, and the memory of their control planes."""
    if watch:
        from kubelab.engine import board

        board.watch(as_json=as_json)
        return
    from kubelab.engine import report

    rows = [asdict(row) for row in report.clusters()]
    if as_json:
        typer.echo(json.dumps(rows))
    elif rows:
        _print_table(rows)
    else:
        typer.echo("There is no lab cluster. `kubelab up` starts one.")


@app.command()
@plainly
def doctor(*, as_json: Json = False) -> None:
    """Say what this machine can do for the lab, and what it cannot."""
    from kubelab.engine import report

    findings = report.machine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'no  '} {finding.subject}: {finding.detail}")
    if not all(finding.ok for finding in findings if finding.needed):
        raise typer.Exit(1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@plainly
def lab(
    context: typer.Context,
    name: Name = "lab",
    *,
    warm: Warm = True,
    folder: Annotated[Path | None, typer.Option(help="Where the notebooks are copied to.")] = None,
) -> None:
    """Serve the notebooks in JupyterLab with a cluster behind them. Further options go to Jupyter."""
    from kubelab.cluster import Cluster
    from kubelab.reports import open_folder
    from kubelab.reports.lab import serve_lab

    cluster, notebooks = Cluster.connect(name, warm=warm), open_folder(folder).resolve()
    typer.echo(f"Cluster {name} is ready; JupyterLab serves {notebooks}.")
    typer.echo("Ctrl-C ends JupyterLab. The cluster and its jobs go on until `kubelab down`.")
    serve_lab(cluster, notebooks, context.args)


@app.command()
@plainly
def demo(
    name: Name = "lab",
    *,
    html: Annotated[Path, typer.Option(help="The report it leaves.")] = Path("kubelab-demo.html"),
    steps: Annotated[int, typer.Option(help="Training steps.", min=1)] = 300,
    num_nodes: Annotated[int, typer.Option(help="Processes.", min=1)] = 2,
) -> None:
    """Run the first notebook's job in the terminal and leave an HTML report. Ctrl-C leaves the job alone."""
    from kubelab.reports.demo import run_demo

    typer.echo(f"The report is {run_demo(name, html=html, steps=steps, num_nodes=num_nodes)}.")


@app.command()
@plainly
def report(
    name: Annotated[str, typer.Argument(help="A report's name, or the path of a notebook.")],
    *,
    html: Annotated[Path, typer.Option(help="The file to write.")],
    parameter: Annotated[list[str] | None, typer.Option("-p", "--parameter", help="key=value")] = None,
) -> None:
    """Run a parameterised notebook and write it as one HTML file that needs no network."""
    from kubelab.reports import ParameterError, report_path, run_report
    from kubelab.reports.runner import parameters

    notebook = report_path(name)
    pairs = [text.partition("=") for text in parameter or []]
    for key, sign, _ in pairs:
        if not sign:
            raise ParameterError(f"-p {key} has no value: write -p {key}=value.", parameters(notebook))
    typer.echo(run_report(notebook, {key: value for key, _, value in pairs}, html))


@app.command()
@plainly
def pretrain(
    *,
    size: Annotated[str, typer.Option(help="The model's size: nano, micro, mini, small or medium.")] = "nano",
    steps: Annotated[int, typer.Option(help="Training steps.", min=1)] = 700,
    data: Annotated[
        str, typer.Option(help="The text: stdlib, stdlib-prose, a folder, or hf:NAME.")
    ] = "stdlib",
    from_hub: Annotated[
        str, typer.Option(help="Train nothing: keep a Llama-style model, a folder or OWNER/NAME on the hub.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Train a small language model to tune afterwards, once: it is kept and found again by its name."""
    from rich.console import Console

    from kubelab import llm

    with Console(stderr=True).status(f"Reading {from_hub or data} ...") as line:

        def show(step: int, loss: float, val_loss: float, tokens_per_second: int = 0) -> None:
            pace = f", {tokens_per_second:,} tokens/s" if tokens_per_second else ""
            line.update(f"Step {step} of {steps}: loss {loss:.3f}, validation {val_loss:.3f}{pace}")

        base = llm.adopt(from_hub) if from_hub else llm.make(size, steps, data, report=show)
    if as_json:
        typer.echo(json.dumps({**asdict(base), "path": str(base.path)}))
        return
    if base.val_loss is None:
        typer.echo(f"Base {base.name}: {base.data}, {base.config.parameters:,} weights.")
    else:
        typer.echo(
            f"Base {base.name}: loss {base.val_loss:.3f} nats a byte, {base.seconds:.0f} s of training."
        )
    typer.echo(f"  llm.finetune({base.name!r}) adapts it; it is kept in {base.path}.")


@catalogue.command("list")
@plainly
def list_types(
    *,
    select: Annotated[
        str, typer.Option(help="A condition in CEL, such as \"vcpu >= 8 && arch == 'arm64'\".")
    ] = "",
    sort: Annotated[str, typer.Option(help="By price, spot, vcpu, memory or name.")] = "",
    as_json: Json = False,
) -> None:
    """List instance types and their prices, each with the date when it held."""
    from kubelab.autoscaling.catalogue import Catalogue
    from kubelab.autoscaling.catalogue.listing import rows

    found = rows(Catalogue.load(), select, sort)
    if as_json:
        typer.echo(json.dumps(found))
    elif found:
        _print_table(found)
    else:
        typer.echo("No instance type is like that.")


@catalogue.command()
@plainly
def refresh(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV file with name, usd_per_hour and price_date at least.")
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to the catalogue of kubelab.")] = False,
) -> None:
    """Take a price file of your own as the catalogue, once it has been checked."""
    from kubelab.autoscaling.catalogue.catalogue import forget_own, keep_own

    if remove == (file is not None):
        raise KubelabError("name a price file, or --remove to go back to the catalogue of kubelab.")
    if file is not None:
        typer.echo(f"From now on: {keep_own(file)!r}.")
    elif forget_own():
        typer.echo("Your price file is no longer used.")
    else:
        typer.echo("There is no price file of yours.")


@expander.command()
@plainly
def serve(
    *,
    cert: Annotated[Path, typer.Option(help="The certificate, PEM; it must name the host that is asked.")],
    key: Annotated[Path, typer.Option(help="Its key, PEM.")],
    port: Annotated[int, typer.Option(help="Where to listen; 0 for a free port.", min=0, max=65535)] = 8086,
    host: Annotated[str, typer.Option(help="On which address; 0.0.0.0 is all.")] = "127.0.0.1",
    scores: Annotated[
        Path | None, typer.Option(help="InstanceScores, as `kubectl get instancescores -o yaml` prints.")
    ] = None,
    prices: Annotated[Path | None, typer.Option("--catalogue", help="A price file of your own.")] = None,
    chain: Annotated[
        str, typer.Option("--expander", help="Expanders by name, asked in turn, such as score,least-waste.")
    ] = "score",
    priorities: Annotated[
        Path | None, typer.Option(help="For the expander priority: its YAML, read for each request.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Where Prometheus reads.", min=0, max=65535)
    ] = None,
) -> None:
    """Serve grpcplugin.Expander for --expander=grpc,least-waste of Cluster Autoscaler, until Ctrl-C."""
    import logging

    from kubelab.autoscaling.service.running import Settings, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(Settings(cert, key, host, port, chain, scores, prices, priorities, metrics_port), typer.echo)


def _fail(message: str) -> NoReturn:
    typer.secho(f"kubelab: {message}", err=True, fg="red")
    raise typer.Exit(1) from None


def _print_table(rows: list[dict[str, Any]]) -> None:
    texts = [["-" if value is None else str(value) for value in row.values()] for row in rows]
    header = [key.upper().replace("_", " ") for key in rows[0]]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    for line in [header, *texts]:
        typer.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def main() -> None:
    """Run the command line."""
    app(prog_name="kubelab")


if __name__ == "__main__":
    main()
