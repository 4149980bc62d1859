"""Makes hugging-face.json: names and shapes of the tensors that `transformers` saves for small models.
With a directory that Ringmaster wrote, loads it instead, and fails unless every tensor is used and none is missing.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/model/reference/hugging_face.py && npx prettier --write libs/model/reference
    python libs/model/reference/hugging_face.py DIRECTORY
"""

import json
import pathlib
import sys
import tempfile

import transformers
from safetensors import safe_open

BERT = dict(
    num_hidden_layers=2,
    hidden_size=8,
    num_attention_heads=2,
    intermediate_size=20,
    max_position_embeddings=12,
    vocab_size=50,
)
GPT = dict(n_layer=2, n_embd=8, n_head=2, n_inner=20, n_positions=12, vocab_size=50, bos_token_id=None, eos_token_id=1)
MODELS = {
    "BertForMaskedLM": transformers.BertConfig(**BERT),
    "BertForSequenceClassification": transformers.BertConfig(**BERT, num_labels=3),
    "GPT2LMHeadModel": transformers.GPT2Config(**GPT),
}


def shapes(name, config):
    with tempfile.TemporaryDirectory() as directory:
        getattr(transformers, name)(config).save_pretrained(directory)
        with safe_open(f"{directory}/model.safetensors", "pt") as file:
            return {key: file.get_slice(key).get_shape() for key in file.keys()}


def check(directory):
    (name,) = json.loads(pathlib.Path(directory, "config.json").read_text())["architectures"]
    model, report = getattr(transformers, name).from_pretrained(directory, output_loading_info=True)
    problems = {key: value for key, value in report.items() if value}
    print(json.dumps({"class": name, "parameters": model.num_parameters(), "problems": str(problems)}))
    return 1 if problems else 0


if len(sys.argv) > 1:
    sys.exit(check(sys.argv[1]))
reference = {
    "transformers": transformers.__version__,
    "classes": {name: shapes(name, config) for name, config in MODELS.items()},
}
pathlib.Path(__file__).with_name("hugging-face.json").write_text(json.dumps(reference) + "\n")
