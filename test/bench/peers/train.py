"""The peer of `train`: the same GPT in PyTorch, at its fastest settings in float32 on one thread.

Started by the benchmark with its settings as JSON in the first argument. It answers one line of JSON when it is ready,
and one for every line `{"steps": n}` on stdin; it computes only in between.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

settings = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
torch.manual_seed(settings["seed"])


class Block(nn.Module):
    def __init__(self, hidden, heads, intermediate, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.attention_norm = nn.LayerNorm(hidden)
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.output = nn.Linear(hidden, hidden)
        self.feedforward_norm = nn.LayerNorm(hidden)
        self.up = nn.Linear(hidden, intermediate)
        self.down = nn.Linear(intermediate, hidden)

    def forward(self, x_BTH):
        B, T, H = x_BTH.shape
        packed = self.qkv(self.attention_norm(x_BTH)).view(B, T, 3, self.heads, H // self.heads)
        q_BATD, k_BATD, v_BATD = packed.permute(2, 0, 3, 1, 4)
        context = F.scaled_dot_product_attention(
            q_BATD, k_BATD, v_BATD, dropout_p=self.dropout, is_causal=True
        )
        x_BTH = x_BTH + self.drop(self.output(context.transpose(1, 2).reshape(B, T, H)))
        wide = F.gelu(self.up(self.feedforward_norm(x_BTH)), approximate="tanh")
        return x_BTH + self.drop(self.down(wide))

    def drop(self, x_BTH):
        return F.dropout(x_BTH, self.dropout) if self.dropout > 0 else x_BTH


class GPT(nn.Module):
    def __init__(self, layers, hidden, heads, intermediate, context, vocabulary, dropout):
        super().__init__()
        self.dropout = dropout
        self.tokens = nn.Embedding(vocabulary, hidden)
        self.positions = nn.Embedding(context, hidden)
        self.blocks = nn.ModuleList(
            [Block(hidden, heads, intermediate, dropout) for _ in range(layers)]
        )
        self.norm = nn.LayerNorm(hidden)
        for name, parameter in self.named_parameters():
            residual = name.endswith(("output.weight", "down.weight"))
            deviation = 0.02 / (2 * layers) ** 0.5 if residual else 0.02
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=deviation)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens_BT, targets_BT):
        positions_TH = self.positions.weight[: tokens_BT.shape[1]]
        x_BTH = self.tokens(tokens_BT) + positions_TH
        if self.dropout > 0:
            x_BTH = F.dropout(x_BTH, self.dropout)
        for block in self.blocks:
            x_BTH = block(x_BTH)
        logits_BTV = F.linear(self.norm(x_BTH), self.tokens.weight)
        return F.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten(), ignore_index=-1)


model = GPT(**settings["model"])
if settings["compile"]:
    model.compile()
matrices = [p for p in model.parameters() if p.dim() == 2]
vectors = [p for p in model.parameters() if p.dim() == 1]
chosen = settings["optimizer"]
optimizer = torch.optim.AdamW(
    [
        {"params": matrices, "weight_decay": chosen["weightDecay"]},
        {"params": vectors, "weight_decay": 0.0},
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
# int32 [steps, tokens | targets, M, B, T], each step's samples as the other side takes them.
data = torch.from_file(file["path"], size=file["steps"] * 2 * M * B * T, dtype=torch.int32)
data = data.view(file["steps"], 2, M, B, T).long()


def train_step(tokens_MBT, targets_MBT):
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for tokens_BT, targets_BT in zip(tokens_MBT, targets_MBT):
        loss = model(tokens_BT, targets_BT) / M
        loss.backward()
        total += loss.item()
    nn.utils.clip_grad_norm_(model.parameters(), chosen["clip"])
    optimizer.step()
    return total


def answer(message):
    print(json.dumps(message), flush=True)


answer(
    {
        "parameters": sum(p.numel() for p in model.parameters()),
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0]},
    }
)
step = 0
for line in sys.stdin:
    started, processor = time.perf_counter(), time.process_time()
    losses = []
    for _ in range(json.loads(line)["steps"]):
        losses.append(train_step(*data[step]))
        step += 1
    answer(
        {
            "seconds": time.perf_counter() - started,
            "processorSeconds": time.process_time() - processor,
            "losses": losses,
        }
    )
