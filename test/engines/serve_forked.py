"""Imports vLLM once, then starts `vllm serve` in a fork of itself for each job that it reads, one JSON object a line:
{"argv": [...], "env": {...}, "inside": "shell", "limits": {"NOFILE": n}, "out": "file", "seconds": n}, where `inside` is run first
in a mount namespace of the fork's own. Answers each with {"code": n}, {"signal": n}, {"ready": true} or {"late": true}.
A failed start takes seconds instead of a minute: nearly all of a start is imports, in three processes one after the other."""

import ctypes
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time

sys.argv = ["vllm", "serve"]

import vllm.utils.system_utils as system_utils

# The CPU platform insists on spawn, which would import everything again.
system_utils.get_mp_context = lambda: multiprocessing.get_context("fork")

import vllm.entrypoints.cli.main
import vllm.entrypoints.cli.serve
import vllm.entrypoints.launchers.api_server.entry
import vllm.model_executor.models.llama
import vllm.v1.engine.async_llm
import vllm.v1.engine.core
import vllm.v1.worker.cpu_worker


def private_mounts(script, env):
    if ctypes.CDLL(None, use_errno=True).unshare(0x20000) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNS)")
    subprocess.run(["sh", "-ec", "mount --make-rprivate /; " + script], check=True, env=env)


def serve(job):
    os.setsid()
    out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    if "inside" in job:
        private_mounts(job["inside"], {**os.environ, "SCRATCH": job["env"]["SCRATCH"], "MODEL": job["env"]["MODEL"]})
    os.environ.update(job["env"])
    for name, limit in job.get("limits", {}).items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    sys.argv = ["vllm", "serve", *job["argv"]]
    vllm.entrypoints.cli.main.main()


def wait(pid, job):
    end = time.monotonic() + job["seconds"]
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"code": os.WEXITSTATUS(status)}
        with open(job["out"], errors="replace") as out:
            if "Application startup complete." in out.read():
                return {"ready": True}
        time.sleep(0.2)
    return {"late": True}


def run(job):
    open(job["out"], "w").close()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            serve(job)
            code = 0
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    ended = wait(pid, job)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    if "late" in ended or "ready" in ended:
        os.waitpid(pid, 0)
    return ended


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
