"""Models in directories as a good user of PyTorch trains them: LLaMA and T5 as `transformers` has them, with adapters as PEFT
does, and the families that it does not know as plain modules. Each gives the loss of a batch, summed."""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parents[3] / "libs/model/reference"))


class Causal(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    @staticmethod
    def collate(batch):
        return (batch["tokens"], batch["targets"].flatten()), batch["targets"].numel()

    def forward(self, tokens_BT, targets_N):
        logits_BTV = self.model(input_ids=tokens_BT, use_cache=False).logits
        return F.cross_entropy(logits_BTV.flatten(0, 1), targets_N, reduction="sum")


class EncoderDecoder(nn.Module):
    """Of texts that are as long as the context: nothing is masked."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    @staticmethod
    def collate(batch):
        targets_N = batch["targets"].flatten()
        assert (targets_N != -1).all()
        return (batch["source"], batch["tokens"], targets_N), len(targets_N)

    def forward(self, source_BS, tokens_BT, targets_N):
        logits_BTV = self.model(input_ids=source_BS, decoder_input_ids=tokens_BT, use_cache=False).logits
        return F.cross_entropy(logits_BTV.flatten(0, 1), targets_N, reduction="sum")


class Classifier(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    @staticmethod
    def collate(batch):
        return (batch["tokens"], batch["lengths"].tolist(), batch["targets"]), len(batch["targets"])

    def forward(self, tokens_BT, lengths, classes_B):
        return F.cross_entropy(self.model(tokens_BT, lengths), classes_B, reduction="sum")


def transformers_model(directory, task, lora):
    import transformers

    kind = transformers.AutoModelForSeq2SeqLM if task == "sequence-to-sequence" else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(directory, dtype=torch.float32, attn_implementation="sdpa")
    if lora is not None:
        import peft

        targets = ["q_proj", "k_proj", "v_proj", "o_proj"]
        config = peft.LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules=targets, task_type="CAUSAL_LM")
        model = peft.get_peft_model(model, config)
    return EncoderDecoder(model) if task == "sequence-to-sequence" else Causal(model)


def plain_model(directory, config):
    import baselines

    class BatchedCnn(baselines.Cnn):
        """The same for all texts at once. Windows that begin beyond a text's end, or go over it, do not count."""

        def forward(self, tokens_BT, lengths):
            weights = self.weight.split([width * self.filters for width in self.widths])
            biases = self.bias.split(self.filters)
            lengths_B = torch.tensor(lengths)
            real = torch.arange(tokens_BT.shape[1])[None] < lengths_B[:, None]
            x_BCT = (self.embeddings(tokens_BT) * real[..., None]).transpose(1, 2)
            found = []
            for width, weight, bias in zip(self.widths, weights, biases):
                kernel = weight.view(width, self.filters, -1).permute(1, 2, 0)
                y_BFT = F.conv1d(x_BCT, kernel, bias).relu()
                last_B = (lengths_B - width).clamp(min=0)
                counts = torch.arange(y_BFT.shape[2])[None] <= last_B[:, None]
                found.append(y_BFT.masked_fill(~counts[:, None], 0).max(2).values)
            return self.classifier(self.dropout(torch.cat(found, 1)))

    kinds = {"ringmaster-cnn": BatchedCnn, "ringmaster-lstm": baselines.LstmForSequences}
    model = kinds[config["model_type"]](config)
    tensors = load_file(directory / "model.safetensors")
    parameters = model.tensors()
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors.pop(name))
    assert not tensors, f"{list(tensors)} are of nothing"
    # Each gate has one bias here, where PyTorch has two.
    kept = {id(parameter) for parameter in parameters.values()}
    for parameter in model.parameters():
        parameter.requires_grad_(id(parameter) in kept)
    return Classifier(model)


def open_model(directory, task, lora):
    """The model of a directory, in training; with low-rank adapters of attention, which alone are trained."""
    directory = pathlib.Path(directory)
    config = json.loads((directory / "config.json").read_text())
    if config["model_type"].startswith("ringmaster-"):
        return plain_model(directory, config).train()
    return transformers_model(directory, task, lora).train()
