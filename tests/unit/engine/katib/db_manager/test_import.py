import subprocess
import sys


def test_controllers_do_not_load_what_only_the_db_managers_pod_needs() -> None:
    code = (
        "import sys, kubelab.engine.controllers.registry; "
        "print([name for name in ('grpc', 'google.protobuf') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
