"""Makes losses.json: the mean loss of a few rows and its gradient, by PyTorch's cross-entropy and PaLM's z-loss.

    pip install torch==2.9.1
    python libs/model/reference/losses.py && npx prettier --write libs/model/reference
"""

import json
import pathlib

import torch

torch.manual_seed(5)
logits = (3 * torch.randn(5, 7)).round(decimals=3)
logits[3, 2] = 200.0
bias = torch.randn(7).round(decimals=3)
targets = torch.tensor([0, 6, 2, 5, 2])
WEIGHTS = [0.5, 1.0, 2.5, 1.0, 0.25, 3.0, 1.0]
CASES = [
    {"labelSmoothing": smoothing, "zLoss": z, "classWeights": weights}
    for smoothing in (0, 0.1)
    for z in (0, 1e-3)
    for weights in (None, WEIGHTS)
]


def computed(case):
    x = logits.clone().double().requires_grad_()
    b = bias.clone().double().requires_grad_()
    weight = None if case["classWeights"] is None else torch.tensor(case["classWeights"]).double()
    entropy = torch.nn.functional.cross_entropy(
        x + b, targets, weight=weight, label_smoothing=case["labelSmoothing"]
    )
    own = torch.ones(len(targets)).double() if weight is None else weight[targets]
    z = (own * torch.logsumexp(x + b, dim=1) ** 2).sum() / own.sum()
    loss = entropy + case["zLoss"] * z
    loss.backward()
    return {**case, "loss": loss.item(), "dLogits": x.grad.flatten().tolist(), "dBias": b.grad.tolist()}


reference = {
    "torch": torch.__version__.split("+")[0],
    "shape": list(logits.shape),
    "logits": [round(value, 3) for value in logits.flatten().tolist()],
    "bias": [round(value, 3) for value in bias.tolist()],
    "targets": targets.tolist(),
    "cases": [computed(case) for case in CASES],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
