# SPDX-License-Identifier: Apache-2.0
"""How far apart the scores are that decide something, so that rounding cannot turn a case."""

from contextlib import contextmanager

import torch
from transformers.generation.utils import GenerationMixin

IMPOSSIBLE = -1e8  # a beam without a hypothesis starts at -1e9


class Margin:
    """The smallest distance seen."""

    def __init__(self):
        self.value = float("inf")

    def order(self, scores):
        """Scores of a row, of which the order counts. Impossible ones do not."""
        for row in scores.reshape(-1, scores.shape[-1]):
            real = torch.sort(row[torch.isfinite(row) & (row > IMPOSSIBLE)], descending=True).values
            if len(real) > 1:
                self.gap((real[:-1] - real[1:]).min())

    def gap(self, distance):
        self.value = min(self.value, float(distance))


@contextmanager
def watched(model, margin, disturb=None):
    """Watches the beam search of transformers. A generator as disturb adds noise to the logits and breaks ties at random."""
    originals = {
        name: GenerationMixin.__dict__[name]
        for name in ("_get_top_k_continuations", "_update_finished_beams", "_check_early_stop_heuristic")
    }

    def continuations(self, **kwargs):
        scores = kwargs["accumulated_log_probs"]
        if disturb is not None:
            low = torch.isfinite(scores) & (scores < IMPOSSIBLE)
            kwargs["accumulated_log_probs"] = torch.where(
                low, scores + 1e4 * torch.rand(scores.shape, generator=disturb), scores
            )
        elif not kwargs["do_sample"]:
            margin.order(torch.topk(scores, min(kwargs["beams_to_keep"] + 1, scores.shape[-1])).values)
        return originals["_get_top_k_continuations"](self, **kwargs)

    def finished(self, **kwargs):
        result = originals["_update_finished_beams"](self, **kwargs)
        margin.order(result[1])
        return result

    def early(**kwargs):
        length = kwargs["cur_len"] - kwargs["decoder_prompt_len"]
        if kwargs["early_stopping"] == "never" and kwargs["length_penalty"] > 0:
            length = kwargs["max_length"] - kwargs["decoder_prompt_len"]
        best = kwargs["running_beam_scores"][:, 0] / length ** kwargs["length_penalty"]
        worst = kwargs["beam_scores"].min(dim=1).values
        real = (best > IMPOSSIBLE) & (worst > IMPOSSIBLE) & kwargs["is_early_stop_heuristic_unsatisfied"][:, 0]
        for distance in (best - worst).abs()[real]:
            margin.gap(distance)
        return originals["_check_early_stop_heuristic"].__func__(**kwargs)

    hook = None
    if disturb is not None:

        def noisy(module, arguments, output):
            return output + 1e-4 * (torch.rand(output.shape, generator=disturb) - 0.5)

        hook = model.get_output_embeddings().register_forward_hook(noisy)
    GenerationMixin._get_top_k_continuations = continuations
    GenerationMixin._update_finished_beams = finished
    GenerationMixin._check_early_stop_heuristic = staticmethod(early)
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(GenerationMixin, name, original)
        if hook:
            hook.remove()
