"""The turns of the peers of `data` and `json-lines`: a line of JSON when they are ready, and one for each line on stdin."""

import json
import resource
import sys
import time


def processor_seconds():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def take_turns(prepare, modules):
    """`prepare` is given the directory to write to, and tells what it has made; of `modules` the versions are told."""
    versions = {module.__name__: module.__version__ for module in modules}
    print(json.dumps({"versions": {"python": sys.version.split()[0], **versions}}), flush=True)
    for line in sys.stdin:
        started, processor = time.perf_counter(), processor_seconds()
        found = prepare(json.loads(line)["directory"])
        seconds = time.perf_counter() - started
        answer = {"seconds": seconds, "processorSeconds": processor_seconds() - processor, **found}
        print(json.dumps(answer), flush=True)
