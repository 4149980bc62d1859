"""The peer of `train`: the same model in PyTorch, at its fastest settings on one thread a process or on one card.

Started by the benchmark with its settings as JSON in the first argument; several ranks train with DistributedDataParallel
over gloo. It answers one line of JSON when it is ready, and one for every line on stdin, `{"steps": n}` or `{"store": what}`;
it computes only in between.
"""

import contextlib
import json
import math
import os
import sys
import time

import torch
import torch.distributed as dist
from torch import nn

settings = json.loads(sys.argv[1])
rank, size = settings["rank"], settings["size"]
# gloo itself writes to stdout, which is for answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.manual_seed(settings["seed"])

if settings["network"] == "transformer":
    from transformer import Transformer

    network = Transformer(**settings["model"]).begin(settings["initial"])
else:
    from models import open_model

    network = open_model(settings["initial"]["directory"], settings["task"], settings["lora"])
device = torch.device(settings["device"])
network = network.to(device)
model = network
if size > 1:
    os.environ["GLOO_SOCKET_IFNAME"] = settings["interface"]
    dist.init_process_group("gloo", init_method=f"file://{settings['meeting']}", rank=rank, world_size=size)
    model = nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True, static_graph=True)
if settings["compile"]:
    model = torch.compile(model)
trained = [p for p in network.parameters() if p.requires_grad]
chosen = settings["optimizer"]
optimizer = torch.optim.AdamW(
    [
        {"params": [p for p in trained if p.dim() == 2], "weight_decay": chosen["weightDecay"]},
        {"params": [p for p in trained if p.dim() == 1], "weight_decay": 0.0},
    ],
    lr=chosen["learningRate"],
    betas=(chosen["beta1"], chosen["beta2"]),
    eps=chosen["epsilon"],
    fused=True,
)


def batch_of(places):
    """Arrays of a batch by name, from their offsets and extents."""
    return {name: data[at : at + math.prod(shape)].view(shape) for name, (at, *shape) in places.items()}


batches = settings["batches"]
data = torch.from_file(batches["path"], size=os.path.getsize(batches["path"]) // 4, dtype=torch.int32).long().to(device)
# What a data loader would do in a process of its own.
collated = [[network.collate(batch_of(places)) for places in step] for step in batches["steps"]]
counts = [sum(count for _, count in step) for step in collated]
steps = [[arguments for arguments, _ in step[rank::size]] for step in collated]
autocast = settings["precision"] == "bfloat16"
home = os.path.dirname(batches["path"])
stored = {"checkpoint": f"{home}/checkpoint.pt", "model": f"{home}/model.safetensors"}
step = 0
if settings["resume"]:
    checkpoint = torch.load(stored["checkpoint"], map_location=device)
    network.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    # The batches of the next step are those that there are.
    del checkpoint


def train_step(step):
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for number, arguments in enumerate(steps[step]):
        last = number + 1 == len(steps[step])
        with contextlib.nullcontext() if last or size == 1 else model.no_sync():
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                loss_sum = model(*arguments)
            # DistributedDataParallel takes the mean over the ranks.
            (loss_sum * (size / counts[step])).backward()
        total += loss_sum.item()
    nn.utils.clip_grad_norm_(trained, chosen["clip"])
    optimizer.step()
    return total / counts[step]


def peak_bytes():
    """The most memory that this process has had (proc(5)), as the other side takes it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def store(what):
    """Makes the state durable, as `torch.save` does, or the model alone, as safetensors does."""
    path = stored[what]
    if what == "checkpoint":
        torch.save({"model": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, path)
    else:
        from safetensors.torch import save_model

        save_model(network, path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def answer(message):
    print(json.dumps(message), file=answers, flush=True)


answer(
    {
        "parameters": sum(p.numel() for p in trained),
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0]},
    }
)
for line in sys.stdin:
    asked = json.loads(line)
    started, processor = time.perf_counter(), time.process_time()
    if "store" in asked:
        store(asked["store"])
        answer({"seconds": time.perf_counter() - started, "peakBytes": peak_bytes()})
        continue
    losses = []
    for _ in range(asked["steps"]):
        losses.append(train_step(step))
        step += 1
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - processor
    if size > 1:
        # Each rank has summed its own share of the loss.
        shared = torch.tensor(losses, dtype=torch.float64)
        dist.all_reduce(shared)
        losses = shared.tolist()
    answer(
        {
            "seconds": seconds,
            "processorSeconds": processor_seconds,
            "peakBytes": peak_bytes(),
            "losses": losses,
        }
    )
if size > 1:
    dist.destroy_process_group()
