"""The peer of `attention`: forward and backward of `scaled_dot_product_attention` on one thread.

It answers one line of JSON when it is ready, and one for every line `{"steps": n}` on stdin.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

settings = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.manual_seed(1)
T, A, D = settings["length"], settings["heads"], settings["depth"]
DTYPE = getattr(torch, settings["precision"])
FACTORS = dict(queries=7919, keys=6841, values=5309, slopes=3571)


def values(factor):
    """Numbers of a formula, [1,A,T,D], as a projection of tokens lies in memory."""
    numbers = (torch.arange(T * A * D) * factor % 1000).to(torch.float32) / 500 - 1
    return numbers.to(DTYPE).view(1, T, A, D).transpose(1, 2)


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def step():
    inputs = [values_of.detach().requires_grad_() for values_of in parts]
    context = F.scaled_dot_product_attention(*inputs, dropout_p=settings["dropout"], is_causal=settings["causal"])
    context.backward(slopes)
    return (context, *(each.grad for each in inputs))


*parts, slopes = [values(factor) for factor in FACTORS.values()]
print(json.dumps({"versions": {"torch": torch.__version__}}), flush=True)
for line in sys.stdin:
    started, processor = time.perf_counter(), time.process_time()
    for _ in range(json.loads(line)["steps"]):
        found = step()
    answer = {
        "seconds": time.perf_counter() - started,
        "processorSeconds": time.process_time() - processor,
        "peakBytes": peak_bytes(),
        "means": [tensor.detach().float().abs().mean().item() for tensor in found],
    }
    print(json.dumps(answer), flush=True)
