"""Reads lines of JSON, each the words after `serve MODEL`, and answers each with null or with what `vllm serve`'s own parser has against them."""
import json
import runpy
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

script = Path(__file__).parents[2] / "docker" / "engine-flags.py"
parser = runpy.run_path(str(script))["parser"]()

for line in sys.stdin:
    said = StringIO()
    try:
        with redirect_stderr(said):
            parser.parse_args(["model", *json.loads(line)])
        print("null")
    except (SystemExit, ValueError) as error:
        print(json.dumps((said.getvalue().strip().splitlines() or [str(error)])[-1]))
