"""Is what stands in a file a document of OpenAPI? `validate.py FILE`: an exception says what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator, validate

if __name__ == "__main__":
    validate(json.loads(Path(sys.argv[1]).read_text()), cls=OpenAPIV31SpecValidator)
