"""What PyTorch's `transformers` computes with small models of every family, which the tests compare with.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/model/reference/families.py && npx prettier --write libs/model/reference
    python libs/model/reference/families.py bert gpt2

makes a file a family, of each class: its `config.json`, the names and shapes of the tensors that it saves, and of one
microbatch the logits, the loss and every gradient (as a few projections). Weights and inputs come from formulas that
src/families/reference.test.fixture.ts repeats. With directories that Ringmaster wrote (`node libs/model/reference/export.js
OUT`), it loads them instead, without arguments, and fails unless nothing is said of any tensor and the logits are the same:

    python libs/model/reference/families.py OUT/*
"""

import json
import logging
import math
import pathlib
import sys
import tempfile
import warnings

import torch
import transformers
from safetensors import safe_open

LAYERS, HIDDEN, HEADS, INTERMEDIATE, CONTEXT, VOCABULARY, LABELS = 2, 8, 2, 12, 6, 11, 3
LENGTHS = [5, 3, 4]
LENGTH = max(LENGTHS)
PROJECTIONS = 3
# Flat positions, all of them real, with the tokens or the classes to predict there; a class for each sequence.
POSITIONS = torch.tensor([0, 3, 6, 10, 13])
MASKED = torch.tensor([2, 9, 4, 7, 1])
CLASSES = torch.tensor([2, 0, 1])
TAGS = torch.tensor([2, 0, 1, 1, 2])

SIZES = dict(vocab_size=VOCABULARY, num_hidden_layers=LAYERS, hidden_size=HIDDEN, num_attention_heads=HEADS)
# Of those whose heads of keys and values are fewer than those of queries.
GROUPED = dict(
    num_attention_heads=4, num_key_value_heads=2, head_dim=4, intermediate_size=INTERMEDIATE,
    max_position_embeddings=CONTEXT, pad_token_id=0, bos_token_id=None, eos_token_id=None,
)
# Of encoder–decoders with positions in their embeddings.
PAIRED = dict(
    d_model=HIDDEN, encoder_layers=LAYERS, decoder_layers=LAYERS + 1, decoder_attention_heads=2,
    encoder_ffn_dim=INTERMEDIATE, decoder_ffn_dim=INTERMEDIATE, max_position_embeddings=CONTEXT, pad_token_id=0,
    bos_token_id=None, eos_token_id=1, decoder_start_token_id=1, forced_eos_token_id=1,
)
FAMILIES = {
    "bert": dict(
        classes=["BertForMaskedLM", "BertForSequenceClassification", "BertForTokenClassification"],
        config=dict(intermediate_size=INTERMEDIATE, max_position_embeddings=CONTEXT, pad_token_id=0),
    ),
    "gpt2": dict(
        classes=["GPT2LMHeadModel"],
        config=dict(n_inner=INTERMEDIATE, n_positions=CONTEXT, bos_token_id=None, eos_token_id=None),
    ),
    "roberta": dict(
        classes=["RobertaForMaskedLM", "RobertaForSequenceClassification", "RobertaForTokenClassification"],
        config=dict(intermediate_size=INTERMEDIATE, max_position_embeddings=CONTEXT + 2),
    ),
    "distilbert": dict(
        classes=["DistilBertForMaskedLM", "DistilBertForSequenceClassification", "DistilBertForTokenClassification"],
        config=dict(hidden_dim=INTERMEDIATE, max_position_embeddings=CONTEXT),
    ),
    "electra": dict(
        classes=["ElectraForMaskedLM", "ElectraForSequenceClassification", "ElectraForTokenClassification"],
        config=dict(intermediate_size=INTERMEDIATE, max_position_embeddings=CONTEXT, embedding_size=6),
        each=dict(ElectraForTokenClassification=dict(embedding_size=HIDDEN)),
    ),
    "llama": dict(
        classes=["LlamaForCausalLM", "LlamaForSequenceClassification", "LlamaForTokenClassification"],
        config=GROUPED,
        each=dict(
            LlamaForCausalLM=dict(
                head_dim=6,
                rope_parameters=dict(
                    rope_theta=100.0, rope_type="llama3", factor=4.0, low_freq_factor=0.05, high_freq_factor=0.5,
                    original_max_position_embeddings=4,
                ),
            ),
            LlamaForSequenceClassification=dict(
                attention_bias=True, rope_parameters=dict(rope_theta=100.0, rope_type="linear", factor=2.0)
            ),
            LlamaForTokenClassification=dict(
                rms_norm_eps=1e-5, rope_parameters=dict(rope_theta=100.0, rope_type="dynamic", factor=2.0)
            ),
        ),
    ),
    "mistral": dict(
        classes=["MistralForCausalLM", "MistralForSequenceClassification", "MistralForTokenClassification"],
        config=GROUPED | dict(sliding_window=CONTEXT),
    ),
    "qwen2": dict(
        classes=["Qwen2ForCausalLM", "Qwen2ForSequenceClassification", "Qwen2ForTokenClassification"],
        config=GROUPED | dict(tie_word_embeddings=True),
    ),
    "qwen3": dict(
        classes=["Qwen3ForCausalLM", "Qwen3ForSequenceClassification", "Qwen3ForTokenClassification"],
        config=GROUPED | dict(tie_word_embeddings=True),
    ),
    "t5": dict(
        classes=["T5ForConditionalGeneration", "T5ForConditionalGeneration_gated"],
        config=dict(
            num_decoder_layers=2, d_kv=3, d_ff=INTERMEDIATE, n_positions=CONTEXT, relative_attention_num_buckets=8,
            relative_attention_max_distance=5, decoder_start_token_id=0,
        ),
        each={
            "T5ForConditionalGeneration_gated": dict(
                num_decoder_layers=3, feed_forward_proj="gated-gelu", tie_word_embeddings=False
            ),
        },
    ),
    "bart": dict(
        classes=["BartForConditionalGeneration", "BartForConditionalGeneration_relu"],
        config=PAIRED | dict(encoder_attention_heads=2),
        each={
            "BartForConditionalGeneration_relu": dict(
                activation_function="relu", scale_embedding=True, decoder_ffn_dim=10, decoder_attention_heads=4,
            ),
        },
    ),
    "marian": dict(
        classes=["MarianMTModel", "MarianMTModel_relu"],
        config=PAIRED | dict(
            encoder_attention_heads=2, scale_embedding=True, activation_function="swish", decoder_start_token_id=0,
        ),
        each={"MarianMTModel_relu": dict(activation_function="relu", scale_embedding=False, decoder_layers=1)},
    ),
}


def wave(name: str, size: int) -> torch.Tensor:
    """sin(1.7 i + s) / 2 where s is the sum of the name's character codes."""
    start = sum(name.encode())
    return torch.tensor([math.sin(1.7 * i + start) / 2 for i in range(size)], dtype=torch.float64)


def value(name: str, shape) -> torch.Tensor:
    """Weights of norms, which are vectors, are around 1; everything else around 0."""
    offset = 1 if len(shape) == 1 and name.endswith(".weight") else 0
    return (wave(name, math.prod(shape)) + offset).reshape(shape)


def inputs(name: str):
    """Tokens of which none pads in any family, and which of them are real. Causal classifiers of sequences look for the
    last token that does not pad, so theirs do."""
    tokens = torch.tensor([2 + (7 * i * i + 3 * i) % (VOCABULARY - 2) for i in range(len(LENGTHS) * LENGTH)])
    tokens = tokens.reshape(len(LENGTHS), LENGTH)
    mask = torch.tensor([[int(t < real) for t in range(LENGTH)] for real in LENGTHS])
    looks = name.endswith("ForSequenceClassification") and not name.startswith(("Bert", "Roberta", "DistilBert", "Electra"))
    return tokens * mask if looks else tokens, mask


def source():
    """What an encoder reads for a decoder, and which tokens of it are real."""
    tokens = torch.tensor([2 + (5 * i * i + i) % (VOCABULARY - 2) for i in range(18)]).reshape(3, 6)
    return tokens, torch.tensor([[int(t < real) for t in range(6)] for real in [4, 6, 2]])


def logits_of(name: str, model) -> torch.Tensor:
    tokens, mask = inputs(name)
    if not model.config.is_encoder_decoder:
        return model(input_ids=tokens, attention_mask=mask).logits
    read, real = source()
    return model(
        input_ids=read, attention_mask=real, decoder_input_ids=tokens, decoder_attention_mask=mask, use_cache=False
    ).logits


def class_of(name: str):
    return getattr(transformers, name.split("_")[0])


def loss(name: str, logits: torch.Tensor) -> torch.Tensor:
    cross_entropy = torch.nn.functional.cross_entropy
    if name.endswith("ForMaskedLM"):
        return cross_entropy(logits.flatten(0, 1)[POSITIONS], MASKED, reduction="sum")
    if name.endswith("ForSequenceClassification"):
        return cross_entropy(logits, CLASSES, reduction="sum")
    if name.endswith("ForTokenClassification"):
        return cross_entropy(logits.flatten(0, 1)[POSITIONS], TAGS, reduction="sum")
    tokens, mask = inputs(name)
    counted = mask[:, 1:].bool()
    return cross_entropy(logits[:, :-1][counted], tokens[:, 1:][counted], reduction="sum")


def saved(model) -> dict:
    """Shapes of the tensors that a model saves."""
    with tempfile.TemporaryDirectory() as directory:
        model.save_pretrained(directory)
        with safe_open(f"{directory}/model.safetensors", "pt") as file:
            return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}


def reference(family: str, name: str) -> dict:
    labels = dict(num_labels=LABELS) if name.endswith("Classification") else {}
    options = SIZES | FAMILIES[family]["config"] | FAMILIES[family].get("each", {}).get(name, {}) | labels
    config = transformers.AutoConfig.for_model(family, **options)
    model = class_of(name)(config)
    if options.get("tie_word_embeddings") is False and config.is_encoder_decoder:
        # transformers 5 has two weights only where a checkpoint has.
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    model.set_attn_implementation("eager")
    model = model.double().eval()
    tensors = saved(model)
    parameters = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers())
    with torch.no_grad():
        for tensor, shape in tensors.items():
            parameters[tensor].copy_(value(tensor, shape))
    logits = logits_of(name, model)
    total = loss(name, logits)
    total.backward()
    gradients = {}
    for tensor in tensors:
        if not parameters[tensor].requires_grad:
            continue
        gradient = parameters[tensor].grad.flatten()
        gradients[tensor] = [
            (gradient @ wave(f"{tensor}/{k}", gradient.numel())).item() for k in range(PROJECTIONS)
        ]
    written = json.loads(config.to_json_string(use_diff=False)) | {"architectures": [name.split("_")[0]]}
    return {
        "config": written,
        "tensors": tensors,
        "lossSum": total.item(),
        "logits": logits.detach().flatten().tolist(),
        "gradients": gradients,
    }


def make(family: str) -> None:
    made = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}
    classes = {name: reference(family, name) for name in FAMILIES[family]["classes"]}
    path = pathlib.Path(__file__).with_name(f"{family}.json")
    path.write_text(json.dumps({"made": made, "classes": classes}) + "\n")


def check(directory: pathlib.Path) -> None:
    """Loads a directory that Ringmaster wrote of the model of a reference."""
    config = json.loads((directory / "config.json").read_text())
    name = directory.name
    assert config["architectures"] == [name.split("_")[0]]
    expected = json.loads(pathlib.Path(__file__).with_name(f"{config['model_type']}.json").read_text())
    model, report = class_of(name).from_pretrained(directory, output_loading_info=True)
    problems = {key: value for key, value in report.items() if value}
    assert not problems, problems
    _, mask = inputs(name)
    logits = logits_of(name, model.eval())
    if not name.endswith("ForSequenceClassification"):
        logits = logits * mask[:, :, None]
    wanted = torch.tensor(expected["classes"][name]["logits"]).reshape(logits.shape)
    if not name.endswith("ForSequenceClassification"):
        wanted = wanted * mask[:, :, None]
    difference = (logits - wanted).abs().max().item()
    assert difference < 1e-4, difference
    print(json.dumps({"class": name, "transformers": transformers.__version__, "difference": difference}))


# transformers 5 says so of every T5 1.1: its configuration is always that of tied weights.
ALWAYS = "The tied weights mapping and config for this model specifies to tie shared.weight to lm_head.weight"


class Complaints(logging.Handler):
    """Whatever is logged is an error."""

    def emit(self, record):
        if record.getMessage().startswith(ALWAYS):
            return
        raise AssertionError(record.getMessage())


if __name__ == "__main__":
    if sys.argv[1:] and pathlib.Path(sys.argv[1]).is_dir():
        warnings.simplefilter("error")
        logging.getLogger("transformers").addHandler(Complaints(level=logging.WARNING))
        for each in sys.argv[1:]:
            check(pathlib.Path(each))
    else:
        for each in sys.argv[1:] or FAMILIES:
            make(each)
