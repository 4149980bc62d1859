"""One rank of the peer of `ring`: gloo's all-reduce in `torch.distributed`.

It answers one line of JSON when all ranks are connected, and one for every line `{"operations": n, "bytes": b}`.
"""

import json
import os
import sys
import time

import torch
import torch.distributed as dist

settings = json.loads(sys.argv[1])
rank, size = settings["rank"], settings["size"]
os.environ["GLOO_SOCKET_IFNAME"] = settings["interface"]
# gloo itself writes to stdout, which is for answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{settings['meeting']}", rank=rank, world_size=size)


def answer(message):
    print(json.dumps(message), file=answers, flush=True)


sums = torch.full([settings["bytes"] // 4], float(rank + 1))
dist.all_reduce(sums)
assert bool((sums == size * (size + 1) / 2).all()), "the sum is wrong"
answer({"versions": {"torch": torch.__version__}})
for text in sys.stdin:
    line = json.loads(text)
    values = torch.zeros(line["bytes"] // 4)
    started, processor = time.perf_counter(), time.process_time()
    for _ in range(line["operations"]):
        dist.all_reduce(values)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - processor
    answer({"seconds": seconds, "processorSeconds": processor_seconds})
dist.destroy_process_group()
