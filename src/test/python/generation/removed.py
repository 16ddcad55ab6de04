# SPDX-License-Identifier: Apache-2.0
"""Searches that transformers 5.18.0 no longer has, as functions for its `custom_generate`.

Group and constrained beam search keep their books with the classes of transformers 4.57.6, the newest release with them; only
the loop around them is here. Every step computes the whole sequence again, without a cache.
"""

import importlib.util
import os
import sys
from types import SimpleNamespace

import torch

V4 = os.environ.get("TRANSFORMERS_4", os.path.join(sys.prefix, "transformers-4.57.6"))
GROUPS_SOURCE = (
    "BeamSearchScorer of transformers 4.57.6; Hamming diversity of Vijayakumar et al. 2016: after all other processors each id"
    " loses diversity_penalty for each beam of an earlier group that chose it in this step"
)
CONSTRAINED_SOURCE = "ConstrainedBeamSearchScorer of transformers 4.57.6 in a plain loop of beam search"
CONTRASTIVE_SOURCE = (
    "formula of Su et al. 2022: the candidate with the largest (1 - alpha) * probability - alpha * largest cosine with the"
    " last hidden state (what the head reads) of any unpadded position before it, image and prompt among them"
)


def load_v4(name):
    """A module of transformers 4.57.6, as a part of the installed package, whose helpers it uses."""
    qualified = f"transformers.generation.{name}"
    if qualified not in sys.modules:
        path = os.path.join(V4, "transformers", "generation", f"{name}.py")
        if not os.path.exists(path):
            sys.exit(f"{path} is missing: pip install --no-deps --target {V4} transformers==4.57.6")
        if name == "beam_search":
            load_v4("beam_constraints")
        spec = importlib.util.spec_from_file_location(qualified, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[qualified] = module
        spec.loader.exec_module(module)
    return sys.modules[qualified]


class FullForward:
    """Logits and last hidden states of whole sequences; rows says which row of the inputs each sequence continues."""

    def __init__(self, model, kwargs):
        self.model, self.kwargs = model, kwargs

    def __call__(self, ids, rows):
        model, mask = self.model, self.kwargs.get("attention_mask")
        mask = None if mask is None else mask[rows]
        arguments = dict(use_cache=False, output_hidden_states=True)
        if model.config.is_encoder_decoder:
            encoded = self.kwargs["encoder_outputs"].last_hidden_state[rows]
            out = model(encoder_outputs=(encoded,), attention_mask=mask, decoder_input_ids=ids, **arguments)
            return out.logits[:, -1].float(), out.decoder_hidden_states[-1]
        prompt = self.kwargs["inputs_embeds"][rows]
        new = ids[:, prompt.shape[1] :]
        embeds = torch.cat([prompt, model.get_input_embeddings()(new)], dim=1)
        if mask is not None:
            mask = torch.cat([mask, torch.ones_like(new)], dim=1)
        out = model(inputs_embeds=embeds, attention_mask=mask, **arguments)
        return out.logits[:, -1].float(), out.hidden_states[-1]


class Search:
    """What the two beam searches share."""

    margin = None

    def best(self, scores, ends, beams):
        """The candidates of a step: scores, beams, ids."""
        count = max(2, 1 + ends) * beams
        vocabulary = scores.shape[-1]
        flat = scores.reshape(-1, beams * vocabulary)
        self.margin.order(torch.topk(flat, count + 1).values)
        values, indices = torch.topk(flat, count)
        return values, indices // vocabulary, indices % vocabulary

    def result(self, scorer, ids, beam_scores, tokens, indices, config, prompt):
        found = scorer.finalize(
            ids,
            beam_scores,
            tokens,
            indices,
            max_length=config.max_length,
            pad_token_id=config._pad_token_tensor,
            eos_token_id=config._eos_token_tensor,
                        decoder_prompt_len=prompt,
        )
        self.finished(scorer, getattr(scorer, "num_beam_groups", 1))
        return SimpleNamespace(sequences=found["sequences"], sequences_scores=found["sequence_scores"], scores=None)

    def finished(self, scorer, groups=1):
        """Watches the hypotheses of each picture; equal ids in two groups are no tie."""
        for start in range(0, len(scorer._beam_hyps), groups):
            lists = scorer._beam_hyps[start : start + groups]
            scores = {tuple(ids.tolist()): score for hypotheses in lists for score, ids, _ in hypotheses.beams}
            if scores:
                self.margin.order(torch.tensor([list(scores.values())]))


class GroupBeamSearch(Search):
    def __call__(self, model, input_ids, logits_processor, stopping_criteria, generation_config, **kwargs):
        config = generation_config
        scorers = load_v4("beam_search")
        beams, groups = config.num_beams, config.num_beam_groups
        size = beams // groups
        batch = len(input_ids) // beams
        prompt = input_ids.shape[1]
        forward = FullForward(model, kwargs)
        scorer = scorers.BeamSearchScorer(
            batch_size=batch,
            num_beams=beams,
            device="cpu",
            length_penalty=config.length_penalty,
            do_early_stopping=config.early_stopping,
            num_beam_hyps_to_keep=config.num_return_sequences,
            num_beam_groups=groups,
            max_length=config.max_length,
        )
        everything = torch.arange(len(input_ids))
        beam_scores = torch.full((batch, beams), -1e9)
        beam_scores[:, ::size] = 0
        beam_scores = beam_scores.view(-1)
        ids = input_ids
        while True:
            logits, _ = forward(ids, everything)
            log_probs = torch.log_softmax(logits, dim=-1)
            chosen = torch.zeros(batch * beams, dtype=torch.long)
            following = torch.zeros(batch * beams, ids.shape[1] + 1, dtype=torch.long)
            for group in range(groups):
                rows = torch.cat([torch.arange(group * size, (group + 1) * size) + i * beams for i in range(batch)])
                scores = logits_processor(ids[rows], log_probs[rows])
                counts = torch.zeros(batch, scores.shape[-1])
                for i in range(batch):
                    earlier = chosen[i * beams : i * beams + group * size]
                    counts[i] = torch.bincount(earlier, minlength=scores.shape[-1])
                scores = scores - config.diversity_penalty * counts.repeat_interleave(size, dim=0)
                scores = scores + beam_scores[rows, None]
                values, indices, tokens = self.best(scores, len(config._eos_token_tensor), size)
                out = scorer.process(
                    ids[rows],
                    values,
                    tokens,
                    indices,
                    pad_token_id=config._pad_token_tensor,
                    eos_token_id=config._eos_token_tensor,
                    group_index=group,
                    decoder_prompt_len=prompt,
                )
                beam_scores[rows] = out["next_beam_scores"]
                chosen[rows] = out["next_beam_tokens"]
                following[rows] = torch.cat([ids[rows][out["next_beam_indices"]], out["next_beam_tokens"][:, None]], dim=1)
            ids = following
            self.finished(scorer)
            if scorer.is_done or bool(stopping_criteria(ids, None).all()):
                break
        # finalize counts the beams of a picture group by group, as they lie.
        return self.result(scorer, ids, beam_scores, tokens, indices, config, prompt)


class ConstrainedBeamSearch(Search):
    def __call__(self, model, input_ids, logits_processor, stopping_criteria, generation_config, **kwargs):
        config = generation_config
        scorers, constraints = load_v4("beam_search"), load_v4("beam_constraints")
        beams = config.num_beams
        batch = len(input_ids) // beams
        prompt = input_ids.shape[1]
        forward = FullForward(model, kwargs)
        words = [
            constraints.DisjunctiveConstraint(ids) if isinstance(ids[0], list) else constraints.PhrasalConstraint(ids)
            for ids in config.force_words_ids
        ]
        scorer = scorers.ConstrainedBeamSearchScorer(
            constraints=words,
            batch_size=batch,
            num_beams=beams,
            device="cpu",
            length_penalty=config.length_penalty,
            do_early_stopping=config.early_stopping,
            num_beam_hyps_to_keep=config.num_return_sequences,
            max_length=config.max_length,
        )
        everything = torch.arange(len(input_ids))
        beam_scores = torch.zeros((batch, beams))
        beam_scores[:, 1:] = -1e9
        beam_scores = beam_scores.view(-1)
        ids = input_ids
        while True:
            logits, _ = forward(ids, everything)
            scores = logits_processor(ids, torch.log_softmax(logits, dim=-1)) + beam_scores[:, None]
            values, indices, tokens = self.best(scores, len(config._eos_token_tensor), beams)
            out = scorer.process(
                ids,
                values,
                tokens,
                indices,
                scores,
                pad_token_id=config._pad_token_tensor,
                eos_token_id=config._eos_token_tensor,
                decoder_prompt_len=prompt,
            )
            beam_scores = out["next_beam_scores"]
            ids = torch.cat([ids[out["next_beam_indices"]], out["next_beam_tokens"][:, None]], dim=1)
            self.finished(scorer)
            if scorer.is_done or bool(stopping_criteria(ids, None).all()):
                break
        return self.result(scorer, ids, beam_scores, tokens, indices, config, prompt)


class ContrastiveSearch:
    margin = None

    def __call__(self, model, input_ids, logits_processor, stopping_criteria, generation_config, **kwargs):
        config = generation_config
        alpha, width = config.penalty_alpha, config.top_k
        forward = FullForward(model, kwargs)
        batch = len(input_ids)
        rows = torch.arange(batch)
        valid = kwargs.get("attention_mask")
        if valid is None or model.config.is_encoder_decoder:
            valid = torch.ones_like(input_ids)
        ids, unfinished = input_ids, torch.ones(batch, dtype=torch.bool)
        while unfinished.any():
            logits, context = forward(ids, rows)
            logits = logits_processor(ids, logits)
            probabilities = torch.softmax(logits, dim=-1)
            best, candidates = torch.topk(probabilities, width, dim=-1)
            _, hidden = forward(
                torch.cat([ids.repeat_interleave(width, dim=0), candidates.reshape(-1, 1)], dim=1),
                rows.repeat_interleave(width),
            )
            hidden = torch.nn.functional.normalize(hidden[:, -1].view(batch, width, -1), dim=-1)
            cosines = hidden @ torch.nn.functional.normalize(context, dim=-1).transpose(1, 2)
            cosines = cosines.masked_fill(valid[:, None, :] == 0, float("-inf"))
            scores = (1 - alpha) * best - alpha * cosines.max(dim=-1).values
            self.margin.order(torch.topk(logits[unfinished], width + 1, dim=-1).values[:, -2:])
            self.margin.order(torch.topk(scores[unfinished], 2).values)
            token = candidates.gather(1, scores.argmax(dim=-1, keepdim=True))
            token = torch.where(unfinished[:, None], token, config._pad_token_tensor)
            ids = torch.cat([ids, token], dim=1)
            valid = torch.cat([valid, torch.ones_like(token)], dim=1)
            unfinished = unfinished & ~stopping_criteria(ids, None)
        return SimpleNamespace(sequences=ids, scores=None)
