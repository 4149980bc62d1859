"""Makes optimizers.json: what PyTorch's optimizers and gradient clipping do to small tensors in 100 steps, and Lion.

    pip install torch==2.9.1 lion-pytorch==0.2.5
    python libs/model/reference/optimizers.py && npx prettier --write libs/model/reference
"""

import json
import pathlib

import torch
from lion_pytorch import Lion

torch.set_num_threads(1)
SHAPES = {"weight": [3, 5], "bias": [5], "table": [2, 8]}
DECAYS = {"weight": True, "bias": False, "table": True}
STEPS = 100
KEPT = [1, 2, 3, 10, 30, 100]
EXPONENT = 20
SCALE = 0.5
CLIP = 1.0
BETAS = {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8}
OPTIMIZERS = {
    "AdamW": {"algorithm": "adamw", **BETAS, "weightDecay": 0.1},
    "Adam": {"algorithm": "adam", **BETAS, "weightDecay": 0.1},
    "SGD": {"algorithm": "sgd", "momentum": 0, "nesterov": False, "weightDecay": 0.1},
    "SGD with momentum": {"algorithm": "sgd", "momentum": 0.9, "nesterov": False, "weightDecay": 0.1},
    "Lion": {"algorithm": "lion", "beta1": 0.9, "beta2": 0.99, "weightDecay": 0.1},
    "SGD with Nesterov's momentum": {"algorithm": "sgd", "momentum": 0.9, "nesterov": True, "weightDecay": 0.1},
}


def integers(length, seed):
    """A linear congruential generator's 32-bit integers, which the test makes again."""
    x, found = seed, []
    for _ in range(length):
        x = (x * 1_664_525 + 1_013_904_223 + 2**31) % 2**32 - 2**31
        found.append(x)
    return found


def gradients(step, index, length):
    """Sums as the ring gives them, in units of 2^-EXPONENT; those of every fourth step are too small to be clipped."""
    shift = 17 if step % 4 == 0 else 11
    return [x >> shift for x in integers(length, 1_000 * step + index)]


def rate(step):
    """The learning rate of a step, counted from 1."""
    return 0.05 / step


def build(settings, groups):
    decay = settings["weightDecay"]
    groups = [{"params": [tensor], "weight_decay": decay if decays else 0.0} for tensor, decays in groups]
    if settings["algorithm"] == "sgd":
        return torch.optim.SGD(
            groups, lr=1.0, momentum=settings["momentum"], nesterov=settings["nesterov"], foreach=False
        )
    if settings["algorithm"] == "lion":
        return Lion(groups, lr=1.0, betas=(settings["beta1"], settings["beta2"]))
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings["algorithm"]]
    betas = (settings["beta1"], settings["beta2"])
    return kind(groups, betas=betas, eps=settings["epsilon"], foreach=False)


def initial(shape, index):
    values = torch.tensor(integers(torch.Size(shape).numel(), 7 + index)).float() / 2**31
    return torch.nn.Parameter(values.reshape(shape))


def trajectory(settings):
    tensors = {name: initial(shape, index) for index, (name, shape) in enumerate(SHAPES.items())}
    optimizer = build(settings, [(tensor, DECAYS[name]) for name, tensor in tensors.items()])
    steps = []
    for step in range(1, STEPS + 1):
        for index, tensor in enumerate(tensors.values()):
            sums = torch.tensor(gradients(step, index, tensor.numel())).float().reshape(tensor.shape)
            tensor.grad = sums * 2.0**-EXPONENT * SCALE
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        norm = torch.nn.utils.clip_grad_norm_(tensors.values(), CLIP)
        optimizer.step()
        if step in KEPT:
            after = {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}
            steps.append({"step": step, "gradientNorm": norm.item(), "after": after})
    return steps


def shorten(value):
    """float32 values with the nine digits that tell them apart."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [shorten(item) for item in value]
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    return value


reference = {
    "torch": torch.__version__.split("+")[0],
    "exponent": EXPONENT,
    "scale": SCALE,
    "clip": CLIP,
    "tensors": [
        {"name": name, "shape": shape, "group": "decay" if DECAYS[name] else "no-decay"}
        for name, shape in SHAPES.items()
    ],
    "trajectories": [
        {"name": name, "settings": settings, "steps": trajectory(settings)} for name, settings in OPTIMIZERS.items()
    ],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(shorten(reference)) + "\n")
