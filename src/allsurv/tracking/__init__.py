"""MLflow: one parent run per experiment, one child run per model, and the registry.

The only package that imports MLflow. It logs what a
:class:`~allsurv.experiment.Result` and its folder hold, which has passed the
disclosure rules; no patient row is ever handed to it.
"""

import os as _os

import lazy_loader as _lazy

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOG_UV_FILES": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    _os.environ.setdefault(_name, _value)  # read when MLflow is imported

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "runs": [
            "ExperimentRun",
            "add_to_run",
            "download_run",
            "mark_killed",
            "open_endpoint_run",
            "open_run",
        ],
        "reproduction": ["log_reproduction"],
        "promotion": ["Promotion", "promote"],
        "registry": ["download_risk_model", "register", "registered_name"],
    },
)
