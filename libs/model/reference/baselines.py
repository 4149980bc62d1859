"""What PyTorch computes with small models of the families that `transformers` does not know, which the tests compare with.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/model/reference/baselines.py && npx prettier --write libs/model/reference

makes a file a family, as `families.py` does for those of transformers; weights and inputs are its formulas. The modules
below are what the checkpoints of these families mean: `tensors` has every tensor by its name there.
"""

import json
import pathlib
import sys

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from families import CONTEXT, HIDDEN, LABELS, LENGTHS, PROJECTIONS, VOCABULARY, inputs, loss, value, wave

CONFIG = dict(vocab_size=VOCABULARY, hidden_size=HIDDEN, max_position_embeddings=CONTEXT, dropout=0.5)


class MeanEmbeddings(nn.Module):
    """The mean of the embeddings of a text's tokens, in a linear classifier."""

    def __init__(self, config):
        super().__init__()
        self.embeddings = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.dropout = nn.Dropout(config["dropout"])
        self.classifier = nn.Linear(config["hidden_size"], LABELS)

    def tensors(self):
        return dict(self.named_parameters())

    def forward(self, tokens, lengths):
        texts = [self.embeddings(text[:real]).mean(0) for text, real in zip(tokens, lengths)]
        return self.classifier(self.dropout(torch.stack(texts)))


class Cnn(nn.Module):
    """Convolutions over tokens, of several widths, each at its largest over the text. `convolution.weight` has the filters
    of the first place of the first width, those of its second place, and so on."""

    def __init__(self, config):
        super().__init__()
        self.widths, self.filters = config["widths"], config["filters"]
        self.embeddings = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.weight = nn.Parameter(torch.empty(sum(self.widths) * self.filters, config["hidden_size"]))
        self.bias = nn.Parameter(torch.empty(len(self.widths) * self.filters))
        self.dropout = nn.Dropout(config["dropout"])
        self.classifier = nn.Linear(len(self.widths) * self.filters, LABELS)

    def tensors(self):
        names = {"embeddings.weight": self.embeddings.weight, "convolution.weight": self.weight, "convolution.bias": self.bias}
        return names | {f"classifier.{name}": value for name, value in self.classifier.named_parameters()}

    def forward(self, tokens, lengths):
        weights = self.weight.split([width * self.filters for width in self.widths])
        biases = self.bias.split(self.filters)
        texts = []
        for text, real in zip(tokens, lengths):
            found = []
            for width, weight, bias in zip(self.widths, weights, biases):
                x = self.embeddings(text[:real]).T
                x = nn.functional.pad(x, (0, max(0, width - real)))
                kernel = weight.view(width, self.filters, -1).permute(1, 2, 0)
                found.append(nn.functional.conv1d(x, kernel, bias).relu().max(1).values)
            texts.append(torch.cat(found))
        return self.classifier(self.dropout(torch.stack(texts)))


class Lstm(nn.Module):
    """A bidirectional LSTM. Of the two biases of each gate that PyTorch has, the one of the states is 0."""

    def __init__(self, config):
        super().__init__()
        width, units, layers = config["hidden_size"], config["units"], config["num_hidden_layers"]
        self.embeddings = nn.Embedding(config["vocab_size"], width)
        self.lstm = nn.LSTM(width, units, layers, batch_first=True, bidirectional=True, dropout=config["dropout"])
        for name, parameter in self.lstm.named_parameters():
            if name.startswith("bias_hh"):
                nn.init.zeros_(parameter)
        self.dropout = nn.Dropout(config["dropout"])
        self.classifier = nn.Linear(2 * units, LABELS)

    def tensors(self):
        names = {"embeddings.weight": self.embeddings.weight}
        for layer in range(self.lstm.num_layers):
            for direction, suffix in ("forward", ""), ("backward", "_reverse"):
                for ours, theirs in ("input.weight", "weight_ih"), ("input.bias", "bias_ih"), ("recurrent.weight", "weight_hh"):
                    names[f"layers.{layer}.{direction}.{ours}"] = getattr(self.lstm, f"{theirs}_l{layer}{suffix}")
        for name, parameter in self.named_parameters():
            if not name.startswith(("embeddings.", "lstm.")):
                names[name] = parameter
        return names

    def states(self, tokens, lengths):
        packed = pack_padded_sequence(self.embeddings(tokens), torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])[0]


class LstmForTokens(Lstm):
    def forward(self, tokens, lengths):
        return self.classifier(self.dropout(self.states(tokens, lengths)))


class LstmForSequences(Lstm):
    """States are pooled by attention (Yang et al., 2016)."""

    def __init__(self, config):
        super().__init__(config)
        width = 2 * config["units"]
        self.attention = nn.ModuleDict(dict(hidden=nn.Linear(width, width), score=nn.Linear(width, 1, bias=False)))

    def forward(self, tokens, lengths):
        states = self.states(tokens, lengths)
        scores = self.attention["score"](self.attention["hidden"](states).tanh())[..., 0]
        real = torch.arange(tokens.shape[1])[None] < torch.tensor(lengths)[:, None]
        weights = scores.masked_fill(~real, -torch.inf).softmax(1)
        return self.classifier(self.dropout((weights[..., None] * states).sum(1)))


class Word2Vec(nn.Module):
    """Vectors of words, and those that they predict. An example has a vector: that of a word of a window, or their mean."""

    ROWS = [0, 1, 3, 4, 6, 10]
    WINDOWS = [(0, 2), (0, 4), (1, 4), (2, 5), (4, 5), (5, 6)]
    SAMPLES = [(2, 9, 4), (3, 3, 7), (5, -1, 2), (8, 10, 1), (4, 6, -1), (9, 3, 0)]

    def __init__(self, config):
        super().__init__()
        self.mean = config["algorithm"] == "cbow"
        self.embeddings = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.outputs = nn.Linear(config["hidden_size"], config["vocab_size"], bias=False)

    def tensors(self):
        return dict(self.named_parameters())

    def forward(self, tokens, lengths):
        return self.outputs(self.embeddings(tokens))

    def loss(self, tokens):
        words = self.embeddings(tokens.flatten()[self.ROWS])
        total = torch.zeros((), dtype=words.dtype)
        for row, ((first, end), (own, *others)) in enumerate(zip(self.WINDOWS, self.SAMPLES)):
            around = [words[at] for at in range(first, end) if at != row]
            if self.mean and around:
                around = [torch.stack(around).mean(0)]
            for vector in around:
                scores = self.outputs.weight @ vector
                total = total - nn.functional.logsigmoid(scores[own])
                total = total - sum(nn.functional.logsigmoid(-scores[other]) for other in others if other >= 0)
        return total


FAMILIES = {
    "ringmaster-word2vec": dict(
        classes={
            "RingmasterWord2VecForNegativeSampling": Word2Vec,
            "RingmasterWord2VecForNegativeSampling_cbow": Word2Vec,
        },
        config=dict(
            vocab_size=VOCABULARY, hidden_size=HIDDEN, max_position_embeddings=CONTEXT, algorithm="skip-gram", window=3,
            negatives=2, subsample=0.001,
        ),
        each=dict(RingmasterWord2VecForNegativeSampling_cbow=dict(algorithm="cbow")),
    ),
    "ringmaster-mean-embeddings": dict(
        classes={"RingmasterMeanEmbeddingsForSequenceClassification": MeanEmbeddings},
        config=CONFIG,
    ),
    "ringmaster-cnn": dict(
        classes={"RingmasterCnnForSequenceClassification": Cnn},
        # Of the three texts two are shorter than the widest window.
        config=CONFIG | dict(filters=3, widths=[2, 3, 5]),
    ),
    "ringmaster-lstm": dict(
        classes={
            "RingmasterLstmForSequenceClassification": LstmForSequences,
            "RingmasterLstmForTokenClassification": LstmForTokens,
        },
        config=CONFIG | dict(num_hidden_layers=2, units=6),
        each=dict(RingmasterLstmForTokenClassification=dict(num_hidden_layers=1, units=20)),
    ),
}


def reference(family: str, name: str) -> dict:
    config = FAMILIES[family]["config"] | FAMILIES[family].get("each", {}).get(name, {})
    model = FAMILIES[family]["classes"][name](config).double().eval()
    tensors = model.tensors()
    with torch.no_grad():
        for tensor, parameter in tensors.items():
            parameter.copy_(value(tensor, parameter.shape))
    tokens, _ = inputs(name.split("_")[0])
    logits = model(tokens, LENGTHS)
    total = model.loss(tokens) if isinstance(model, Word2Vec) else loss(name.split("_")[0], logits)
    total.backward()
    gradients = {}
    for tensor, parameter in tensors.items():
        gradient = parameter.grad.flatten()
        gradients[tensor] = [(gradient @ wave(f"{tensor}/{k}", gradient.numel())).item() for k in range(PROJECTIONS)]
    labels = {str(label): f"LABEL_{label}" for label in range(LABELS)}
    return {
        "config": config | {"model_type": family, "architectures": [name.split("_")[0]], "id2label": labels},
        "tensors": {tensor: list(parameter.shape) for tensor, parameter in tensors.items()},
        "lossSum": total.item(),
        "logits": logits.detach().flatten().tolist(),
        "gradients": gradients,
    }


def make(family: str) -> None:
    made = {"torch": torch.__version__.split("+")[0]}
    classes = {name: reference(family, name) for name in FAMILIES[family]["classes"]}
    path = pathlib.Path(__file__).with_name(f"{family}.json")
    path.write_text(json.dumps({"made": made, "classes": classes}) + "\n")


if __name__ == "__main__":
    for each in sys.argv[1:] or FAMILIES:
        make(each)
