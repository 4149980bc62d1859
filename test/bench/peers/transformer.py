"""GPT and BERT in PyTorch, at their fastest: one packed projection, `scaled_dot_product_attention`, and of a masked model
the logits at the masked positions alone. Parameters are called as ours are, so that both sides begin with the same values."""

import torch
import torch.nn.functional as F
from torch import nn


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
    def __init__(self, architecture, layers, hidden, heads, intermediate, context, vocabulary, dropout, narrow):
        """`narrow`: only the masked rows are computed from the last attention on."""
        super().__init__()
        self.dropout, self.narrow = dropout, narrow
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
        elif self.narrow:
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

    @staticmethod
    def collate(batch):
        """What `forward` takes of a batch, and how many targets there are."""
        targets_N = batch["targets"].flatten()
        rows_K = (targets_N != -1).nonzero().flatten()
        if len(rows_K) == len(targets_N):
            return (batch["tokens"], targets_N, None), len(targets_N)
        return (batch["tokens"], targets_N[rows_K], rows_K), len(rows_K)

    def begin(self, initial):
        """Values of the other side, from a file of float32; None for values as GPT-2 begins with."""
        if initial is None:
            self.apply(draw)
            return self
        count = sum(p.numel() for p in self.parameters())
        values = torch.from_file(initial["path"], size=count, dtype=torch.float32)
        parameters = dict(self.named_parameters())
        at = 0
        for ours in initial["names"]:
            parameter = parameters.pop(ours.replace("embeddings.type.", "embeddings.token_type."))
            with torch.no_grad():
                parameter.copy_(values[at : at + parameter.numel()].view_as(parameter))
            at += parameter.numel()
        assert not parameters, f"no initial values for {list(parameters)}"
        return self


def draw(module):
    """In place of what a layer has drawn already."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
