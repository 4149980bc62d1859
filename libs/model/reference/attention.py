"""Makes attention.json: what the attention layers of `transformers` give, and their gradients, as a few projections. Weights
and inputs come from formulas that src/layers/attention.test.ts repeats.

    pip install torch==2.9.1 transformers==4.57.6
    python libs/model/reference/attention.py && npx prettier --write libs/model/reference
"""

import json
import math
import pathlib

import torch
import transformers
from transformers import BartConfig, LlamaConfig, T5Config
from transformers.models.bart.modeling_bart import BartAttention
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaRotaryEmbedding
from transformers.models.t5.modeling_t5 import T5Attention

SEQUENCES, LENGTH, MEMORY, HIDDEN = 2, 6, 4, 8
LENGTHS, MEMORY_LENGTHS = [6, 3], [2, 4]
PROJECTIONS = 3
NEVER = -1e9


def wave(name: str, *shape: int) -> torch.Tensor:
    """sin(1.7 i + s) / 2 where s is the sum of the name's character codes."""
    start = sum(name.encode())
    size = math.prod(shape)
    values = [math.sin(1.7 * i + start) / 2 for i in range(size)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def padding(lengths, length):
    """[B,1,1,K]"""
    real = torch.tensor([[t < count for t in range(length)] for count in lengths])
    return torch.where(real, 0.0, NEVER).double()[:, None, None, :]


CAUSAL = torch.triu(torch.full((LENGTH, LENGTH), NEVER, dtype=torch.float64), 1)[None, None].repeat(SEQUENCES, 1, 1, 1)


def named(module, names):
    """Loads a module; its parameters by our names."""
    parameters = dict(module.double().named_parameters())
    assert set(parameters) == set(names), set(parameters) ^ set(names)
    with torch.no_grad():
        for theirs, ours in names.items():
            parameters[theirs].copy_(wave(ours, *parameters[theirs].shape))
    return {ours: parameters[theirs] for theirs, ours in names.items()}


def projections(ours, theirs, bias=False):
    return {
        f"{their}.{kind}": f"{our}.{kind}"
        for our, their in zip(ours, theirs)
        for kind in (("weight", "bias") if bias else ("weight",))
    }


def names_in(layer):
    return [f"{layer}.{part}" for part in ("query", "key", "value", "output")]


def given(name, length):
    return wave(name, SEQUENCES * length, HIDDEN).reshape(SEQUENCES, length, HIDDEN).requires_grad_()


def result(output, inputs, parameters, lengths=None):
    """The scalar that is differentiated is a combination of the outputs of real tokens."""
    weights = wave("weights", SEQUENCES * LENGTH, HIDDEN).reshape(SEQUENCES, LENGTH, HIDDEN)
    for sequence, real in enumerate(lengths or []):
        weights[sequence, real:] = 0
    total = (output * weights).sum()
    total.backward()
    gradients = {name: tensor.grad.flatten() for name, tensor in {**inputs, **parameters}.items()}
    return {
        "total": total.item(),
        "gradients": {
            name: [(gradient @ wave(f"{name}/{k}", gradient.numel())).item() for k in range(PROJECTIONS)]
            for name, gradient in gradients.items()
        },
    }


T5 = dict(d_model=HIDDEN, d_kv=3, num_heads=2, relative_attention_num_buckets=8, relative_attention_max_distance=5)


def t5_stack(is_decoder, mask, lengths):
    """Two layers that share the bias of the first."""
    config = T5Config(**T5, is_decoder=is_decoder, dropout_rate=0.0)
    first = T5Attention(config, has_relative_attention_bias=True, layer_idx=0).eval()
    second = T5Attention(config, has_relative_attention_bias=False, layer_idx=1).eval()
    bias = {"relative_attention_bias.weight": "bias.weight"}
    parameters = named(first, projections(names_in("first"), "qkvo") | bias)
    parameters |= named(second, projections(names_in("second"), "qkvo"))
    x = given("input x", LENGTH)
    positions = torch.arange(LENGTH)
    read, shared = first(x, mask=mask, cache_position=positions)[:2]
    between = x + read
    # The bias that is handed on has the mask in it.
    output = between + second(between, position_bias=shared, cache_position=positions)[0]
    return result(output, {"input x": x}, parameters, lengths)


def t5_cross():
    layer = T5Attention(T5Config(**T5, is_decoder=True, dropout_rate=0.0), has_relative_attention_bias=False).eval()
    parameters = named(layer, projections(names_in("attention"), "qkvo"))
    x, memory = given("input x", LENGTH), given("input memory", MEMORY)
    mask = padding(MEMORY_LENGTHS, MEMORY)
    output = layer(x, mask=mask, key_value_states=memory, cache_position=torch.arange(LENGTH))[0]
    return result(x + output, {"input x": x, "input memory": memory}, parameters)


def bart_cross():
    config = BartConfig(d_model=HIDDEN, attn_implementation="eager")
    layer = BartAttention(HIDDEN, 2, is_decoder=True, config=config, layer_idx=0).eval()
    theirs = ["q_proj", "k_proj", "v_proj", "out_proj"]
    parameters = named(layer, projections(names_in("attention"), theirs, bias=True))
    x, memory = given("input x", LENGTH), given("input memory", MEMORY)
    mask = padding(MEMORY_LENGTHS, MEMORY).expand(-1, 1, LENGTH, -1)
    output = layer(x, key_value_states=memory, attention_mask=mask)[0]
    return result(x + output, {"input x": x, "input memory": memory}, parameters)


def llama():
    """Four query heads, two of keys and values; positions count half."""
    config = LlamaConfig(
        hidden_size=HIDDEN, num_attention_heads=4, num_key_value_heads=2, head_dim=4, max_position_embeddings=LENGTH,
        rope_theta=100.0, rope_scaling={"rope_type": "linear", "factor": 2.0}, attn_implementation="eager",
    )
    layer = LlamaAttention(config, layer_idx=0).eval()
    theirs = ["q_proj", "k_proj", "v_proj", "o_proj"]
    parameters = named(layer, projections(names_in("attention"), theirs))
    x = given("input x", LENGTH)
    angles = LlamaRotaryEmbedding(config)(x, torch.arange(LENGTH)[None])
    output = layer(x, position_embeddings=angles, attention_mask=CAUSAL)[0]
    return result(x + output, {"input x": x}, parameters)


def buckets(bidirectional):
    distances = torch.arange(-140, 141)
    return T5Attention._relative_position_bucket(distances, bidirectional=bidirectional).tolist()


reference = {
    "made": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
    "layers": {
        "t5 encoder": t5_stack(False, padding(LENGTHS, LENGTH), LENGTHS),
        "t5 decoder": t5_stack(True, CAUSAL, None),
        "t5 cross": t5_cross(),
        "bart cross": bart_cross(),
        "llama": llama(),
    },
    "buckets": {"bidirectional": buckets(True), "backward": buckets(False)},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(reference) + "\n")
