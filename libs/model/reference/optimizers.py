"""Makes optimizers.json: what PyTorch's optimizers and gradient clipping do to small tensors in 100 steps, Lion, Adafactor
of transformers, and the moving average of weights of diffusers.

    pip install torch==2.9.1 lion-pytorch==0.2.5 transformers==4.57.6 diffusers==0.35.2
    python libs/model/reference/optimizers.py && npx prettier --write libs/model/reference
"""

import json
import pathlib

import torch
from diffusers.training_utils import EMAModel
from lion_pytorch import Lion
from transformers import Adafactor

torch.set_num_threads(1)
# Muon of PyTorch orthogonalises in bfloat16; what it computes is compared in float32.
torch.Tensor.bfloat16 = torch.Tensor.clone
SHAPES = {"weight": [3, 5], "bias": [5], "table": [2, 8]}
# Of matrices, how many are stacked in the tensor: each is a parameter of its own here.
MATRICES = {"weight": [3, 5], "bias": [5], "table": [2, 8], "stacked": [6, 4], "tall": [39, 6]}
STACKED = {"weight": 1, "stacked": 2, "tall": 1}
EMA_DECAY = 0.9
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
ADAFACTOR = {"algorithm": "adafactor", "decayRate": -0.8, "epsilon": 1e-30, "epsilonScale": 1e-3, "clipThreshold": 1.0}
OF_MATRICES = {
    "Adafactor": {**ADAFACTOR, "relativeStep": False, "warmupInit": False, "scaleParameter": False, "weightDecay": 0.1},
    "Adafactor with a mean of updates": {
        **ADAFACTOR, "relativeStep": False, "warmupInit": False, "scaleParameter": True, "beta1": 0.9, "weightDecay": 0.1
    },
    "Adafactor with relative steps": {
        **ADAFACTOR, "relativeStep": True, "warmupInit": False, "scaleParameter": True, "weightDecay": 0
    },
    "Adafactor with relative steps that warm up": {
        **ADAFACTOR, "relativeStep": True, "warmupInit": True, "scaleParameter": True, "weightDecay": 0
    },
    "Muon": {"algorithm": "muon", "momentum": 0.95, "nesterov": True, **BETAS, "weightDecay": 0.1},
    "Muon without Nesterov's momentum": {
        "algorithm": "muon", "momentum": 0.9, "nesterov": False, **BETAS, "weightDecay": 0.1
    },
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


def build(settings, tensors):
    """The optimizers of tensors, each a list of parameters by its name."""
    decay = settings["weightDecay"]
    groups = [
        {"params": parts, "weight_decay": 0.0 if name == "bias" else decay} for name, parts in tensors.items()
    ]
    if settings["algorithm"] == "muon":
        matrices = [group for name, group in zip(tensors, groups) if name in STACKED]
        others = [group for name, group in zip(tensors, groups) if name not in STACKED]
        muon = torch.optim.Muon(
            matrices, momentum=settings["momentum"], nesterov=settings["nesterov"], adjust_lr_fn="match_rms_adamw"
        )
        return [muon, *build({**settings, "algorithm": "adamw"}, {name: tensors[name] for name in ("bias", "table")})]
    return [build_one(settings, groups)]


def build_one(settings, groups):
    if settings["algorithm"] == "adafactor":
        relative = settings["relativeStep"]
        return Adafactor(
            groups,
            lr=None if relative else 1.0,
            eps=(settings["epsilon"], settings["epsilonScale"]),
            clip_threshold=settings["clipThreshold"],
            decay_rate=settings["decayRate"],
            beta1=settings.get("beta1"),
            scale_parameter=settings["scaleParameter"],
            relative_step=relative,
            warmup_init=settings["warmupInit"],
        )
    if settings["algorithm"] == "sgd":
        return torch.optim.SGD(
            groups, lr=1.0, momentum=settings["momentum"], nesterov=settings["nesterov"], foreach=False
        )
    if settings["algorithm"] == "lion":
        return Lion(groups, lr=1.0, betas=(settings["beta1"], settings["beta2"]))
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings["algorithm"]]
    betas = (settings["beta1"], settings["beta2"])
    return kind(groups, betas=betas, eps=settings["epsilon"], foreach=False)


def parts(values, shape, name):
    """Values of a tensor as the parameters that are stacked in it."""
    return list(values.reshape(shape).chunk(STACKED.get(name, 1)))


def initial(name, shape, index):
    values = torch.tensor(integers(torch.Size(shape).numel(), 7 + index)).float() / 2**31
    return [torch.nn.Parameter(part.clone()) for part in parts(values, shape, name)]


def trajectory(settings, shapes):
    tensors = {name: initial(name, shape, index) for index, (name, shape) in enumerate(shapes.items())}
    optimizers = build(settings, tensors)
    parameters = [part for tensor in tensors.values() for part in tensor]
    ema = EMAModel(parameters, decay=EMA_DECAY)
    steps = []
    for step in range(1, STEPS + 1):
        for index, (name, tensor) in enumerate(tensors.items()):
            shape = shapes[name]
            sums = torch.tensor(gradients(step, index, torch.Size(shape).numel())).float()
            for part, grad in zip(tensor, parts(sums * 2.0**-EXPONENT * SCALE, shape, name)):
                part.grad = grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = None if settings.get("relativeStep") else rate(step)
            optimizer.step()
        ema.step(parameters)
        if step in KEPT:
            after = {name: torch.cat(tensor).detach().flatten().tolist() for name, tensor in tensors.items()}
            average = torch.cat([part.flatten() for part in ema.shadow_params]).tolist()
            steps.append({"step": step, "gradientNorm": norm.item(), "after": after, "average": average})
    return steps


def described(shapes):
    """Tensors as a layout declares them; the matrices of those that only AdamW sees do not matter."""
    return [
        {
            "name": name,
            "shape": shape,
            "group": "no-decay" if name == "bias" else "decay",
            **({"matrices": STACKED[name]} if name in STACKED else {}),
        }
        for name, shape in shapes.items()
    ]


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
    "emaDecay": EMA_DECAY,
    "trajectories": [
        {"name": name, "settings": settings, "tensors": described(shapes), "steps": trajectory(settings, shapes)}
        for table, shapes in ((OPTIMIZERS, SHAPES), (OF_MATRICES, MATRICES))
        for name, settings in table.items()
    ],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(shorten(reference)) + "\n")
