"""Parameterised notebooks as reports, and the notebooks that the package carries."""

from kubelab.reports.library import notebook_folder, open_folder, report_path
from kubelab.reports.runner import Parameter, ParameterError, ReportFailedError, parameters, run_report

__all__ = [
    "Parameter",
    "ParameterError",
    "ReportFailedError",
    "notebook_folder",
    "open_folder",
    "parameters",
    "report_path",
    "run_report",
]
