"""MLflow's clients of scoring servers and of deployments. Prints what they were told."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pandas as pd

PORT, TOKEN = sys.argv[1:]
os.environ |= {"MLFLOW_TRACKING_TOKEN": TOKEN, "MLFLOW_DISABLE_TELEMETRY": "true"}

from mlflow.deployments import get_deploy_client  # noqa: E402
from mlflow.pyfunc.scoring_server.client import ScoringServerClient  # noqa: E402

FRAME = pd.DataFrame(
    {
        "flight": ["f0", "f1"],
        "origin": ["JFK", "LGA"],
        "carrier": ["AA", "UA"],
        "departure": pd.to_datetime(["2013-04-01T15:30:00Z"] * 2),
        "distance": [0.25, np.nan],
        "dest": ["LAX", "MIA"],
        "temp": [3.0, 5.0],
        "wind": [0.5, 2.0],
        "hour": [15, 15],
    }
)
client = ScoringServerClient(f"argosy:{TOKEN}@127.0.0.1", PORT)
client.wait_server_ready()
columns = {name: FRAME[name].to_numpy() for name in FRAME if name not in ("departure", "distance")}
columns |= {"departure": np.array(["2013-04-01T15:30:00Z"] * 2), "distance": np.array([0.25, 1.0])}
deployments = get_deploy_client(f"http://127.0.0.1:{PORT}")
records = json.loads(FRAME.to_json(orient="records", date_format="iso"))
sys.stdout.write(
    json.dumps(
        {
            "version": client.get_version(),
            "frame": client.invoke(FRAME).get_predictions()[0].tolist(),
            "columns": client.invoke(columns, params={"at": "event"}).get_predictions()[0].tolist(),
            "deployment": deployments.predict(endpoint="late-arrival", inputs={"dataframe_records": records}),
        }
    )
)
