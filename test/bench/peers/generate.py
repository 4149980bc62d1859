"""The peer of `generate`: `generate` of transformers on the same weights, greedily, with its key and value cache, on one thread."""

import json
import os
import sys
import time

import torch
import transformers

settings = json.loads(sys.argv[1])
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
transformers.logging.set_verbosity_error()
model = transformers.AutoModelForCausalLM.from_pretrained(settings["directory"], dtype=torch.float32).eval()


def say(message):
    print(json.dumps(message), file=answers, flush=True)


say(
    {
        "parameters": sum(tensor.numel() for tensor in model.parameters()),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
)
for line in sys.stdin:
    request = json.loads(line)
    prompts = torch.tensor(request["prompts"])
    started, processor = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        made = model.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            do_sample=False,
            min_new_tokens=request["tokens"],
            max_new_tokens=request["tokens"],
            pad_token_id=0,
            eos_token_id=None,
        )
    say(
        {
            "seconds": time.perf_counter() - started,
            "processorSeconds": time.process_time() - processor,
            "made": made[:, prompts.shape[1] :].tolist(),
        }
    )
