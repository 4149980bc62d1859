"""Makes generation.json: what small models of `transformers` generate, and what their samplers leave of logits. Weights come
from formulas that src/generation/generate.test.ts repeats.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/tasks/reference/generation.py && npx prettier --write libs/tasks/reference
"""

import json
import math
import pathlib
import tempfile

import torch
import transformers
from safetensors import safe_open
from transformers import LogitsProcessorList, MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

VOCABULARY = 40
PROMPTS = [[3, 14, 15], [9, 2, 6, 5, 35]]
CLASSES = {
    "GPT2LMHeadModel": transformers.GPT2Config(
        vocab_size=VOCABULARY, n_layer=2, n_embd=16, n_head=4, n_inner=24, n_positions=96, bos_token_id=None,
        eos_token_id=None,
    ),
    "LlamaForCausalLM": transformers.LlamaConfig(
        vocab_size=VOCABULARY, num_hidden_layers=2, hidden_size=16, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=24, max_position_embeddings=96, bos_token_id=None, eos_token_id=None,
    ),
}
CASES = {
    "greedy": dict(max_new_tokens=64),
    "greedy with a penalty": dict(max_new_tokens=64, repetition_penalty=1.3),
    "three beams": dict(max_new_tokens=24, num_beams=3),
    "four beams, which may end": dict(max_new_tokens=32, num_beams=4, eos_token_id=5),
}


def noise(name: str, size: int) -> torch.Tensor:
    """From -1 to 1: the fractions of 43758 sin(s + 13 i), doubled, where s is the sum of the name's character codes."""
    start = sum(name.encode())
    products = [43758 * math.sin(start + 13 * i) for i in range(size)]
    return torch.tensor([2 * (x - math.floor(x)) - 1 for x in products], dtype=torch.float64)


def model_of(name: str):
    model = getattr(transformers, name)(CLASSES[name])
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        with safe_open(f"{directory}/model.safetensors", "pt") as file:
            shapes = {tensor: list(file.get_slice(tensor).get_shape()) for tensor in file.keys()}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    with torch.no_grad():
        for tensor, shape in shapes.items():
            offset = 1 if len(shape) == 1 and tensor.endswith(".weight") else 0
            parameters[tensor].copy_((noise(tensor, math.prod(shape)) + offset).reshape(shape))
    return model.eval(), shapes


def class_of(name: str) -> dict:
    model, shapes = model_of(name)
    generated = {}
    for case, options in CASES.items():
        generated[case] = []
        for prompt in PROMPTS:
            tokens = torch.tensor([prompt])
            found = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False, pad_token_id=0, **options)
            generated[case].append(found[0, len(prompt):].tolist())
    config = json.loads(model.config.to_json_string(use_diff=False)) | {"architectures": [name]}
    return {"config": config, "tensors": shapes, "generated": generated}


WARPERS = {
    "temperature": [TemperatureLogitsWarper(0.7)],
    "topK": [TemperatureLogitsWarper(0.7), TopKLogitsWarper(5)],
    "topP": [TemperatureLogitsWarper(1.5), TopPLogitsWarper(0.8)],
    "minP": [TemperatureLogitsWarper(1.5), MinPLogitsWarper(0.2)],
    "all": [TemperatureLogitsWarper(2.0), TopKLogitsWarper(20), TopPLogitsWarper(0.9), MinPLogitsWarper(0.1)],
}


def probabilities(warpers) -> list:
    logits = (4 * noise("logits", VOCABULARY))[None]
    return LogitsProcessorList(warpers)(torch.tensor([[0]]), logits).softmax(-1)[0].tolist()


reference = {
    "made": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
    "classes": {name: class_of(name) for name in CLASSES},
    "probabilities": {name: probabilities(warpers) for name, warpers in WARPERS.items()},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
