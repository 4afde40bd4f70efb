"""
Writes the flags of the installed vLLM's `vllm serve` as one JSON document on stdout: run at image build, once for each engine version.

Names, kinds and choices come from the parser itself. What a flag takes is found by giving its converter a few words, because the converters
are closures without a name. Needs no GPU.
"""
import argparse
import hashlib
import importlib
import importlib.metadata
import json
import sys

# Building the defaults asks for a device type, which a build machine does not have.
import vllm.platforms.interface as interface

interface.UnspecifiedPlatform.device_type = "cuda"


def parser():
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    # 0.32, then 0.28 and before.
    for module in ("vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.openai.cli_args"):
        try:
            return importlib.import_module(module).make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    raise SystemExit("no argument parser where vLLM 0.28 to 0.32 have it")


def takes(convert, word):
    """The type of what a converter makes of a word, or None when it refuses it."""
    try:
        return type(convert(word))
    except Exception:
        return None


def kind(action):
    if isinstance(action, argparse.BooleanOptionalAction):
        return "boolean"
    if action.nargs == 0:
        return "switch"
    convert = action.type or str
    free = takes(convert, "word") is not None
    if takes(convert, '{"a": 1}') is dict or not free and takes(convert, "{}") not in (None, str):
        return "text-or-json" if free else "json"
    if free:
        return "text"
    if takes(convert, "1k") is int:
        return "size-or-auto" if takes(convert, "auto") is not None else "size"
    if takes(convert, "7") is int:
        return "whole"
    return "number" if takes(convert, "0.5") is float else "text"


def flag(action):
    longs = [name[2:] for name in action.option_strings if name.startswith("--") and not name.startswith("--no-")]
    others = longs[1:] + [name for name in action.option_strings if not name.startswith("--")]
    entry = {"kind": kind(action)}
    if action.nargs in ("+", "*"):
        entry["list"] = True
    if action.nargs == "?":
        entry["optional"] = True
    if type(action).__name__ == "_AppendAction":
        entry["repeats"] = True
    if action.choices is not None:
        # Python's None among them cannot be written on a command line.
        entry["choices"] = [choice for choice in action.choices if choice is not None]
    if others:
        entry["aliases"] = others
    return longs[0], entry


def build():
    """Tells apart builds of one version, which may come with another compiler: eight digits of all that compiles."""
    compilers = ("vllm", "torch", "triton", "pytorch-triton-rocm", "triton-rocm", "amd-aiter", "aiter")
    found = [f"{one.metadata['Name']}=={one.version}" for one in importlib.metadata.distributions() if (one.metadata["Name"] or "").lower() in compilers]
    return hashlib.sha256(" ".join([sys.version, *sorted(set(found))]).encode()).hexdigest()[:8]


def main():
    import vllm

    actions = [action for action in parser()._actions if action.option_strings and action.dest != "help"]
    flags = dict(sorted(flag(action) for action in actions))
    rows = ",\n".join(f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}" for name, entry in flags.items())
    sys.stdout.write(f'{{"engine":"vllm","version":{json.dumps(vllm.__version__)},"build":"{build()}","flags":{{\n{rows}\n}}}}\n')


if __name__ == "__main__":
    main()
