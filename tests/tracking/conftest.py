"""One tracked run, in a store of its own, for all tests of this package."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def tracked(small_result, small_folder, tmp_path_factory):
    import mlflow

    from allsurv.tracking import open_run, register

    store = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(store)
        patch.delenv("MLFLOW_RUN_ID", raising=False)
        mlflow.set_tracking_uri(f"sqlite:///{store}/mlflow.db")
        with open_run("tests", "small") as run:
            children = run.log(small_result, small_folder)
            address = register(small_result, small_folder)
        yield mlflow.MlflowClient(), run, children, address


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch
