# SPDX-License-Identifier: Apache-2.0
"""Runs a model of transformers on a case's inputs."""

import torch
from torch.overrides import TorchFunctionMode
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


@torch.no_grad()
def errors(model, inputs, interpolate, outputs):
    """How far each output that was computed in float32 is from float64: root mean square of the difference over that of the
    values. Positions without meaning do not count.
    """
    exact_inputs = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
    with _StayInDouble():
        exact = stages(model.double(), exact_inputs, interpolate)
    model.float()  # exactly what it was
    found = {}
    for key, want in exact.items():
        if key in outputs:
            assert want.dtype == torch.float64, key
            keep = _meaningful(model, key, want, inputs["attention_mask"])
            difference = (outputs[key].double() - want)[keep].pow(2).mean().sqrt()
            found[key] = float(f"{(difference / want[keep].pow(2).mean().sqrt()).item():.2e}")
    return found


class _StayInDouble(TorchFunctionMode):
    """T5 computes norms and softmax in float32 whatever its weights are. Only what is float64 already stays so: the buckets
    of T5's distances, computed from integers, keep their float32 steps, or some distance would change its bucket.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if args and isinstance(args[0], torch.Tensor) and args[0].dtype == torch.float64:
            func = torch.Tensor.double if func is torch.Tensor.float else func
            args = tuple(torch.float64 if value is torch.float32 else value for value in args)
            kwargs = {k: torch.float64 if v is torch.float32 else v for k, v in (kwargs or {}).items()}
        return func(*args, **(kwargs or {}))


def _meaningful(model, key, values, mask):
    """False for padded positions of a decoder-only model, and of text features."""
    per_position = key == "expected.text_features" or key == "expected.logits" and not is_t5(model)
    if not per_position:
        return torch.ones(values.shape[:1], dtype=torch.bool)
    # In the older layout image features without a mask stand in front; with labels the last positions are left.
    positions = values.shape[1]
    missing = max(0, positions - mask.shape[1])
    return torch.cat([torch.ones(len(mask), missing, dtype=torch.bool), mask.bool()], dim=1)[:, -positions:]


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
