"""Weights from formulas that src/reference.test.fixture.ts repeats."""

import math
import tempfile

import torch
from safetensors import safe_open


def noise(name: str, size: int) -> torch.Tensor:
    """From -1 to 1: the fractions of 43758 sin(s + 13 i), doubled, where s is the sum of the name's character codes."""
    start = sum(name.encode())
    products = [43758 * math.sin(start + 13 * i) for i in range(size)]
    return torch.tensor([2 * (x - math.floor(x)) - 1 for x in products], dtype=torch.float64)


def model_of(model):
    """Fills the tensors that a model saves. Returns it with their shapes."""
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        with safe_open(f"{directory}/model.safetensors", "pt") as file:
            shapes = {tensor: list(file.get_slice(tensor).get_shape()) for tensor in file.keys()}
    parameters = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers())
    with torch.no_grad():
        for tensor, shape in shapes.items():
            offset = 1 if len(shape) == 1 and tensor.endswith(".weight") else 0
            parameters[tensor].copy_((noise(tensor, math.prod(shape)) + offset).reshape(shape))
    return model.eval(), shapes
