"""Makes generation.json: what small models of `transformers` generate, and what their samplers leave of logits. Weights come
from noise.py.

    pip install torch==2.9.1 transformers==5.23.0
    python libs/tasks/reference/generation.py && npx prettier --write libs/tasks/reference
"""

import json
import pathlib

import torch
import transformers
from noise import model_of, noise
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
    "T5ForConditionalGeneration": transformers.T5Config(
        vocab_size=VOCABULARY, num_layers=3, num_decoder_layers=3, d_model=8, num_heads=6, d_kv=5, d_ff=64, n_positions=96,
        relative_attention_num_buckets=8, relative_attention_max_distance=20, decoder_start_token_id=0, eos_token_id=None,
    ),
    "T5ForConditionalGeneration_gated": transformers.T5Config(
        vocab_size=VOCABULARY, num_layers=3, num_decoder_layers=2, d_model=16, num_heads=4, d_kv=5, d_ff=24, n_positions=96,
        decoder_start_token_id=0, eos_token_id=None, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
    ),
    "BartForConditionalGeneration": transformers.BartConfig(
        vocab_size=VOCABULARY, encoder_layers=2, decoder_layers=1, d_model=16, encoder_attention_heads=4,
        decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=96, pad_token_id=0,
        bos_token_id=1, eos_token_id=39, decoder_start_token_id=39,
    ),
    "MarianMTModel": transformers.MarianConfig(
        vocab_size=VOCABULARY, encoder_layers=2, decoder_layers=1, d_model=16, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=24, decoder_ffn_dim=64, max_position_embeddings=96, pad_token_id=0,
        eos_token_id=39, decoder_start_token_id=0, scale_embedding=False, activation_function="swish",
    ),
}
# Tokens that begin and end what is generated, and two that are never generated.
CONSTRAINTS = dict(forced_bos_token_id=7, forced_eos_token_id=8, bad_words_ids=[[9], [12]])
CASES = {
    "greedy": dict(max_new_tokens=64),
    "greedy with a penalty": dict(max_new_tokens=64, repetition_penalty=1.3),
    "three beams": dict(max_new_tokens=24, num_beams=3),
    "four beams, which may end": dict(max_new_tokens=32, num_beams=4, eos_token_id=5),
    "greedy with constraints": dict(max_new_tokens=64, **CONSTRAINTS),
    "three beams with constraints": dict(max_new_tokens=24, num_beams=3, **CONSTRAINTS),
}


def class_of(name: str) -> dict:
    class_name = name.split("_")[0]
    model = getattr(transformers, class_name)(CLASSES[name])
    is_paired = model.config.is_encoder_decoder
    # What cases say is all that is done with special tokens.
    model.generation_config.update(eos_token_id=None, forced_eos_token_id=None)
    if is_paired and not getattr(model.config, "scale_decoder_outputs", True):
        # transformers 5 has two weights only where a checkpoint has.
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    model, shapes = model_of(model)
    generated = {}
    for case, options in CASES.items():
        generated[case] = []
        for prompt in PROMPTS:
            tokens = torch.tensor([prompt])
            found = model.generate(tokens, attention_mask=torch.ones_like(tokens), do_sample=False, pad_token_id=0, **options)
            generated[case].append(found[0, 1 if is_paired else len(prompt):].tolist())
    config = json.loads(model.config.to_json_string(use_diff=False)) | {"architectures": [class_name]}
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
