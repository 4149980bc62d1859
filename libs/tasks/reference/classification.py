"""Makes classification.json: the logits of a small decoder of `transformers` that classifies texts, of which one token is
both the end and the padding. Weights come from noise.py.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/tasks/reference/classification.py && npx prettier --write libs/tasks/reference
"""

import json
import pathlib

import torch
import transformers
from noise import model_of

NAME, END = "LlamaForSequenceClassification", 5
# The longest ends with the token itself, as a text of another tokenizer may.
TEXTS = [[3, 14, 15, 9, 2, 6], [8, 7], [35], [1, 2, 3, END, END], [9, END, 4]]

model, shapes = model_of(
    getattr(transformers, NAME)(
        transformers.LlamaConfig(
            vocab_size=40, num_hidden_layers=2, hidden_size=16, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=24, max_position_embeddings=16, bos_token_id=None, eos_token_id=END, pad_token_id=END,
            num_labels=3,
        )
    )
)
length = max(map(len, TEXTS))
tokens = torch.tensor([text + [END] * (length - len(text)) for text in TEXTS])
mask = torch.tensor([[1] * len(text) + [0] * (length - len(text)) for text in TEXTS])
with torch.no_grad():
    logits = model(input_ids=tokens, attention_mask=mask).logits
config = json.loads(model.config.to_json_string(use_diff=False)) | {"architectures": [NAME]}
reference = {
    "made": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
    "config": config,
    "tensors": shapes,
    "texts": TEXTS,
    "logits": logits.tolist(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
