#!/usr/bin/env python3
"""The Python side of `simcap calibrate worker`: serves a function, a line of JSON per request.

    simcap calibrate worker -- python simcap_worker.py mymodule:predict

The function gets a list of inputs and returns anything. Inputs are made by `make_input` of the same
module if it is there, else they are None. `setup` of the same module, if it is there, runs once
before the worker says that it is ready: load the model in it. What the module prints goes to
standard error.
"""
import importlib
import json
import os
import sys
import time


def main():
    if len(sys.argv) != 2 or ":" not in sys.argv[1]:
        sys.exit("usage: simcap_worker.py MODULE:FUNCTION")
    out = os.fdopen(os.dup(1), "w", buffering=1)  # the protocol keeps standard output,
    os.dup2(2, 1)  # and what anyone prints goes to standard error
    sys.path.insert(0, os.getcwd())
    module_name, name = sys.argv[1].split(":", 1)

    def say(message):
        out.write(json.dumps(message) + "\n")
        out.flush()

    try:
        module = importlib.import_module(module_name)
        function = getattr(module, name)
        if hasattr(module, "setup"):
            module.setup()
    except Exception as error:  # noqa: BLE001 - whatever it is, the other side must know
        say({"simcap": 1, "ready": False, "error": "%s: %s" % (type(error).__name__, error)})
        raise
    make_input = getattr(module, "make_input", lambda: None)
    say({"simcap": 1, "ready": True, "pid": os.getpid()})
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "exit":
            return
        reply = {"id": request["id"], "n": request.get("n", 1), "fn_ns": 0}
        if request["op"] == "call":
            inputs = [make_input() for _ in range(reply["n"])]
            began = time.perf_counter_ns()
            try:
                function(inputs)
                torch = sys.modules.get("torch")
                if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
                    torch.cuda.synchronize()  # kernels run on after the call that started them returns
            except Exception as error:  # noqa: BLE001
                reply["error"] = "%s: %s" % (type(error).__name__, error)
            reply["fn_ns"] = time.perf_counter_ns() - began
        say(reply)


if __name__ == "__main__":
    main()
