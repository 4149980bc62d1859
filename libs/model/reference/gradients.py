"""Reference values of BERT and GPT-2 from PyTorch `transformers`, which the tests compare with.

    pip install torch==2.9.1 transformers
    python libs/model/reference/gradients.py libs/model/reference/gradients.json
    npx prettier --write libs/model/reference/gradients.json

Weights and inputs come from formulas that src/architectures/reference.test.ts repeats, so that the file holds outputs
only: the loss, every gradient as a few projections, and logits.
"""

import json
import math
import sys

import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

LAYERS, HIDDEN, HEADS, INTERMEDIATE, CONTEXT, VOCABULARY, LABELS = 2, 8, 2, 12, 6, 11, 3
SEQUENCES, LENGTH = 3, 5
LENGTHS = [5, 3, 4]
PROJECTIONS = 3


def wave(name: str, size: int) -> torch.Tensor:
    """sin(1.7 i + s) / 2 where s is the sum of the name's character codes."""
    start = sum(name.encode())
    return torch.tensor([math.sin(1.7 * i + start) / 2 for i in range(size)], dtype=torch.float64)


def value(name: str, shape) -> torch.Tensor:
    """Norm weights are around 1, everything else around 0."""
    offset = 1 if name.endswith("norm.weight") else 0
    return (wave(name, math.prod(shape)) + offset).reshape(shape)


def block_names(i: int, hugging_face: dict) -> dict:
    return {f"blocks.{i}.{ours}": theirs for ours, theirs in hugging_face.items()}


def bert_names(model) -> dict:
    """Internal name -> (list of Hugging Face names, stacked along the rows)."""
    names = {
        "embeddings.token.weight": ["bert.embeddings.word_embeddings.weight"],
        "embeddings.position.weight": ["bert.embeddings.position_embeddings.weight"],
        "embeddings.type.weight": ["bert.embeddings.token_type_embeddings.weight"],
    }
    modules = {"embeddings.norm": ["bert.embeddings.LayerNorm"]}
    for i in range(LAYERS):
        layer = f"bert.encoder.layer.{i}"
        modules |= block_names(i, {
            "attention.qkv": [f"{layer}.attention.self.{part}" for part in ("query", "key", "value")],
            "attention.output": [f"{layer}.attention.output.dense"],
            "attention.norm": [f"{layer}.attention.output.LayerNorm"],
            "feedforward.up": [f"{layer}.intermediate.dense"],
            "feedforward.down": [f"{layer}.output.dense"],
            "feedforward.norm": [f"{layer}.output.LayerNorm"],
        })
    if isinstance(model, BertForMaskedLM):
        modules |= {
            "head.transform": ["cls.predictions.transform.dense"],
            "head.norm": ["cls.predictions.transform.LayerNorm"],
        }
        names["head.bias"] = ["cls.predictions.bias"]
    else:
        modules |= {"pooler": ["bert.pooler.dense"], "classifier": ["classifier"]}
    for ours, theirs in modules.items():
        for kind in ("weight", "bias"):
            names[f"{ours}.{kind}"] = [f"{name}.{kind}" for name in theirs]
    return names


def gpt_names(_) -> dict:
    names = {
        "embeddings.token.weight": ["transformer.wte.weight"],
        "embeddings.position.weight": ["transformer.wpe.weight"],
    }
    modules = {"final.norm": ["transformer.ln_f"]}
    for i in range(LAYERS):
        layer = f"transformer.h.{i}"
        modules |= block_names(i, {
            "attention.qkv": [f"{layer}.attn.c_attn"],
            "attention.output": [f"{layer}.attn.c_proj"],
            "attention.norm": [f"{layer}.ln_1"],
            "feedforward.up": [f"{layer}.mlp.c_fc"],
            "feedforward.down": [f"{layer}.mlp.c_proj"],
            "feedforward.norm": [f"{layer}.ln_2"],
        })
    for ours, theirs in modules.items():
        for kind in ("weight", "bias"):
            names[f"{ours}.{kind}"] = [f"{name}.{kind}" for name in theirs]
    return names


def transposed(model, ours: str) -> bool:
    """GPT-2's Conv1D stores [inputs, outputs]."""
    linear = (".qkv.weight", ".output.weight", ".up.weight", ".down.weight")
    return isinstance(model, GPT2LMHeadModel) and ours.endswith(linear)


def load(model, names: dict) -> None:
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for ours, theirs in names.items():
            tensors = [parameters[name] for name in theirs]
            rows = [tensor.T if transposed(model, ours) else tensor for tensor in tensors]
            shape = (sum(row.shape[0] for row in rows), *rows[0].shape[1:])
            start = 0
            for row, whole in zip(rows, [value(ours, shape)] * len(rows)):
                row.copy_(whole[start : start + row.shape[0]])
                start += row.shape[0]
    covered = {name for theirs in names.values() for name in theirs}
    unknown = set(parameters) - covered
    assert not unknown, unknown


def gradients(model, names: dict) -> dict:
    """Each gradient's inner products with `PROJECTIONS` waves."""
    parameters = dict(model.named_parameters())
    result = {}
    for ours, theirs in names.items():
        rows = [parameters[name].grad for name in theirs]
        gradient = torch.cat([row.T if transposed(model, ours) else row for row in rows]).flatten()
        result[ours] = [
            (gradient @ wave(f"{ours}/{k}", gradient.numel())).item() for k in range(PROJECTIONS)
        ]
    return result


def inputs():
    tokens = torch.tensor([1 + (7 * i * i + 3 * i) % (VOCABULARY - 1) for i in range(SEQUENCES * LENGTH)])
    mask = torch.tensor([[int(t < real) for t in range(LENGTH)] for real in LENGTHS])
    return tokens.reshape(SEQUENCES, LENGTH), mask


def run(model, names: dict, labels, loss, **extra) -> dict:
    model = model.double().eval()
    load(model, names)
    tokens, mask = inputs()
    logits = model(input_ids=tokens, attention_mask=mask, **extra).logits
    total = loss(logits, labels, mask)
    total.backward()
    return {
        "lossSum": total.item(),
        "logits": logits.detach().flatten().tolist(),
        "gradients": gradients(model, names),
    }


def cross_entropy(logits, labels):
    return torch.nn.functional.cross_entropy(logits, labels, reduction="sum")


def main(path: str) -> None:
    bert = dict(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=INTERMEDIATE, max_position_embeddings=CONTEXT, pad_token_id=0,
        attn_implementation="eager",
    )
    gpt = GPT2Config(
        vocab_size=VOCABULARY, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_inner=INTERMEDIATE,
        n_positions=CONTEXT, bos_token_id=None, eos_token_id=None, attn_implementation="eager",
    )
    # Flat positions of masked tokens, all of them real, with the tokens to predict there.
    positions = torch.tensor([0, 3, 6, 10, 13])
    masked = torch.tensor([2, 9, 4, 7, 1])
    classes = torch.tensor([2, 0, 1])

    def next_token(logits, _, mask):
        tokens, _ = inputs()
        counted = mask[:, 1:].bool()
        return cross_entropy(logits[:, :-1][counted], tokens[:, 1:][counted])

    mlm = BertForMaskedLM(BertConfig(**bert))
    classifier = BertForSequenceClassification(BertConfig(**bert, num_labels=LABELS))
    causal = GPT2LMHeadModel(gpt)
    result = {
        "made": {"torch": torch.__version__, "transformers": transformers.__version__},
        "masked-language-model": run(
            mlm, bert_names(mlm), masked,
            lambda logits, labels, _: cross_entropy(logits.flatten(0, 1)[positions], labels),
        ),
        "sequence-classification": run(
            classifier, bert_names(classifier), classes, lambda logits, labels, _: cross_entropy(logits, labels)
        ),
        "causal-language-model": run(causal, gpt_names(causal), None, next_token),
    }
    with open(path, "w") as file:
        file.write(json.dumps(result) + "\n")


main(sys.argv[1])
