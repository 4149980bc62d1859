"""What PEFT computes with low-rank adapters of small models, which src/families/adapters.test.ts compares with.

    pip install torch==2.9.1 transformers==5.23.0 peft==0.21.2
    python libs/model/reference/adapters.py && npx prettier --write libs/model/reference

makes adapters.json: of each class its `config.json`, PEFT's configuration, the names and shapes of the tensors that PEFT
saves, and of one microbatch the logits, the loss and the gradient of each of those tensors (as a few projections). The base
has the weights of families.py, and adapters those of the same formulas. With directories that Ringmaster wrote, the base
and its adapter beside it (`node libs/model/reference/export-adapter.js OUT`), it loads them instead and fails unless the
logits are the same:

    python libs/model/reference/adapters.py OUT
"""

import json
import pathlib
import sys
import tempfile

import peft
import torch
import transformers
from families import FAMILIES, LABELS, PROJECTIONS, SIZES, inputs, logits_of, loss, saved, value, wave
from safetensors import safe_open

CLASSES = {
    "LlamaForSequenceClassification": ("llama", dict(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"])),
    "LlamaForCausalLM": ("llama", dict(r=2, lora_alpha=3, use_rslora=True, target_modules=["k_proj", "o_proj", "gate_proj"])),
    "BertForTokenClassification": ("bert", dict(r=2, lora_alpha=4, target_modules=["query", "value", "intermediate.dense"])),
    "GPT2LMHeadModel": ("gpt2", dict(r=2, lora_alpha=4, fan_in_fan_out=True, target_modules=["c_attn", "mlp.c_proj"])),
    "T5ForConditionalGeneration": ("t5", dict(r=2, lora_alpha=4, target_modules=["q", "v", "wo"])),
}
TASK_TYPES = {
    "ForSequenceClassification": "SEQ_CLS", "ForTokenClassification": "TOKEN_CLS", "ForConditionalGeneration": "SEQ_2_SEQ_LM",
}
PREFIX = "base_model.model."


def base_of(name: str):
    family, _ = CLASSES[name]
    labels = dict(num_labels=LABELS) if name.endswith("Classification") else {}
    options = SIZES | FAMILIES[family]["config"] | FAMILIES[family].get("each", {}).get(name, {}) | labels
    model = getattr(transformers, name)(transformers.AutoConfig.for_model(family, **options))
    model.set_attn_implementation("eager")
    model = model.double().eval()
    parameters = dict(model.named_parameters(remove_duplicate=False))
    tensors = saved(model)
    with torch.no_grad():
        for tensor, shape in tensors.items():
            parameters[tensor].copy_(value(tensor, shape))
    return model, tensors


def reference(name: str) -> dict:
    base, base_tensors = base_of(name)
    config = base.config
    (task,) = [task for suffix, task in TASK_TYPES.items() if name.endswith(suffix)] or [None]
    task = task or "CAUSAL_LM"
    model = peft.get_peft_model(base, peft.LoraConfig(task_type=task, lora_dropout=0.0, **CLASSES[name][1])).double().eval()
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        written = json.loads(pathlib.Path(directory, "adapter_config.json").read_text())
        with safe_open(f"{directory}/adapter_model.safetensors", "pt") as file:
            tensors = {tensor: list(file.get_slice(tensor).get_shape()) for tensor in file.keys()}
    parameters = dict(model.named_parameters())

    def named(tensor: str) -> str:
        module, leaf = tensor.rsplit(".", 1)
        for name in (f"{module}.default.{leaf}", f"{module}.modules_to_save.default.{leaf}"):
            if name in parameters:
                return name
        raise KeyError(tensor)

    with torch.no_grad():
        for tensor, shape in tensors.items():
            parameters[named(tensor)].copy_(value(tensor, shape))
    logits = logits_of(name, model)
    total = loss(name, logits)
    total.backward()
    gradients = {}
    for tensor in tensors:
        gradient = parameters[named(tensor)].grad.flatten()
        gradients[tensor] = [(gradient @ wave(f"{tensor}/{k}", gradient.numel())).item() for k in range(PROJECTIONS)]
    assert sorted(named(tensor) for tensor in tensors) == sorted(n for n, p in parameters.items() if p.requires_grad)
    return {
        "config": json.loads(config.to_json_string(use_diff=False)) | {"architectures": [name]},
        "adapter": {key: each for key, each in written.items() if key != "base_model_name_or_path"},
        "base": base_tensors,
        "tensors": tensors,
        "lossSum": total.item(),
        "logits": logits.detach().flatten().tolist(),
        "gradients": gradients,
    }


def check(directory: pathlib.Path) -> None:
    """Loads the bases and adapters that Ringmaster wrote, a folder a class."""
    references = json.loads(pathlib.Path(__file__).with_suffix(".json").read_text())["classes"]
    for folder in sorted(directory.iterdir()):
        name = folder.name
        base = getattr(transformers, name).from_pretrained(folder / "base")
        model = peft.PeftModel.from_pretrained(base, folder / "adapter").eval()
        _, mask = inputs(name)
        logits = logits_of(name, model).flatten()
        wanted = torch.tensor(references[name]["logits"])
        real = mask[:, :, None].expand(-1, -1, logits.numel() // mask.numel()).flatten() if logits.numel() > 9 else 1
        difference = ((logits - wanted) * real).abs().max().item()
        assert difference < 1e-4, difference
        print(json.dumps({"class": name, "peft": peft.__version__, "difference": difference}))


if __name__ == "__main__":
    if sys.argv[1:]:
        check(pathlib.Path(sys.argv[1]))
    else:
        versions = {each.__name__: each.__version__.split("+")[0] for each in (torch, transformers, peft)}
        found = {"made": versions, "classes": {name: reference(name) for name in CLASSES}}
        pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(found) + "\n")
