"""The reference cases."""

from .case import Case, Generate

VISION = dict(
    hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7
)
QFORMER = dict(
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    vocab_size=32,
    max_position_embeddings=16,
)
NEWLINE = 202  # the id of "\n" in the small byte-level vocabulary: where OPT captions end
OPT = dict(
    model_type="opt",
    hidden_size=32,
    num_hidden_layers=2,
    ffn_dim=64,
    num_attention_heads=4,
    max_position_embeddings=96,
    bos_token_id=2,
    eos_token_id=NEWLINE,
    pad_token_id=1,
)
T5 = dict(
    model_type="t5",
    d_model=32,
    d_kv=8,
    d_ff=48,
    num_layers=2,
    num_decoder_layers=2,
    num_heads=4,
    relative_attention_num_buckets=8,
    relative_attention_max_distance=12,
    bos_token_id=1,
    eos_token_id=1,
    pad_token_id=0,
    decoder_start_token_id=0,
)
GATED = dict(feed_forward_proj="gated-gelu", dense_act_fn="gelu", tie_word_embeddings=False)
PROMPTS = ["a photo of", "Question: how many cats are there? Answer:", "this is a picture"]

CASES = [
    Case(
        "opt-tiny",
        "OPT with tied head, layer norm first; all hidden states; a long answer; the processor",
        VISION,
        QFORMER,
        OPT,
        queries=4,
        prompts=PROMPTS[:2],
        generates=[
            Generate("greedy", "image", {"max_new_tokens": 20}),
            Generate("greedy", "image+text", {"max_new_tokens": 20}),
            Generate("default", "image", {}),
            Generate("long", "image+text", {"max_new_tokens": 40}),
            Generate("first-row", "image+text", {"max_new_tokens": 8}, rows=1),
        ],
        hidden_states=True,
        pictures=True,
    ),
    Case(
        "t5-gated",
        "Flan-T5: gated GELU (exact), a head of its own, outputs not scaled; all hidden states; the processor",
        VISION,
        QFORMER,
        {**T5, **GATED},
        queries=4,
        prompts=PROMPTS[:2],
        generates=[
            Generate("greedy", "image", {"max_new_tokens": 20}),
            Generate("greedy", "image+text", {"max_new_tokens": 20}),
            Generate("default", "image", {}),
            Generate("long", "image+text", {"max_new_tokens": 40}),
            Generate("first-row", "image+text", {"max_new_tokens": 8}, rows=1),
        ],
        seed=4,
        own_head=True,
        decoder_ids=True,
        hidden_states=True,
        pictures=True,
    ),
]
