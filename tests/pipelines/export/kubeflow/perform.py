"""Load a pipeline with the SDK of Kubeflow and run it on this machine: FILE ARGUMENTS-AS-JSON. Not a module of ours."""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

from kfp import local
from kfp.components import load_component_from_text
from kfp.local.subprocess_task_handler import SubprocessTaskHandler

# The runner leaves commands of images to Docker; here the command is on the PATH, and the image is not needed.
SubprocessTaskHandler.validate_not_container_component = lambda *_: None
warnings.filterwarnings("ignore", "You may be attemping to run a task", RuntimeWarning)

pipeline = load_component_from_text(Path(sys.argv[1]).read_text())
with tempfile.TemporaryDirectory() as root:
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root)
    pipeline(**json.loads(sys.argv[2]))
