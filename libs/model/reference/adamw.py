"""Makes adamw.json: what PyTorch's AdamW and gradient clipping do to small tensors.

    pip install torch==2.9.1
    python libs/model/reference/adamw.py && npx prettier --write libs/model/reference
"""

import json
import pathlib

import torch

torch.manual_seed(7)
torch.set_num_threads(1)
SHAPES = {"weight": [7, 5], "bias": [5], "table": [3, 64]}
DECAY = {"weight": 0.1, "bias": 0.0, "table": 0.1}
SETTINGS = {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "weightDecay": 0.1, "clip": 1.0}
EXPONENT = 20
SCALE = 0.25

tensors = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in SHAPES.items()}
before = {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}
optimizer = torch.optim.AdamW(
    [{"params": [tensor], "weight_decay": DECAY[name]} for name, tensor in tensors.items()],
    betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
    eps=SETTINGS["epsilon"],
    foreach=False,
)
steps = []
for step in range(6):
    learning_rate = 0.01 / (step + 1)
    # The last step is small enough not to be clipped.
    sums = {
        name: torch.round(torch.randn(shape) * (0.02 if step == 5 else 1.0) * 2**EXPONENT).int()
        for name, shape in SHAPES.items()
    }
    for name, tensor in tensors.items():
        tensor.grad = sums[name].float() * 2.0**-EXPONENT * SCALE
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    norm = torch.nn.utils.clip_grad_norm_(tensors.values(), SETTINGS["clip"])
    optimizer.step()
    steps.append(
        {
            "learningRate": learning_rate,
            "gradientNorm": norm.item(),
            "sums": {name: value.flatten().tolist() for name, value in sums.items()},
            "after": {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()},
        }
    )

reference = {
    "torch": torch.__version__.split("+")[0],
    "settings": SETTINGS,
    "exponent": EXPONENT,
    "scale": SCALE,
    "tensors": [
        {"name": name, "shape": shape, "group": "decay" if DECAY[name] else "no-decay", "before": before[name]}
        for name, shape in SHAPES.items()
    ],
    "steps": steps,
}


def shorten(value):
    """float32 values with the nine digits that tell them apart."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [shorten(item) for item in value]
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    return value


pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(shorten(reference)) + "\n")
