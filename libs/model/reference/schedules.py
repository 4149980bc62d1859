"""Makes schedules.json: what the schedules of transformers make of a learning rate of 1 in 100 steps.

    pip install torch==2.9.1 transformers==5.24.0
    python libs/model/reference/schedules.py && npx prettier --write libs/model/reference
"""

import json
import pathlib

import torch
import transformers
from transformers import optimization

STEPS = 100
CASES = [
    ({"warmup": 20, "decay": "linear"}, optimization.get_linear_schedule_with_warmup, (20, STEPS), {}),
    ({"warmup": 0, "decay": "cosine"}, optimization.get_cosine_schedule_with_warmup, (0, STEPS), {}),
    (
        {"warmup": 10, "decay": "cosine", "floor": 0.1},
        optimization.get_cosine_with_min_lr_schedule_with_warmup,
        (10, STEPS),
        {"min_lr_rate": 0.1},
    ),
    ({"warmup": 7, "decay": "constant"}, optimization.get_constant_schedule_with_warmup, (7,), {}),
    (
        {"warmup": 10, "decay": "polynomial", "power": 3, "floor": 0.25},
        optimization.get_polynomial_decay_schedule_with_warmup,
        (10, STEPS),
        {"power": 3, "lr_end": 0.25},
    ),
    ({"warmup": 10, "decay": "inverse-square-root"}, optimization.get_inverse_sqrt_schedule, (10,), {}),
    ({"warmup": 0, "decay": "inverse-square-root"}, optimization.get_inverse_sqrt_schedule, (0,), {}),
    (
        {"warmup": 10, "decay": "stable", "cooldown": 0.3, "floor": 0.05},
        optimization.get_wsd_schedule,
        (10, 30),
        {"num_training_steps": STEPS, "decay_type": "linear", "min_lr_ratio": 0.05},
    ),
]


def rates(make, arguments, options):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, *arguments, **options)
    found = []
    for _ in range(STEPS):
        found.append(float(f"{optimizer.param_groups[0]['lr']:.9g}"))
        optimizer.step()
        schedule.step()
    return found


reference = {
    "transformers": transformers.__version__,
    "cases": [
        {"schedule": schedule, "rates": rates(make, arguments, options)} for schedule, make, arguments, options in CASES
    ],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
