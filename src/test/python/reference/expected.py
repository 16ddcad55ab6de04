# SPDX-License-Identifier: Apache-2.0
"""Runs a model of transformers on a case's inputs."""

import torch
from transformers import Blip2Model


def is_legacy(model):
    return model.config.image_token_index is None


def is_t5(model):
    return not model.config.use_decoder_only_language_model


@torch.no_grad()
def stages(model, inputs, interpolate):
    """Every output that reference.safetensors may hold, by its key."""
    pixels, ids, mask = (inputs[key] for key in ("pixel_values", "input_ids", "attention_mask"))
    optional = {key: inputs[key] for key in ("labels", "decoder_input_ids") if key in inputs}
    out = {}
    image = model.get_image_features(pixels, interpolate_pos_encoding=interpolate, output_hidden_states=True)
    # Hidden states of the Q-Former are asked for by hand: get_image_features does not pass the request on.
    encoded = image.vision_outputs.last_hidden_state
    query = model.qformer(
        query_embeds=model.query_tokens.expand(len(pixels), -1, -1),
        encoder_hidden_states=encoded,
        encoder_attention_mask=torch.ones(encoded.shape[:-1], dtype=torch.long),
        output_hidden_states=True,
    )
    vision = model.vision_model(pixels, interpolate_pos_encoding=interpolate, output_hidden_states=True)
    assert torch.equal(query.last_hidden_state, image.qformer_outputs.last_hidden_state)
    assert torch.equal(vision.last_hidden_state, encoded)
    for name, output in (("vision", vision), ("qformer", query)):
        for i, state in enumerate(output.hidden_states):
            out[f"{name}.hidden_states.{i}"] = state
        out[f"{name}.last_hidden_state"] = output.last_hidden_state
    out["vision.pooler_output"] = vision.pooler_output
    projected = model.language_projection(query.last_hidden_state)
    out["language_projection"] = projected

    if is_legacy(model):
        result = _legacy_forward(model, projected, ids, mask, optional)
    else:
        assert torch.equal(projected, image.pooler_output)
        arguments = dict(pixel_values=pixels, input_ids=ids, attention_mask=mask, **optional)
        result = None
        if not is_t5(model) or optional:
            result = model(**arguments, interpolate_pos_encoding=interpolate)
    if result is not None:
        out["logits"] = result.logits
        if result.loss is not None:
            out["loss"] = result.loss

    # Shares the parts rather than their values: a fresh T5 has its head tied, so loading would overwrite the table.
    base = Blip2Model(model.config).eval()
    for part in ("query_tokens", "vision_model", "qformer", "language_projection", "language_model"):
        setattr(base, part, getattr(model, part))
    out["image_features"] = base.get_image_features(pixels, interpolate_pos_encoding=interpolate).last_hidden_state
    out["text_features"] = base.get_text_features(input_ids=ids, attention_mask=mask).last_hidden_state
    out["qformer_features"] = base.get_qformer_features(pixels, interpolate_pos_encoding=interpolate)
    return {"expected." + key: value.clone().contiguous() for key, value in out.items()}


def _legacy_forward(model, projected, ids, mask, optional):
    """What transformers did before it had image tokens: the image features stand in front of the text."""
    embeds, mask = _legacy_inputs(model, projected, ids, mask)
    if is_t5(model) and not optional:
        return None
    return model.language_model(inputs_embeds=embeds, attention_mask=mask, **optional)


def _legacy_inputs(model, projected, ids, mask):
    text = model.language_model.get_input_embeddings()(ids)
    ones = torch.ones(projected.shape[:2], dtype=mask.dtype)
    return torch.cat([projected, text], dim=1), torch.cat([ones, mask], dim=1)


@torch.no_grad()
def generate(model, inputs, entry, interpolate, hidden_options=None):
    """Returns the ids, and the smallest distance between the best and the second-best score of any step that counts."""
    rows = entry.get("rows", len(inputs["pixel_values"]))
    pixels = inputs["pixel_values"][:rows]
    ids = mask = None
    if entry["inputs"] == "image+text":
        ids, mask = inputs["input_ids"][:rows], inputs["attention_mask"][:rows]
    options = {**entry["options"], **(hidden_options or {})}
    flags = dict(return_dict_in_generate=True, output_scores=True)
    if is_legacy(model):
        image = model.get_image_features(pixels, interpolate_pos_encoding=interpolate)
        if ids is None:
            ids = torch.full((rows, 1), model.config.text_config.bos_token_id)
            mask = torch.ones_like(ids)
        embeds, mask = _legacy_inputs(model, image.pooler_output, ids, mask)
        result = model.language_model.generate(inputs_embeds=embeds, attention_mask=mask, **options, **flags)
        sequences = result.sequences if is_t5(model) else torch.cat([ids, result.sequences], dim=1)
    else:
        result = model.generate(
            pixel_values=pixels,
            input_ids=ids,
            attention_mask=mask,
            interpolate_pos_encoding=interpolate,
            **options,
            **flags,
        )
        sequences = result.sequences
    new = sequences[:, -len(result.scores) :]
    return sequences, new, _margin(result.scores, new, _ends(model, options))


def _ends(model, options):
    ends = options.get("eos_token_id", model.config.text_config.eos_token_id)
    return set(ends if isinstance(ends, list) else [ends])


def _margin(scores, new, ends):
    smallest = float("inf")
    for row in range(len(new)):
        for step, score in enumerate(scores):
            first, second = torch.topk(score[row], 2).values
            smallest = min(smallest, (first - second).item())
            if new[row, step].item() in ends:
                break
    return smallest
