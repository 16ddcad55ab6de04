# SPDX-License-Identifier: Apache-2.0
"""What describes a reference case."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Generate:
    """One call of generate: the name, what it is given, and Hugging Face's option names."""

    name: str
    inputs: str
    options: dict = field(default_factory=dict)
    rows: int | None = None
    # Options for transformers alone, where the library is meant to know better; the reason is in the case's note.
    hidden_options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One folder."""

    name: str
    about: str
    vision: dict
    qformer: dict
    text: dict
    queries: int
    prompts: list[str]
    generates: list[Generate]
    dtype: str = "float32"
    seed: int = 0
    gain: float = 1.5
    pixels: tuple[int, int] | None = None  # height and width, where they differ from image_size
    labels: bool = False
    decoder_ids: bool = False
    hidden_states: bool = False
    logits: bool = True
    legacy: bool = False  # no image_token_index
    split_qkv_bias: bool = False  # q_bias and v_bias in place of qkv.bias
    own_head: bool = False  # T5: lm_head.weight of its own
    keep_qformer_float32: bool = False
    shards: str | None = None  # max_shard_size
    published_t5_config: bool = False  # text_config with the keys that Flan-T5 checkpoints have
    pictures: bool = False  # images and texts through the processor
    native_processor: bool = False  # processor files as transformers 5 saves them
    generation_eos: list[int] | None = None  # eos_token_id of generation_config.json, if not that of text_config
    distinct: int = 5  # how many different new ids the longest generation shows at least
    # Which of the tables that config.json ties are stored: "save_model" leaves the choice to safetensors, names keep those.
    tied: str | list[str] | None = None
    differing: list[str] = field(default_factory=list)  # tied tables with values of their own
