"""The peer of `step` and `train`: the same GPT or BERT in PyTorch, at its fastest settings on one thread a process or on one card.

Started by the benchmark with its settings as JSON in the first argument; several ranks train with DistributedDataParallel
over gloo. It answers one line of JSON when it is ready, and one for every line `{"steps": n}` on stdin; it computes only
in between.
"""

import contextlib
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

settings = json.loads(sys.argv[1])
rank, size = settings["rank"], settings["size"]
# gloo itself writes to stdout, which is for answers.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.manual_seed(settings["seed"])


class Attention(nn.Module):
    def __init__(self, hidden, heads, causal, dropout, epsilon):
        super().__init__()
        self.heads, self.causal, self.dropout = heads, causal, dropout
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden, eps=epsilon)

    def forward(self, x_BTH, rows_K=None):
        B, T, H = x_BTH.shape
        packed = self.qkv(x_BTH).view(B, T, 3, self.heads, H // self.heads)
        q_BATD, k_BATD, v_BATD = packed.permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(
            q_BATD, k_BATD, v_BATD, dropout_p=self.dropout, is_causal=self.causal
        )
        context = context.transpose(1, 2).reshape(B, T, H)
        return self.output(context if rows_K is None else context.flatten(0, 1)[rows_K])


class FeedForward(nn.Module):
    def __init__(self, hidden, intermediate, approximate, epsilon):
        super().__init__()
        self.approximate = approximate
        self.up = nn.Linear(hidden, intermediate)
        self.down = nn.Linear(intermediate, hidden)
        self.norm = nn.LayerNorm(hidden, eps=epsilon)

    def forward(self, x_BTH):
        return self.down(F.gelu(self.up(x_BTH), approximate=self.approximate))


class Block(nn.Module):
    def __init__(self, pre, attention, feedforward, dropout):
        super().__init__()
        self.pre, self.dropout = pre, dropout
        self.attention, self.feedforward = attention, feedforward

    def forward(self, x_BTH):
        for sublayer in (self.attention, self.feedforward):
            if self.pre:
                x_BTH = x_BTH + self.drop(sublayer(sublayer.norm(x_BTH)))
            else:
                x_BTH = sublayer.norm(x_BTH + self.drop(sublayer(x_BTH)))
        return x_BTH

    def at(self, x_BTH, rows_K):
        """The same of a post-norm block, [K, H]: only attention sees the other rows."""
        attention, feedforward = self.attention, self.feedforward
        x_KH = x_BTH.flatten(0, 1)[rows_K]
        x_KH = attention.norm(x_KH + self.drop(attention(x_BTH, rows_K)))
        return feedforward.norm(x_KH + self.drop(feedforward(x_KH)))

    def drop(self, x_BTH):
        return F.dropout(x_BTH, self.dropout) if self.dropout > 0 else x_BTH


class Transformer(nn.Module):
    """Parameters are called as ours are, so that both sides begin with the same values."""

    def __init__(self, architecture, layers, hidden, heads, intermediate, context, vocabulary, dropout):
        super().__init__()
        self.dropout = dropout
        gpt = architecture == "gpt"
        epsilon = 1e-5 if gpt else 1e-12
        self.embeddings = nn.ModuleDict(
            {"token": nn.Embedding(vocabulary, hidden), "position": nn.Embedding(context, hidden)}
        )
        if not gpt:
            # Ours is called type, which is the name of a method of every module.
            self.embeddings["token_type"] = nn.Embedding(2, hidden)
            self.embeddings["norm"] = nn.LayerNorm(hidden, eps=epsilon)
        self.blocks = nn.ModuleList(
            Block(
                gpt,
                Attention(hidden, heads, gpt, dropout, epsilon),
                FeedForward(hidden, intermediate, "tanh" if gpt else "none", epsilon),
                dropout,
            )
            for _ in range(layers)
        )
        if gpt:
            self.final = nn.ModuleDict({"norm": nn.LayerNorm(hidden, eps=epsilon)})
        else:
            self.head = nn.ModuleDict(
                {"transform": nn.Linear(hidden, hidden), "norm": nn.LayerNorm(hidden, eps=epsilon)}
            )
            self.head.register_parameter("bias", nn.Parameter(torch.zeros(vocabulary)))

    def forward(self, tokens_BT, targets_K, rows_K):
        """The cross-entropy at the rows that count, summed; None for all of them."""
        x_BTH = self.embeddings["token"](tokens_BT) + self.embeddings["position"].weight[: tokens_BT.shape[1]]
        if "token_type" in self.embeddings:
            x_BTH = self.embeddings["norm"](x_BTH + self.embeddings["token_type"].weight[0])
        if self.dropout > 0:
            x_BTH = F.dropout(x_BTH, self.dropout)
        for block in self.blocks[:-1]:
            x_BTH = block(x_BTH)
        last = self.blocks[-1]
        if rows_K is None:
            x_KH = last(x_BTH).flatten(0, 1)
        elif settings["narrow"]:
            x_KH = last.at(x_BTH, rows_K)
        else:
            x_KH = last(x_BTH).flatten(0, 1)[rows_K]
        bias = None
        if hasattr(self, "final"):
            x_KH = self.final["norm"](x_KH)
        else:
            x_KH = self.head["norm"](F.gelu(self.head["transform"](x_KH)))
            bias = self.head.bias
        logits_KV = F.linear(x_KH, self.embeddings["token"].weight, bias)
        return F.cross_entropy(logits_KV, targets_K, reduction="sum")


device = torch.device(settings["device"])
network = Transformer(**settings["model"])


def take(initial):
    """The values of the other side, from a file of float32."""
    values = torch.from_file(
        initial["path"], size=sum(p.numel() for p in network.parameters()), dtype=torch.float32
    )
    parameters = dict(network.named_parameters())
    at = 0
    for ours in initial["names"]:
        name = ours.replace("embeddings.type.", "embeddings.token_type.")
        with torch.no_grad():
            parameters[name].copy_(values[at : at + parameters[name].numel()].view_as(parameters[name]))
        at += parameters.pop(name).numel()
    assert not parameters, f"no initial values for {list(parameters)}"


def draw(module):
    """Values as GPT-2 begins with, in place of those that a layer has drawn already."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


if settings["initial"] is None:
    network.apply(draw)
else:
    take(settings["initial"])
network = network.to(device)
model = network
if size > 1:
    os.environ["GLOO_SOCKET_IFNAME"] = settings["interface"]
    dist.init_process_group("gloo", init_method=f"file://{settings['meeting']}", rank=rank, world_size=size)
    model = nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True, static_graph=True)
if settings["compile"]:
    model = torch.compile(model)
chosen = settings["optimizer"]
optimizer = torch.optim.AdamW(
    [
        {"params": [p for p in network.parameters() if p.dim() == 2], "weight_decay": chosen["weightDecay"]},
        {"params": [p for p in network.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ],
    lr=chosen["learningRate"],
    betas=(chosen["beta1"], chosen["beta2"]),
    eps=chosen["epsilon"],
    fused=True,
)

batch = settings["batch"]
M, T = batch["microbatches"], settings["model"]["context"]
B = batch["sequences"] // M
file = settings["batches"]
# int32 [steps, tokens | targets, M, B, T], each step's samples as the other side takes them; -1 where nothing is asked.
data = torch.from_file(file["path"], size=file["steps"] * 2 * M * B * T, dtype=torch.int32)
data = data.view(file["steps"], 2, M, B, T).long().to(device)
mine = range(rank, M, size)


def microbatch(step, index):
    tokens_BT, targets_N = data[step, 0, index], data[step, 1, index].flatten()
    rows_K = (targets_N != -1).nonzero().flatten()
    if len(rows_K) == len(targets_N):
        return tokens_BT, targets_N, None
    return tokens_BT, targets_N[rows_K], rows_K


# What a data loader would do in a process of its own.
steps = [[microbatch(step, index) for index in mine] for step in range(file["steps"])]
counts = [(data[step, 1] != -1).sum().item() for step in range(file["steps"])]
autocast = settings["precision"] == "bfloat16"


def train_step(step):
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for number, (tokens_BT, targets_K, rows_K) in enumerate(steps[step]):
        last = number + 1 == len(mine)
        with contextlib.nullcontext() if last or size == 1 else model.no_sync():
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                loss_sum = model(tokens_BT, targets_K, rows_K)
            # DistributedDataParallel takes the mean over the ranks.
            (loss_sum * (size / counts[step])).backward()
        total += loss_sum.item()
    nn.utils.clip_grad_norm_(network.parameters(), chosen["clip"])
    optimizer.step()
    return total / counts[step]


def peak_bytes():
    """The most memory that this process has had (proc(5)), as the other side takes it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def answer(message):
    print(json.dumps(message), file=answers, flush=True)


answer(
    {
        "parameters": sum(p.numel() for p in network.parameters()),
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0]},
    }
)
step = 0
for line in sys.stdin:
    started, processor = time.perf_counter(), time.process_time()
    losses = []
    for _ in range(json.loads(line)["steps"]):
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
