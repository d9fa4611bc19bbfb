"""The command line: `python -m PACKAGE rows.json`, `python -m PACKAGE --self-test`."""

from .predict import main

raise SystemExit(main())
