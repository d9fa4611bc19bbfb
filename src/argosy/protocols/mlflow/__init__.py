"""MLflow's REST protocol: experiments, runs, artifacts, models, as its clients from 2.22 to 3.18 speak it."""
