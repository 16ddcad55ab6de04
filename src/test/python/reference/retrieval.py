# SPDX-License-Identifier: Apache-2.0
"""The reference cases of retrieval models: what they are, and what transformers computes of them."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import (
    AutoTokenizer,
    Blip2Config,
    Blip2ForImageTextRetrieval,
    Blip2Processor,
    Blip2TextModelWithProjection,
    Blip2VisionModelWithProjection,
    BlipImageProcessorPil,
)

from .cases import QFORMER, SMALL_QFORMER, SMALL_VISION, VISION, WIDE_QFORMER, WIDE_VISION
from .expected import _StayInDouble
from .models import DTYPES, read_json, write_json
from .weights import fill

# Files as the published checkpoint for retrieval has them, with a small vocabulary.
PUBLISHED = Path(__file__).parent.parent.parent / "resources" / "published" / "blip2-itm"
POSITIONS = 24
THREE = ["a red apple", "two dogs running on the beach in the evening", "a cat"]
FIVE = ["a photo of a cat on a couch", "pizza", "a woman with an umbrella in the city, at night", "the dog", "1969"]


@dataclass(frozen=True)
class RetrievalCase:
    """One folder."""

    name: str
    about: str
    vision: dict
    qformer: dict
    queries: int
    width: int
    images: int
    texts: list[str]
    seed: int
    dtype: str = "float32"
    keep_qformer_float32: bool = False
    image_token: bool = False  # image_token_index, and as many image ids in front of every text as there are queries
    hidden_states: bool = False
    pictures: bool = False


CASES = [
    RetrievalCase(
        "itm-tiny",
        "the published layout without an image token: three images with a text each, of different lengths; all hidden states; the"
        " processor",
        VISION,
        QFORMER,
        queries=4,
        width=16,
        images=3,
        texts=THREE,
        seed=201,
        hidden_states=True,
        pictures=True,
    ),
    RetrievalCase(
        "itm-image-token",
        "image ids in front of the texts; two images and five texts, matched pair by pair, as the reference cannot broadcast them;"
        " weights in F16",
        SMALL_VISION,
        dict(SMALL_QFORMER, num_hidden_layers=3),
        queries=5,
        width=12,
        images=2,
        texts=FIVE,
        seed=222,
        dtype="float16",
        image_token=True,
    ),
    RetrievalCase(
        "itm-bf16",
        "weights in BF16 but for the Q-Former's; one image and five texts; cross-attention in every layer",
        SMALL_VISION,
        dict(SMALL_QFORMER, cross_attention_frequency=1),
        queries=3,
        width=12,
        images=1,
        texts=FIVE,
        seed=240,
        dtype="bfloat16",
        keep_qformer_float32=True,
    ),
    RetrievalCase(
        "itm-wide",
        "widths of 256 and more, in F16",
        WIDE_VISION,
        WIDE_QFORMER,
        queries=8,
        width=256,
        images=3,
        texts=THREE,
        seed=269,
        dtype="float16",
    ),
]


def build(case, folder, seed):
    """Saves a checkpoint with random weights, and returns what transformers reads of it, widened to float32."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    copy_tokenizer(folder, case.vision["image_size"])
    vocab = read_json(PUBLISHED / "config.json")["qformer_config"]["vocab_size"]
    config = Blip2Config(
        vision_config=dict(case.vision),
        qformer_config=dict(
            case.qformer, use_qformer_text_input=True, vocab_size=vocab, max_position_embeddings=POSITIONS
        ),
        text_config={"model_type": "opt"},
        num_query_tokens=case.queries,
        image_text_hidden_size=case.width,
        image_token_index=vocab if case.image_token else None,
    )
    if case.image_token:
        write_json(
            os.path.join(folder, "processor_config.json"),
            {"num_query_tokens": case.queries, "processor_class": "Blip2Processor"},
        )
    model = Blip2ForImageTextRetrieval(config).eval()
    fill(model, torch.Generator().manual_seed(seed))
    state = {}
    for name, tensor in model.state_dict().items():
        kept = case.keep_qformer_float32 and (name.startswith("qformer.") or name == "query_tokens")
        state[name] = tensor.detach().to(torch.float32 if kept else DTYPES[case.dtype]).contiguous()
    model.save_pretrained(folder, state_dict=state)
    path = os.path.join(folder, "config.json")
    saved = read_json(path)
    saved["text_config"] = {"model_type": "opt"}  # as the published files say: there is no language model
    saved["dtype"] = case.dtype
    write_json(path, saved)
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)  # safetensors makes its files private
    return load(folder)


def copy_tokenizer(folder, image_size):
    """What the processor reads, as in the published checkpoints but for the vocabulary."""
    for name in ("vocab.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"):
        shutil.copy(PUBLISHED / name, folder)
    values = {**read_json(PUBLISHED / "preprocessor_config.json"), "size": {"height": image_size, "width": image_size}}
    write_json(os.path.join(folder, "preprocessor_config.json"), values)


def load(folder):
    return Blip2ForImageTextRetrieval.from_pretrained(folder, dtype=torch.float32).eval()


def processor_of(folder, model):
    with_token = model.config.image_token_index is not None
    return Blip2Processor(
        BlipImageProcessorPil.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
        num_query_tokens=model.config.num_query_tokens if with_token else None,
    )


def make_inputs(images, texts, model, folder, seed):
    """Pictures of noise around a colour of their own; texts as the processor lays them out."""
    generator = torch.Generator().manual_seed(1000 + seed)
    size = model.config.vision_config.image_size
    colour = 1.5 * torch.randn(images, 3, 1, 1, generator=generator)
    text = processor_of(folder, model).tokenizer(texts, padding=True, return_tensors="pt")
    ids, mask = text.input_ids, text.attention_mask
    inputs = {"text_only.input_ids": ids, "text_only.attention_mask": mask}
    positions = model.config.qformer_config.max_position_embeddings
    inputs["text_only.position_ids"] = torch.randint(0, positions, ids.shape, generator=generator)
    if model.config.image_token_index is not None:
        runs = torch.full((len(ids), model.config.num_query_tokens), model.config.image_token_index)
        ids = torch.cat([runs, ids], dim=1)
        mask = torch.cat([torch.ones_like(runs), mask], dim=1)
    inputs["pixel_values"] = colour + torch.randn(images, 3, size, size, generator=generator)
    return inputs | {"input_ids": ids, "attention_mask": mask}


@torch.no_grad()
def stages(model, inputs):
    """Every output that reference.safetensors may hold, by its key."""
    pixels, ids, mask = (inputs[key] for key in ("pixel_values", "input_ids", "attention_mask"))
    text_ids, text_mask, positions = (
        inputs["text_only." + key] for key in ("input_ids", "attention_mask", "position_ids")
    )
    out = {}
    vision = model.vision_model(pixels, output_hidden_states=True)
    query = model.qformer(
        query_embeds=model.query_tokens.expand(len(pixels), -1, -1),
        encoder_hidden_states=vision.last_hidden_state,
        output_hidden_states=True,
    )
    for name, output in (("vision", vision), ("qformer", query)):
        for i, state in enumerate(output.hidden_states):
            out[f"{name}.hidden_states.{i}"] = state
        out[f"{name}.last_hidden_state"] = output.last_hidden_state
    out["vision.pooler_output"] = vision.pooler_output

    itc = model(pixel_values=pixels, input_ids=ids, attention_mask=mask)
    out["itc.logits_per_image"] = itc.logits_per_image
    out["itc.text_embeds"] = itc.text_embeds
    out["image_embeds"] = itc.image_embeds
    parts = ("query_tokens", "vision_model", "qformer", "vision_projection")
    image_side = share(Blip2VisionModelWithProjection, model, parts)(pixel_values=pixels)
    assert torch.allclose(image_side.image_embeds, itc.image_embeds, rtol=0, atol=1e-6)
    text_side = share(Blip2TextModelWithProjection, model, ("query_tokens", "embeddings", "qformer", "text_projection"))
    text = text_side(input_ids=text_ids, attention_mask=text_mask, output_hidden_states=True)
    out["text_embeds"] = text.text_embeds
    out["text.last_hidden_state"] = text.last_hidden_state
    for i, state in enumerate(text.hidden_states):
        out[f"text.hidden_states.{i}"] = state
    placed = text_side(input_ids=text_ids, attention_mask=text_mask, position_ids=positions)
    out["text_embeds_at_positions"] = placed.text_embeds

    out["itm.every_pair"] = torch.stack(
        [torch.stack([pair(model, pixels[b], ids[t], mask[t]) for t in range(len(ids))]) for b in range(len(pixels))]
    )
    if len(pixels) == len(ids):
        itm = model(pixel_values=pixels, input_ids=ids, attention_mask=mask, use_image_text_matching_head=True)
        out["itm.logits_per_image"] = itm.logits_per_image
        out["itm.text_embeds"] = itm.text_embeds
    out["multimodal_features"] = multimodal(model, vision.last_hidden_state, text_ids, text_mask)
    return {"expected." + key: value.clone().contiguous() for key, value in out.items()}


def share(kind, model, parts):
    """A model of another class with the same modules."""
    other = kind(model.config).eval()
    for part in parts:
        setattr(other, part, getattr(model, part))
    return other


def pair(model, pixels, ids, mask):
    """The logits of one image and one text without padding."""
    kept = mask.bool()
    inputs = dict(pixel_values=pixels[None], input_ids=ids[kept][None], attention_mask=mask[kept][None])
    return model(**inputs, use_image_text_matching_head=True).logits_per_image[0]


def multimodal(model, image_embeds, text_ids, text_mask):
    """extract_features(mode="multimodal") of LAVIS's blip2_feature_extractor, by its formula: the Q-Former reads the queries and the
    text with a mask over both, and the queries' rows of its last hidden state are the features. A single image goes with every text.
    """
    rows = min(len(image_embeds), len(text_ids))
    if len(image_embeds) == 1:
        image_embeds, rows = image_embeds.expand(len(text_ids), -1, -1), len(text_ids)
    image_embeds, text_ids, text_mask = image_embeds[:rows], text_ids[:rows], text_mask[:rows]
    queries = model.query_tokens.expand(rows, -1, -1)
    output = model.qformer(
        query_embeds=model.embeddings(input_ids=text_ids, query_embeds=queries),
        query_length=queries.shape[1],
        attention_mask=torch.cat([torch.ones(queries.shape[:2], dtype=text_mask.dtype), text_mask], dim=1),
        encoder_hidden_states=image_embeds,
        encoder_attention_mask=torch.ones(image_embeds.shape[:2], dtype=torch.long),
    )
    return output.last_hidden_state[:, : queries.shape[1]]


def ranking(outputs, k):
    """compute_sim_matrix of LAVIS, by its formula: the best k by ITC, ordered by the matching logit plus the similarity. Returns the
    order of the texts for each image and of the images for each text, and the smallest distance between two that were compared.
    """
    sims = outputs["expected.itc.logits_per_image"]
    match = outputs["expected.itm.every_pair"][..., 1]
    orders, smallest = [], float("inf")
    for similarity, logit in ((sims, match), (sims.t(), match.t())):
        rows = []
        for row in range(len(similarity)):
            chosen = similarity[row].topk(min(k, similarity.shape[1]))
            score, order = (logit[row, chosen.indices] + chosen.values).sort(descending=True)
            rows.append(chosen.indices[order].tolist())
            for values in (score, similarity[row].sort().values):
                smallest = min([smallest, *values.diff().abs().tolist()])
        orders.append(rows)
    return orders, smallest


def unfit(model, inputs, outputs):
    """Why a case could not tell right from wrong, or None."""
    if not all(torch.isfinite(value).all() for value in outputs.values()):
        return "not finite"
    (texts, images), smallest = ranking(outputs, len(inputs["input_ids"]))
    if smallest < 2e-3:
        return f"margin {smallest:.2g}"
    logits = outputs["expected.itm.every_pair"]
    if (logits[..., 1] > logits[..., 0]).float().mean() in (0, 1):
        return "every pair is the same kind"
    if len(texts) > 1 and len({row[0] for row in texts}) == 1:
        return "one text is the best of all images"
    unmasked = stages(model, {**inputs, "text_only.attention_mask": torch.ones_like(inputs["text_only.attention_mask"])})
    for key in ("expected.text_embeds", "expected.multimodal_features"):
        if (unmasked[key][0] - outputs[key][0]).abs().max() < 1e-3:
            return f"{key} does not depend on the mask"
    if (outputs["expected.text_embeds_at_positions"] - outputs["expected.text_embeds"]).abs().max() < 1e-2:
        return "positions make no difference"
    return None


@torch.no_grad()
def errors(model, inputs, outputs):
    """How far each output that was computed in float32 is from float64, as in expected.errors."""
    exact_inputs = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
    with _StayInDouble():
        exact = stages(model.double(), exact_inputs)
    model.float()  # exactly what it was
    found = {}
    for key, want in exact.items():
        if key in outputs:
            assert want.dtype == torch.float64, key
            keep = meaningful(key, want, inputs["text_only.attention_mask"])
            difference = (outputs[key].double() - want)[keep].pow(2).mean().sqrt()
            found[key] = float(f"{(difference / want[keep].pow(2).mean().sqrt()).item():.2e}")
    return found


def meaningful(key, values, mask):
    """False for padded positions of texts; queries stand in front of them."""
    if not key.startswith(("expected.text", "expected.itm.text_embeds")):
        return torch.ones(values.shape[:1], dtype=torch.bool)
    queries = values.shape[1] - mask.shape[1]
    return torch.cat([torch.ones(len(mask), queries, dtype=torch.bool), mask.bool()], dim=1)
