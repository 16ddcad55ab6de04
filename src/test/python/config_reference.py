# SPDX-License-Identifier: Apache-2.0
"""Writes what transformers makes of configurations, defaults filled in: python config_reference.py"""

import json
import os

from transformers import Blip2Config, OPTConfig, T5Config

OUT = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "blip2-core", "src", "test", "resources", "config"
)
CASES = {
    "defaults": {},
    "opt": dict(
        vision_config=dict(hidden_size=64, num_attention_heads=4, image_size=28, patch_size=7, qkv_bias=False),
        qformer_config=dict(hidden_size=48, num_attention_heads=3, use_qformer_text_input=True),
        text_config=dict(model_type="opt", hidden_size=96, word_embed_proj_dim=32, eos_token_id=50118, do_layer_norm_before=False),
        num_query_tokens=8,
        image_token_index=50265,
    ),
    "flan-t5": dict(
        text_config=dict(
            model_type="t5",
            d_model=2048,
            num_layers=24,
            feed_forward_proj="gated-gelu",
            dense_act_fn="gelu",
            tie_word_embeddings=False,
            bos_token_id=1,
        ),
        image_token_index=32100,
    ),
    "t5-gated-gelu": dict(text_config=dict(model_type="t5", feed_forward_proj="gated-gelu", num_layers=3)),
    "t5-gated-silu": dict(text_config=dict(model_type="t5", feed_forward_proj="gated-silu", num_decoder_layers=2)),
}


def flat(config, text_class):
    """The composite as a plain dict, with every default of every part."""
    whole = config.to_dict()
    whole["text_config"] = text_class(**{k: v for k, v in whole["text_config"].items() if k != "model_type"}).to_dict()
    # Derived attributes that to_dict leaves out.
    for key in ("dense_act_fn", "is_gated_act", "scale_decoder_outputs"):
        if hasattr(config.text_config, key):
            whole["text_config"][key] = getattr(config.text_config, key)
    return whole


def main():
    os.makedirs(OUT, exist_ok=True)
    for name, given in CASES.items():
        config = Blip2Config(**given)
        text_class = T5Config if config.text_config.model_type == "t5" else OPTConfig
        with open(os.path.join(OUT, name + ".json"), "w") as file:
            json.dump({"given": given, "expected": flat(config, text_class)}, file, indent=1, sort_keys=True)
            file.write("\n")


if __name__ == "__main__":
    main()
