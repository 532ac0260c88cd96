"""The registered model as a Spark function, where there is a Spark."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not here"),
    pytest.mark.skipif(
        importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed"
    ),
]


@pytest.mark.filterwarnings("ignore")
def test_the_model_scores_on_a_local_spark(tracked, small_result):
    import mlflow
    from pyspark.sql import SparkSession

    _, _, _, address = tracked
    patients = small_result.risk_models[small_result.chosen].example()
    spark = SparkSession.builder.master("local[1]").getOrCreate()
    try:
        score = mlflow.pyfunc.spark_udf(
            spark, address, result_type="risk_score double", env_manager="local"
        )
        rows = spark.createDataFrame(patients).select(score(*patients.columns).alias("s")).collect()
    finally:
        spark.stop()
    expected = mlflow.pyfunc.load_model(address).predict(patients)["risk_score"].iloc[0]
    assert rows[0]["s"]["risk_score"] == pytest.approx(expected, rel=1e-12)
